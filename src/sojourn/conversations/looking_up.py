"""What must be known about the people of one wave of messages, one statement a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.channels.base import InboundMessage
from sojourn.consents import request_store
from sojourn.consents import store as consent_store
from sojourn.consents.ledger import ScopeRow
from sojourn.consents.links import link_content
from sojourn.consents.model import ConsentFacts, Purpose
from sojourn.consents.request_store import ConsentRequest
from sojourn.conversations import store
from sojourn.conversations.consent_words import CHANNEL, Tap
from sojourn.conversations.model import ANY_SENDER, OpenQuestion
from sojourn.conversations.taking_in import Item
from sojourn.deliveries.model import Delivery, DeliveryId
from sojourn.deliveries.rendering import parse_tap_id
from sojourn.deliveries.store import rows as delivery_rows
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.messages import store as messages
from sojourn.profiles import store as profile_store
from sojourn.profiles.model import Profile, ProfileId
from sojourn.workspaces.model import Workspace


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says about the people of one wave."""

    people: Mapping[ProfileId, Profile]
    facts: Mapping[UUID, ConsentFacts]
    requests: Mapping[tuple[UUID, str], ConsentRequest]
    questions: Mapping[UUID, Sequence[OpenQuestion]]
    deliveries: Mapping[UUID, Delivery]
    quoted: Mapping[str, UUID]
    rows: Mapping[tuple[UUID, str, str, str, str], ScopeRow]


async def look_up(conn: Conn, workspace_id: UUID, wave: Sequence[Item], *, keys: KeyRing, now: datetime) -> Known:
    """One statement a kind for the whole wave."""
    ids = [item.profile_id for item in wave]
    aliases = await profile_store.list_aliases(conn, ids)
    owner_of = {alias: owner for owner, found in aliases.items() for alias in found} | {id_: id_ for id_ in ids}
    questions: dict[UUID, list[OpenQuestion]] = {}
    for question in await store.list_questions(conn, owner_of):
        questions.setdefault(owner_of[ProfileId(question.profile_id)], []).append(question)
    contexts = [context for item in wave if (context := context_of(item.message))]
    quoted = await messages.find_by_provider_ids(conn, workspace_id, contexts) if contexts else {}
    tapped = [parsed[0] for item in wave if (parsed := parse_tap_id(item.message.tap_id or "")) is not None]
    wanted = [*tapped, *(DeliveryId(id_) for id_ in quoted.values())]
    return Known(
        people=await profile_store.get_profiles(conn, workspace_id, ids),
        facts=await consent_store.read_consent_facts(conn, workspace_id, ids, CHANNEL, now, keys=keys),
        requests=await request_store.find_open_requests(conn, ids),
        questions=questions,
        deliveries={**await delivery_rows.find_deliveries(conn, workspace_id, wanted)} if wanted else {},
        quoted=quoted,
        rows=await consent_store.list_scope_rows(conn, ids),
    )


def context_of(message: InboundMessage) -> str | None:
    """The provider's id of the message that this one quotes, or that a reaction stands under."""
    if message.kind == "reaction":
        target = message.data.get("message_id")
        return target if isinstance(target, str) else message.context_id
    return message.context_id


def tap_of(item: Item, known: Known) -> Tap | None:
    tap_id = item.message.tap_id
    if tap_id is None:
        return None
    parsed = parse_tap_id(tap_id)
    delivery = known.deliveries.get(parsed[0]) if parsed is not None else None
    if parsed is None or delivery is None:
        return Tap(plain_id=tap_id)
    return Tap(
        plain_id=parsed[1],
        owner_kind=delivery.owner_kind,
        owner_id=delivery.owner_id,
        asked_at=delivery.requested_at,
    )


def granted_topics(profile_id: UUID, known: Known) -> list[str | None]:
    """The purpose (None) and topics of marketing that were ever granted, if the purpose was."""
    topics = {
        row.topic
        for (person, channel, purpose, _, _), row in known.rows.items()
        if person == profile_id and channel == CHANNEL and purpose == Purpose.MARKETING and row.granted_at is not None
    }
    return [None, *sorted(topic for topic in topics if topic)] if "" in topics else []


def languages_of(item: Item, known: Known, workspace: Workspace) -> tuple[str | None, ...]:
    """The languages to answer in, best first."""
    person = known.people.get(item.profile_id)
    request = known.requests.get((item.profile_id, CHANNEL))
    return (
        person.locale if person is not None else None,
        request.locale if request is not None else None,
        *(link_content(link).language for link in item.links),  # what they just sent was written in it
        item.word_language,  # of the word that was recognised: who writes "baja" reads Spanish
        workspace.default_language,
    )


def question_of(item: Item, known: Known) -> OpenQuestion | None:
    """The newest question that waits for this person on this sender."""
    for question in known.questions.get(item.profile_id, ()):
        if question.sender_id in {item.message.sender_id, ANY_SENDER}:
            return question
    return None
