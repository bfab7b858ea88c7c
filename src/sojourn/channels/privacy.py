"""How one person is taken out of this folder. `sojourn.privacy` says how long its data stay."""

from collections.abc import Callable, Sequence
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
    redacted = await _redact(conn, workspace_id, hashes, known.__contains__, keys=keys)
    redacted += await _redact(conn, workspace_id, hashes, known.__contains__, keys=keys, unparsed=known)
    return {
        "webhook_bodies": redacted,
        "media": await media_store.delete_media_of_people(conn, workspace_id, hashes),
    }


async def redact_late_bodies(conn: Conn, workspace_id: UUID, hashes: Sequence[bytes], *, keys: KeyRing) -> int:
    """Take people out of raw bodies that came after their erasure, when only the hashes are known. How many bodies.

    A report about a message that was on its way names its recipient once more.
    """
    wanted = frozenset(hashes)
    return await _redact(
        conn, workspace_id, hashes, lambda address: hashing.hash_person(address, keys) in wanted, keys=keys
    )


def hash_addresses(addresses: Sequence[str], keys: KeyRing) -> list[bytes]:
    """The keyed hashes by which raw bodies and files name these people."""
    return hashing.hash_people(addresses, keys)


async def _redact(
    conn: Conn,
    workspace_id: UUID,
    hashes: Sequence[bytes],
    is_person: Callable[[str], bool],
    *,
    keys: KeyRing,
    unparsed: set[str] | None = None,
) -> int:
    """Redact the bodies of people, or (`unparsed`: their addresses) those whose people nobody has listed yet."""
    count, after = 0, b""
    while True:
        if unparsed is not None:
            rows = await webhook_store.lock_unparsed(conn, workspace_id, after=after, limit=BATCH)
        else:
            rows = await webhook_store.lock_bodies_of_people(conn, workspace_id, hashes, after=after, limit=BATCH)
        if not rows:
            return count
        after = bytes(rows[-1]["digest"])
        changed = [
            (bytes(row["digest"]), sealed)
            for row in rows
            if (sealed := _redacted(bytes(row["body"]), is_person, keys, only_with=unparsed)) is not None
        ]
        await webhook_store.update_redacted(conn, changed, hashes)
        count += len(changed)


def _redacted(
    envelope: bytes, is_person: Callable[[str], bool], keys: KeyRing, *, only_with: set[str] | None
) -> bytes | None:
    """The sealed body without these people; None when it does not name them and may stay."""
    try:
        body = unseal(envelope, keys)
    except UnreadableSecret:
        return seal(EMPTY_BODY, keys)
    if only_with is not None and not any(address.encode() in body for address in only_with):
        return None
    return seal(redact_body(body, is_person) or EMPTY_BODY, keys)
