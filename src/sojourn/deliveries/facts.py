"""Gathers what the policy looks at, for a whole batch: one statement a kind, never one a person.

The only place where deliveries read the folders below for a decision. Rows that a decision changes (pressure, pairs)
are locked in the order of their profile ids before anything that they guard is read. Profiles that were merged are one
person: what weighs on one of them weighs on all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sojourn.channels import store as channels
from sojourn.channels.model import Sender
from sojourn.consents import store as consents
from sojourn.deliveries.person_facts import (
    Burden,
    People,
    address_values,
    choose_address,
    person_facts,
    workspace_facts,
)
from sojourn.deliveries.store import limits
from sojourn.deliveries.store.consent_messages import list_consent_messages
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.messages import store as messages
from sojourn.policy.model import (
    ConsentMessage,
    Facts,
    PairFacts,
    PersonFacts,
    Request,
    SenderFacts,
)
from sojourn.profiles import identity_store
from sojourn.profiles import store as profiles
from sojourn.profiles.model import IdentityRow, Profile, Scheme
from sojourn.workspaces import store as workspaces
from sojourn.workspaces.model import Workspace, WorkspaceSettings

ADDRESS_SCHEMES: Mapping[str, tuple[Scheme, ...]] = {
    # In this order: a phone number reaches everybody, and templates with codes need one.
    "whatsapp": (Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID),
    "memory": (Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID),
    "sms": (Scheme.PHONE,),
    "email": (Scheme.EMAIL,),
    "push": (Scheme.EXTERNAL_ID,),
    "inapp": (Scheme.EXTERNAL_ID,),
}
PORTFOLIO_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Facts for a batch, and what rendering and sending need beside them."""

    facts: Facts
    workspace: Workspace
    profiles: Mapping[UUID, Profile]
    addresses: Mapping[UUID, IdentityRow]
    senders: Mapping[UUID, Sender]
    known_values: Mapping[UUID, frozenset[str]]


async def gather_facts(
    conn: Conn,
    workspace_id: UUID,
    requests: Sequence[Request],
    *,
    channel: str,
    senders: Mapping[UUID, Sender],
    keys: KeyRing,
    now: datetime,
    at_send: bool = False,
    own_deliveries: Sequence[UUID] = (),
) -> Gathered:
    """Facts about everybody and everything that these requests of one workspace and channel touch.

    `own_deliveries`: reservations of the requests themselves, which do not weigh on them.
    """
    workspace = await workspaces.get_workspace(conn, workspace_id)
    people = list(dict.fromkeys(request.profile_id for request in requests))
    known, subject_of = await read_profiles(conn, workspace_id, people)
    burden = await _lock_burden(
        conn, workspace, requests, subject_of, channel, now, at_send=at_send, own=own_deliveries
    )
    read = await _read_people(conn, workspace, sorted(set(subject_of.values())), channel, keys=keys, now=now)
    sender_facts, counted = await _sender_facts(conn, senders, people, now, at_send=at_send)
    schemes = ADDRESS_SCHEMES.get(channel, ())
    addresses: dict[UUID, IdentityRow] = {}
    facts_of: dict[UUID, PersonFacts] = {}
    for profile_id, subject in subject_of.items():
        profile, address = known[profile_id], choose_address(read.identities[subject], schemes)
        if address is not None:
            addresses[profile_id] = address
        facts_of[profile_id] = person_facts(
            profile, address, channel, workspace.settings, read, burden, is_counted=profile_id in counted
        )
    found = Facts(now=now, workspace=workspace_facts(workspace.settings), senders=sender_facts, people=facts_of)
    values = {id_: address_values(read.identities[subject]) for id_, subject in subject_of.items()} if at_send else {}
    return Gathered(found, workspace, known, addresses, senders, values)


async def _lock_burden(
    conn: Conn,
    workspace: Workspace,
    requests: Sequence[Request],
    subject_of: Mapping[UUID, UUID],
    channel: str,
    now: datetime,
    *,
    at_send: bool,
    own: Sequence[UUID],
) -> Burden:
    capped = _subjects(subject_of, (request.profile_id for request in requests if request.promotes))
    told_of = _subjects(subject_of, (one.profile_id for one in requests if one.consent_message is not None))
    weighed = {*capped, *told_of}
    return Burden(
        pressure=await limits.lock_pressure(conn, workspace.id, weighed) if weighed else {},
        pairs=_of_people(await _pairs(conn, requests), subject_of) if at_send else {},
        marks=await _marks(conn, capped, workspace.settings, now, own),
        told=await _told(conn, told_of, channel, now, at_send=at_send, own=own),
    )


async def _read_people(
    conn: Conn, workspace: Workspace, subjects: Sequence[UUID], channel: str, *, keys: KeyRing, now: datetime
) -> People:
    identities = await _identities(conn, workspace.id, subjects, ADDRESS_SCHEMES.get(channel, ()))
    return People(
        identities=identities,
        consents=await consents.read_consent_facts(
            conn,
            workspace.id,
            subjects,
            channel,
            now,
            keys=keys,
            identities=identities,
            accept_general=workspace.settings.accept_general_opt_in,
        ),
        windows=await messages.list_windows(conn, subjects),
        holds=await limits.list_holds(conn, subjects, now),
    )


