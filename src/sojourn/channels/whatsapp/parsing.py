"""From raw bodies to signals: parse, find the senders, tell the folders above, all in the caller's transaction."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from sojourn.channels import actions, media_store, store, webhook_store
from sojourn.channels.base import InboundMedia, InboundMessage, StatusUpdate
from sojourn.channels.jobs import FetchMedia
from sojourn.channels.model import SenderChange
from sojourn.channels.signals import (
    IdentityChanged,
    MessageReceived,
    PreferenceReported,
    StatusesReported,
    TemplateReviewed,
)
from sojourn.channels.webhook_store import ParsedBody
from sojourn.channels.whatsapp.notices import UNCHANGED, NoticeEffect, notice_key, read_notice
from sojourn.channels.whatsapp.people import hash_person
from sojourn.channels.whatsapp.sealing import unseal
from sojourn.channels.whatsapp.updates import (
    IdentityItem,
    MessageItem,
    NoticeItem,
    PreferenceItem,
    StatusItem,
    TemplateItem,
    UnknownItem,
    Update,
)
from sojourn.channels.whatsapp.webhook import MalformedWebhook, parse_webhook
from sojourn.kit import jobs
from sojourn.kit.crypto import KeyRing, UnreadableSecret
from sojourn.kit.database import Conn, Row

log = structlog.get_logger(__name__)

STATUSES_A_SIGNAL = 500
REASON_MAX = 200


@dataclass(frozen=True, slots=True)
class Home:
    """Which sender of ours an update belongs to."""

    workspace_id: UUID
    sender_id: UUID


@dataclass(slots=True)
class Directory:
    """The senders of the apps in a batch, by the ways in which bodies name them."""

    workspaces: dict[UUID, UUID] = field(default_factory=dict)
    numbers: dict[tuple[UUID, str], Home] = field(default_factory=dict)
    displays: dict[tuple[UUID, str], Home] = field(default_factory=dict)
    accounts: dict[tuple[UUID, str], list[Home]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Directory":
        """From the rows of `store.list_senders_of_apps`."""
        found = cls()
        for row in rows:
            app = row["webhook_app_id"]
            found.workspaces[app] = row["workspace_id"]
            if row["sender_id"] is None:
                continue
            home = Home(row["workspace_id"], row["sender_id"])
            if row["phone_number_id"] is not None:
                found.numbers[app, row["phone_number_id"]] = home
            if row["phone_number"] is not None:
                found.displays[app, row["phone_number"].lstrip("+")] = home
            if row["waba_id"] is not None:
                found.accounts.setdefault((app, row["waba_id"]), []).append(home)
        return found

    def concerned(self, app: UUID, notice: NoticeItem) -> list[Home]:
        """The senders that a notice is about: the number that it names, else all of its account."""
        if notice.phone_number_id is not None:
            home = self.numbers.get((app, notice.phone_number_id))
            return [home] if home else []
        if notice.display_phone_number is not None:
            home = self.displays.get((app, notice.display_phone_number.lstrip("+")))
            if home is not None:
                return [home]
        return self.accounts.get((app, notice.waba_id), [])


@dataclass(slots=True)
class Gathered:
    """What a batch of bodies says, sorted for its owners."""

    statuses: dict[Home, list[StatusUpdate]] = field(default_factory=dict)
    messages: list[tuple[Home, MessageItem]] = field(default_factory=list)
    signals: list[jobs.Signal] = field(default_factory=list)
    notices: list[tuple[Home, NoticeItem, NoticeEffect]] = field(default_factory=list)
    counts: Counter[tuple[UUID, str, str]] = field(default_factory=Counter)
    bodies: list[ParsedBody] = field(default_factory=list)


async def apply_bodies(conn: Conn, rows: Sequence[Row], *, keys: KeyRing, now: datetime) -> int:
    """Parse locked bodies and announce what they say. How many updates there were.

    A body that cannot be read becomes `malformed` with its reason and stops nothing.
    """
    directory = Directory.of(await store.list_senders_of_apps(conn, list({row["webhook_app_id"] for row in rows})))
    gathered = Gathered()
    hashes: dict[str, bytes] = {}
    for row in rows:
        _gather_body(gathered, directory, row, keys=keys, hashes=hashes)
    await _apply_notices(conn, gathered.notices, now=now)
    signals = [*_status_signals(gathered), *await _message_signals(conn, gathered, keys=keys, now=now)]
    await jobs.announce(conn, [*signals, *gathered.signals])
    counts = [(workspace, name, kind, count) for (workspace, name, kind), count in gathered.counts.items()]
    await webhook_store.add_counts(conn, counts, day=now.date())
    await webhook_store.update_parsed(conn, gathered.bodies, now=now)
    return sum(body.updates for body in gathered.bodies)


def _gather_body(
    gathered: Gathered, directory: Directory, row: Row, *, keys: KeyRing, hashes: dict[str, bytes]
) -> None:
    app = row["webhook_app_id"]
    try:
        webhook = parse_webhook(unseal(row["body"], keys), received_at=row["received_at"])
    except (MalformedWebhook, UnreadableSecret) as error:
        gathered.counts[directory.workspaces[app], "body", "malformed"] += 1
        gathered.bodies.append(_malformed(row["digest"], str(error)))
        return
    people = []
    for address in webhook.people:
        hashed = hashes.get(address)
        if hashed is None:
            hashed = hashes[address] = hash_person(address, keys)
        people.append(hashed)
    reasons = [reason for update in webhook.updates if (reason := _gather(gathered, directory, app, update))]
    homeless = reasons.count(NO_SENDER)
    state = "parsed" if not reasons else "unroutable" if homeless == len(webhook.updates) else "partial"
    reason = "; ".join(sorted(set(reasons)))[:REASON_MAX] or None
    gathered.bodies.append(
        ParsedBody(digest=row["digest"], state=state, reason=reason, updates=len(webhook.updates), people=people)
    )


def _malformed(digest: bytes, reason: str) -> ParsedBody:
    return ParsedBody(digest=digest, state="malformed", reason=reason[:REASON_MAX], updates=0, people=())


NO_SENDER = "no sender of ours"


def _gather(gathered: Gathered, directory: Directory, app: UUID, update: Update) -> str | None:
    """Sort one update to its owner; a reason when nobody takes it."""
    workspace_id = directory.workspaces[app]
    if isinstance(update, UnknownItem):
        gathered.counts[workspace_id, update.field[:80], f"unknown: {update.reason}"[:80]] += 1
        return f"{update.field}: {update.reason}"[:REASON_MAX]
    if isinstance(update, NoticeItem):
        gathered.counts[workspace_id, update.field, update.kind[:80]] += 1
        effect = read_notice(update)
        if effect is not None:
            gathered.notices.extend((home, update, effect) for home in directory.concerned(app, update))
        return None
    if isinstance(update, TemplateItem):
        return _gather_template(gathered, directory, app, update)
    home = directory.numbers.get((app, update.phone_number_id or ""))
    if home is None:
        gathered.counts[workspace_id, "messages", "no sender"] += 1
        return NO_SENDER
    if isinstance(update, StatusItem):
        gathered.statuses.setdefault(home, []).append(_status_update(home, update))
    elif isinstance(update, MessageItem):
        gathered.messages.append((home, update))
    elif isinstance(update, PreferenceItem):
        gathered.signals.append(_preference(home, update))
    else:
        gathered.signals.append(_identity(home, update))
    return None


def _gather_template(gathered: Gathered, directory: Directory, app: UUID, update: TemplateItem) -> str | None:
    workspace_id = directory.workspaces[app]
    gathered.counts[workspace_id, "templates", update.event[:80]] += 1
    if (app, update.waba_id) not in directory.accounts:
        return NO_SENDER
    gathered.signals.append(
        TemplateReviewed(
            workspace_id=workspace_id,
            waba_id=update.waba_id,
            provider_template_id=update.provider_template_id,
            name=update.name,
            language=update.language,
            event=update.event,
            category=update.category,
            reason=update.reason,
            quality=update.quality,
            at=update.at,
        )
    )
    return None


def _status_update(home: Home, item: StatusItem) -> StatusUpdate:
    return StatusUpdate(
        sender_id=home.sender_id,
        provider_message_id=item.provider_message_id,
        status=item.status,
        at=item.at,
        attempt_id=item.attempt_id,
        code=item.code,
        title=item.title,
        details=item.details,
        reaction=item.reaction,
        pricing=item.pricing,
        wa_id=item.wa_id,
        user_id=item.user_id,
    )


def _preference(home: Home, item: PreferenceItem) -> PreferenceReported:
    return PreferenceReported(
        workspace_id=home.workspace_id,
        sender_id=home.sender_id,
        wa_id=item.wa_id,
        user_id=item.user_id,
        value=item.value,
        at=item.at,
    )


def _identity(home: Home, item: IdentityItem) -> IdentityChanged:
    return IdentityChanged(
        workspace_id=home.workspace_id,
        sender_id=home.sender_id,
        old_wa_id=item.old_wa_id,
        new_wa_id=item.new_wa_id,
        old_user_id=item.old_user_id,
        new_user_id=item.new_user_id,
        at=item.at,
    )


def _status_signals(gathered: Gathered) -> Iterable[StatusesReported]:
    for home, updates in gathered.statuses.items():
        for start in range(0, len(updates), STATUSES_A_SIGNAL):
            yield StatusesReported(
                workspace_id=home.workspace_id,
                sender_id=home.sender_id,
                updates=updates[start : start + STATUSES_A_SIGNAL],
            )


async def _message_signals(conn: Conn, gathered: Gathered, *, keys: KeyRing, now: datetime) -> list[MessageReceived]:
    """Store a row for every file, order its fetching, and build the messages with our ids of the files."""
    rows = [
        {
            "workspace_id": home.workspace_id,
            "sender_id": home.sender_id,
            "kind": "audio" if item.kind == "voice" else item.kind,
            "mime": media.mime,
            "provider_media_id": media.media_id,
            "person_hashes": [hash_person(address, keys) for address in (item.wa_id, item.user_id) if address],
        }
        for home, item in gathered.messages
        for media in item.media
    ]
    stored = await media_store.insert_inbound(conn, rows, now=now)
    assets = {(row["sender_id"], row["provider_media_id"]): row["id"] for row in stored}
    await jobs.defer(
        conn,
        [
            FetchMedia(workspace_id=row["workspace_id"], sender_id=row["sender_id"], media_id=row["id"])
            for row in stored
            if row["is_new"]
        ],
    )
    return [_message(home, item, assets) for home, item in gathered.messages]


def _message(home: Home, item: MessageItem, assets: dict[tuple[UUID, str], UUID]) -> MessageReceived:
    media: list[InboundMedia] = [
        msgspec.structs.replace(file, asset_id=assets.get((home.sender_id, file.media_id))) for file in item.media
    ]
    message = InboundMessage(
        workspace_id=home.workspace_id,
        sender_id=home.sender_id,
        provider_message_id=item.provider_message_id,
        at=item.at,
        kind=item.kind,
        wa_id=item.wa_id,
        user_id=item.user_id,
        username=item.username,
        profile_name=item.profile_name,
        text=item.text,
        tap_id=item.tap_id,
        tap_title=item.tap_title,
        media=media,
        context_id=item.context_id,
        referral=item.referral,
        data=item.data,
    )
    return MessageReceived(workspace_id=home.workspace_id, message=message)


async def _apply_notices(
    conn: Conn, notices: Sequence[tuple[Home, NoticeItem, NoticeEffect]], *, now: datetime
) -> None:
    """Write news about senders into their history and act on those that are new. Rare: one by one."""
    for home, notice, effect in notices:
        change = SenderChange(
            sender_id=home.sender_id,
            workspace_id=home.workspace_id,
            what=effect.what,
            old_value=None,
            new_value=effect.value[:REASON_MAX],
            reason=effect.reason[:REASON_MAX] if effect.reason else None,
            source="webhook",
            dedup_key=hashlib.blake2b(notice_key(notice), digest_size=16).digest(),
            at=notice.at,
        )
        if not await actions.record_changes(conn, [change]):
            continue
        await _act(conn, home, effect, now=now)


async def _act(conn: Conn, home: Home, effect: NoticeEffect, *, now: datetime) -> None:
    if effect.limit != UNCHANGED:
        sender = await store.lock_sender(conn, home.sender_id)
        if sender is not None and sender.portfolio_limit != effect.limit:
            await store.update_sender(conn, replace(sender, portfolio_limit=effect.limit), now=now)
    if effect.throughput_per_s is not None:
        await actions.set_sender_rate(
            conn, home.sender_id, effect.throughput_per_s, now, reason=effect.value, source="webhook"
        )
    if effect.stop_reason is not None:
        await actions.stop_sender(
            conn, home.sender_id, effect.stop_reason, now, source="webhook", detail=effect.reason or effect.value
        )
