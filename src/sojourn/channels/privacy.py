"""How one person is taken out of this folder. `sojourn.privacy` says how long its data stay."""

from collections.abc import Sequence
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