async def read_profiles(
    conn: Conn, workspace_id: UUID, ids: Sequence[UUID]
) -> tuple[dict[UUID, Profile], dict[UUID, UUID]]:
    """Profiles by the id that was asked for, a merged one as the one that stands for it now, and whose id that is."""
    found: dict[UUID, Profile] = dict((await profiles.get_profiles(conn, workspace_id, ids)).items())
    merged = {profile.merged_into for profile in found.values() if profile.merged_into is not None}
    winners = await profiles.get_profiles(conn, workspace_id, merged) if merged else {}
    known: dict[UUID, Profile] = {}
    for id_, profile in found.items():
        winner = None if profile.merged_into is None else winners.get(profile.merged_into)
        known[id_] = profile if winner is None else winner
    return known, {id_: profile.id for id_, profile in known.items()}


async def _identities(
    conn: Conn, workspace_id: UUID, ids: Sequence[UUID], schemes: Sequence[Scheme]
) -> dict[UUID, list[IdentityRow]]:
    return dict((await identity_store.list_identities(conn, workspace_id, ids, schemes)).items())


async def find_senders(
    conn: Conn, workspace_id: UUID, sender_ids: Iterable[UUID | None], channel: str
) -> tuple[dict[UUID, Sender], UUID | None]:
    """The senders that are asked for by id, and the workspace's default one where none is named."""
    wanted = set(sender_ids)
    found: dict[UUID, Sender] = {}
    default = None
    if None in wanted:
        sender = await channels.find_default_sender(conn, workspace_id, channel)
        if sender is not None:
            found[sender.id] = sender
            default = sender.id
    named = {sender_id for sender_id in wanted if sender_id is not None} - found.keys()
    if named:
        all_senders = await channels.list_senders(conn, workspace_id)
        found.update({sender.id: sender for sender in all_senders if sender.id in named and sender.channel == channel})
    return found, default


async def _pairs(conn: Conn, requests: Sequence[Request]) -> dict[UUID, dict[UUID, PairFacts]]:
    found: dict[UUID, dict[UUID, PairFacts]] = {}
    by_sender: dict[UUID, set[UUID]] = {}
    for request in requests:
        if request.sender_id is not None:
            by_sender.setdefault(request.sender_id, set()).add(request.profile_id)
    for sender_id in sorted(by_sender):
        rows = await limits.lock_pairs(conn, sender_id, sorted(by_sender[sender_id]))
        for profile_id, row in rows.items():
            pair = PairFacts(free_from=row["free_from"], blocked_until=row["blocked_until"])
            found.setdefault(profile_id, {})[sender_id] = pair
    return found


def _of_people(
    pairs: Mapping[UUID, Mapping[UUID, PairFacts]], subject_of: Mapping[UUID, UUID]
) -> dict[UUID, dict[UUID, PairFacts]]:
    """The spacing by person: of several profiles of one the latest moments count."""
    found: dict[UUID, dict[UUID, PairFacts]] = {}
    for profile_id, senders in pairs.items():
        own = found.setdefault(subject_of.get(profile_id, profile_id), {})
        for sender_id, pair in senders.items():
            other = own.get(sender_id)
            own[sender_id] = (
                pair
                if other is None
                else PairFacts(
                    free_from=_latest(pair.free_from, other.free_from),
                    blocked_until=_latest(pair.blocked_until, other.blocked_until),
                )
            )
    return found


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _subjects(subject_of: Mapping[UUID, UUID], profile_ids: Iterable[UUID]) -> list[UUID]:
    """Who these profiles stand for now, once each, in order; unknown ones are left out."""
    return sorted({subject_of[profile_id] for profile_id in profile_ids if profile_id in subject_of})


async def _told(
    conn: Conn, people: Sequence[UUID], channel: str, now: datetime, *, at_send: bool, own: Sequence[UUID]
) -> Mapping[UUID, Sequence[tuple[ConsentMessage, datetime]]]:
    """What these people were asked or told about their consent; an empty list is known, a missing one is not."""
    if not people:
        return {}
    found = await list_consent_messages(conn, people, channel, now=now, left_only=at_send, but=own)
    return {person: found.get(person, []) for person in people}


async def _marks(
    conn: Conn, capped: Sequence[UUID], settings: WorkspaceSettings, now: datetime, own: Sequence[UUID]
) -> Mapping[UUID, Sequence[datetime]]:
    if not capped or settings.marketing_cap <= 0:
        return {}
    since = now - timedelta(days=settings.marketing_cap_days)
    return await limits.list_marks(conn, capped, since=since, but=own)


async def _sender_facts(
    conn: Conn, senders: Mapping[UUID, Sender], people: Sequence[UUID], now: datetime, *, at_send: bool
) -> tuple[dict[UUID, SenderFacts], set[UUID]]:
    found: dict[UUID, SenderFacts] = {}
    counted: set[UUID] = set()
    for sender in senders.values():
        used: dict[str, Any] = {"used": 0, "free_at": None}
        if at_send and sender.portfolio_limit is not None:
            portfolio = sender.portfolio_id or str(sender.id)
            used = await limits.count_recipients(conn, portfolio, now)
            counted |= await limits.list_recipients(conn, portfolio, people, now)
        found[sender.id] = SenderFacts(
            state=sender.state.value,
            portfolio_limit=sender.portfolio_limit,
            portfolio_used=used["used"],
            portfolio_free_at=used["free_at"],
        )
    return found, counted
