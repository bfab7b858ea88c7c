"""Puts together everything that is held about one person: machine-readable, with their files."""

from __future__ import annotations

import mimetypes
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

from sojourn.channels import privacy as channels
from sojourn.channels.whatsapp import media
from sojourn.consents import history
from sojourn.consents.list_store import hash_identity
from sojourn.deliveries.explain import explain
from sojourn.deliveries.trace import decode_decision
from sojourn.kit import jobs, json
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.kit.jobs import Signal, Work
from sojourn.privacy import archive_store
from sojourn.privacy.actions import REACHABLE
from sojourn.privacy.archive_store import Archive, ArchiveKind
from sojourn.privacy.model import BY_NAME
from sojourn.profiles import store as profiles
from sojourn.profiles.model import ProfileId
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller

CONTEXT = "archives.part"
PART_BYTES = 1024 * 1024
FORMAT = "sojourn-archive/1"
NOTE = (
    "Everything that this installation holds about the person. Raw bodies of webhooks, kept sealed for 30 days, repeat "
    "what stands under messages and deliveries and are left out, and so are keyed hashes and the person's own data key."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeArchive(Signal):
    """Put the archive of a person together."""

    workspace_id: UUID
    profile_id: UUID
    archive_id: UUID


async def request_archive(conn: Conn, caller: Caller, profile_id: UUID, *, now: datetime) -> Archive:
    """Have an archive made; it is ready within seconds, and gone after seven days. Raises UnknownProfile."""
    person = await profiles.get_profile(conn, caller.workspace_id, profile_id)
    keep = BY_NAME["archives"].keep or timedelta(days=7)
    id_ = new_id(now)
    await archive_store.insert_archive(
        conn, id_, caller.workspace_id, person.id, actor=caller.actor, now=now, expires_at=now + keep
    )
    job = MakeArchive(workspace_id=caller.workspace_id, profile_id=person.id, archive_id=id_)
    await jobs.defer(conn, [job])
    changes = {"archive_id": str(id_)}
    await audit.record(conn, caller, caller.workspace_id, "archive.requested", "profile", person.id, changes, now)
    return await archive_store.get_archive(conn, caller.workspace_id, id_, now)


async def read_archive(conn: Conn, caller: Caller, archive_id: UUID, *, now: datetime) -> Archive:
    """An archive; reading one that is ready is noted. Raises UnknownArchive."""
    found = await archive_store.get_archive(conn, caller.workspace_id, archive_id, now)
    if found.state == "ready":
        here, changes = caller.workspace_id, {"archive_id": str(archive_id)}
        await audit.record(conn, caller, here, "archive.read", "profile", found.profile_id, changes, now)
    return found


async def make_archives(work: Work, batch: list[MakeArchive]) -> None:
    """Put archives together, one at a time. Leased; one that is ready or gone is left alone, a failed one is tried."""
    for job in batch:
        try:
            async with work.transaction() as conn:
                if await archive_store.lock_archive(conn, job.archive_id):
                    await _make(conn, job, keys=work.keys, now=work.now())
        except Exception:
            async with work.transaction() as conn:
                await archive_store.update_state(conn, job.archive_id, "failed", counts={}, size=None, at=work.now())
            raise


async def _make(conn: Conn, job: MakeArchive, *, keys: KeyRing, now: datetime) -> None:
    document = await collect(conn, job.workspace_id, ProfileId(job.profile_id), keys=keys, now=now)
    encoded = json.encode(document)
    with tempfile.TemporaryFile() as file:
        await _write_zip(conn, file, encoded, document["media"], keys)
        size = file.tell()
        file.seek(0)
        part = 0
        while content := file.read(PART_BYTES):
            await archive_store.insert_part(conn, job.archive_id, "zip", part, keys.encrypt(content, context=CONTEXT))
            part += 1
    for part, start in enumerate(range(0, len(encoded), PART_BYTES)):
        sealed = keys.encrypt(encoded[start : start + PART_BYTES], context=CONTEXT)
        await archive_store.insert_part(conn, job.archive_id, "json", part, sealed)
    counts = {name: len(rows) for name, rows in document.items() if isinstance(rows, list)}
    await archive_store.update_state(conn, job.archive_id, "ready", counts=counts, size=size, at=now)


async def _write_zip(
    conn: Conn, file: IO[bytes], encoded: bytes, files: Sequence[Mapping[str, Any]], keys: KeyRing
) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive.json", encoded)
        for entry in files:
            if entry["file"] is not None:
                archive.writestr(entry["file"], await media.read_content(conn, entry["id"], keys))


async def read_part(conn: Conn, archive_id: UUID, kind: ArchiveKind, part: int, *, keys: KeyRing) -> bytes | None:
    """One part of an archive, open; None after the last."""
    sealed = await archive_store.find_part(conn, archive_id, kind, part)
    return None if sealed is None else keys.decrypt(sealed, context=CONTEXT)


async def read_document(conn: Conn, archive_id: UUID, *, keys: KeyRing) -> Any:
    """The JSON of an archive that is ready."""
    parts: list[bytes] = []
    while (content := await read_part(conn, archive_id, "json", len(parts), keys=keys)) is not None:
        parts.append(content)
    return json.decode(b"".join(parts))


async def collect(
    conn: Conn, workspace_id: UUID, profile_id: ProfileId, *, keys: KeyRing, now: datetime
) -> dict[str, Any]:
    """Everything that is held about a person and the profiles merged into them, as plain JSON values by section."""
    aliases = await profiles.list_aliases(conn, [profile_id])
    ids = [profile_id, *aliases.get(profile_id, [])]
    known = [row for rows in (await profiles.list_identities(conn, workspace_id, ids)).values() for row in rows]
    addresses = sorted({row.value for row in known if row.scheme in REACHABLE})
    address_keys = sorted({row.key for row in known})
    sections = await archive_store.read_sections(
        conn, workspace_id, ids,
        hashes=channels.hash_addresses(addresses, keys), address_keys=address_keys,
        identity_hashes=[hash_identity(keys, key) for key in address_keys],
    )  # fmt: skip
    for row in sections["deliveries"]:
        row |= {name: _json(row[name]) for name in ("request", "rendered")}
    for row in (*sections["deliveries"], *sections["attempts"]):
        row["decision"] = None if row["decision"] is None else explain(decode_decision(row["decision"]))
    for row in sections["media"]:
        extension = mimetypes.guess_extension(row["mime"] or "") or ".bin"
        row["file"] = f"media/{row['id']}{extension}" if row["state"] == "stored" else None
    told = await history.read_history(conn, workspace_id, profile_id, keys=keys, with_evidence=True, now=now)
    ledger = [
        {
            **{name: line.row[name] for name in LEDGER},
            "address": None if line.address is None else line.address.value,
            "evidence": line.evidence,
        }
        for line in reversed(told.lines)
    ]
    head = {"format": FORMAT, "note": NOTE, "made_at": now, "workspace_id": workspace_id, "profile_id": profile_id}
    return {**head, **sections, "consent_ledger": ledger}


LEDGER = ("id", "kind", "channel", "purpose", "topic", "state", "source", "effective_at", "expires_at", "recorded_at")


def _json(value: bytes | None) -> Any:
    return None if value is None else json.decode(bytes(value))
