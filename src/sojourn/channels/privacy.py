"""Personal data of this folder: how long it stays, and how one person is taken out of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sojourn.channels import media_store, webhook_store
from sojourn.channels.whatsapp import people as hashing
from sojourn.channels.whatsapp.redact import redact_body
from sojourn.channels.whatsapp.sealing import seal, unseal
from sojourn.channels.whatsapp.webhook_values import normalise_address
from sojourn.kit.crypto import KeyRing, UnreadableSecret
from sojourn.kit.database import Conn

BATCH = 500
EMPTY_BODY = b'{"entry":[]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionClass:
    """One kind of personal data: which table, how long it is kept, why."""

    table: str
    name: str
    keep: timedelta
    purpose: str


RETENTION: tuple[RetentionClass, ...] = (
    RetentionClass(
        table="webhook_bodies",
        name="raw_webhook_bodies",
        keep=timedelta(days=30),
        purpose="recovery: what a provider reported can be read again",
    ),
    RetentionClass(
        table="media",
        name="inbound_media",
        keep=timedelta(days=395),
        purpose="the conversation as the person and the agent saw it",
    ),
)


async def erase_profiles(conn: Conn, workspace_id: UUID, addresses: Sequence[str], *, keys: KeyRing) -> dict[str, int]:
    """Take people out of every table of this folder. Counts by table.

    `addresses` are phone numbers (any spelling), WhatsApp ids and business-scoped ids. Raw bodies keep what is about
    others; a body that has nothing else is emptied. Bodies that were never parsed are looked through too.
    """
    hashes = hashing.hash_people(addresses, keys)
    known = {normalise_address(address) for address in addresses}
    redacted = await _redact(conn, workspace_id, hashes, known, keys=keys)
    return {
        "webhook_bodies": redacted,
        "media": await media_store.delete_media_of_people(conn, workspace_id, hashes),
    }


async def _redact(conn: Conn, workspace_id: UUID, hashes: Sequence[bytes], known: set[str], *, keys: KeyRing) -> int:
    count = 0
    for unparsed in (False, True):
        after = b""
        while True:
            if unparsed:
                rows = await webhook_store.lock_unparsed(conn, workspace_id, after=after, limit=BATCH)
            else:
                rows = await webhook_store.lock_bodies_of_people(conn, workspace_id, hashes, after=after, limit=BATCH)
            if not rows:
                break
            after = bytes(rows[-1]["digest"])
            changed = [
                (bytes(row["digest"]), sealed)
                for row in rows
                if (sealed := _redacted(bytes(row["body"]), known, keys, only_if_named=unparsed)) is not None
            ]
            await webhook_store.update_redacted(conn, changed, hashes)
            count += len(changed)
    return count


def _redacted(envelope: bytes, known: set[str], keys: KeyRing, *, only_if_named: bool) -> bytes | None:
    """The sealed body without these people; None when it does not name them and may stay."""
    try:
        body = unseal(envelope, keys)
    except UnreadableSecret:
        return seal(EMPTY_BODY, keys)
    if only_if_named and not any(address.encode() in body for address in known):
        return None
    return seal(redact_body(body, known.__contains__) or EMPTY_BODY, keys)


async def delete_expired(conn: Conn, *, now: datetime, limit: int = 5_000, dry_run: bool = False) -> dict[str, int]:
    """Delete one slice of what is older than its period; counts by class. With `dry_run` only count, all of it."""
    keep = {entry.name: entry.keep for entry in RETENTION}
    bodies_before = now - keep["raw_webhook_bodies"]
    media_before = now - keep["inbound_media"]
    if dry_run:
        return {
            "raw_webhook_bodies": await webhook_store.count_old_bodies(conn, before=bodies_before),
            "inbound_media": await media_store.count_old_media(conn, before=media_before),
        }
    return {
        "raw_webhook_bodies": await webhook_store.delete_old_bodies(conn, before=bodies_before, limit=limit),
        "inbound_media": await media_store.delete_old_media(conn, before=media_before, limit=limit),
    }
