"""Bring a file of people in: opt-outs first, then everybody, a thousand rows a transaction."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from sojourn.consents.actions import record_consents
from sojourn.consents.model import ConsentChange, ConsentSource, Evidence
from sojourn.imports import store
from sojourn.imports.model import Report, Row, RowError
from sojourn.imports.reading import read_rows
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.profiles import actions as profiles
from sojourn.profiles.model import ProfileId, ProfileRef
from sojourn.workspaces import audit
from sojourn.workspaces import store as workspaces

CHUNK = 1_000  # rows a transaction

Transactions = Callable[[], AbstractAsyncContextManager[Conn]]
Progress = Callable[[int, int], None]


async def import_people(
    transaction: Transactions,
    workspace_id: UUID,
    data: bytes,
    *,
    keys: KeyRing,
    actor: str,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    is_dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Import a CSV file of people and consents; the report names every bad row.

    Bad rows stay out, good ones go in. Opt-outs are recorded before the grants of the same file. The same file again
    changes nothing, also after it was interrupted: each chunk is a transaction of its own. `progress` hears
    (done, all).
    Raises UnreadableFile, and changes nothing then.
    """
    async with transaction() as conn:
        workspace = await workspaces.get_workspace(conn, workspace_id)
    report = Report(id=new_id(now), is_dry_run=is_dry_run)
    reading = functools.partial(_read, data, mapping, region=workspace.default_country, zone=workspace.timezone)
    ordered, digest = await asyncio.to_thread(reading, report, now)
    for start in range(0, 0 if is_dry_run else len(ordered), CHUNK):
        async with transaction() as conn:
            chunk = ordered[start : start + CHUNK]
            await _import_chunk(conn, workspace_id, chunk, report, file=digest.hex(), keys=keys, now=now)
        if progress is not None:
            progress(min(start + CHUNK, len(ordered)), len(ordered))
    async with transaction() as conn:
        mark = keys.keyed_hash(digest, purpose="import_file")  # a plain digest of a short file could be guessed
        await store.insert_import(conn, workspace_id, report, digest=mark, actor=actor, now=now)
        changes = {"rows": report.rows, "rejected": report.rejected, "dry_run": is_dry_run}
        await audit.record(conn, actor, workspace_id, "people.imported", "import", report.id, changes, now)
    return report


def _read(
    data: bytes, mapping: Mapping[str, str] | None, report: Report, now: datetime, *, region: str, zone: str
) -> tuple[list[Row], bytes]:
    """The good rows, opt-outs first, and the file's digest. Takes seconds for a large file: not for the event loop."""
    rows = _collect(report, read_rows(data, mapping=mapping, region=region, zone=zone), now)
    rows.sort(key=lambda row: row.consent is None or row.consent.state != "withdrawn")
    return rows, hashlib.sha256(data).digest()


def _collect(report: Report, read: Iterable[Row | list[RowError]], now: datetime) -> list[Row]:
    good = []
    for entry in read:
        report.rows += 1
        if isinstance(entry, list):
            report.reject(entry)
            continue
        at = entry.consent.effective_at if entry.consent else None
        if at is not None and at > now and entry.consent and entry.consent.state == "granted":
            message = "a consent cannot be given in the future"
            report.reject([RowError(line=entry.line, field="consent_at", code="consent_in_future", message=message)])
            continue
        report.imported += 1
        good.append(entry)
    return good


async def _import_chunk(
    conn: Conn, workspace_id: UUID, rows: Sequence[Row], report: Report, *, file: str, keys: KeyRing, now: datetime
) -> None:
    refs = [ProfileRef(identities=row.identities, attributes=row.attributes or None) for row in rows]
    found = await profiles.resolve_refs(conn, workspace_id, refs, now=now, source="import")
    report.profiles_new += len({one.profile_id for one in found if one.is_new})
    changes = [
        change
        for row, one in zip(rows, found, strict=True)
        if row.consent is not None
        for change in _changes(row, one.profile_id, file)
    ]
    recorded = await record_consents(conn, workspace_id, changes, keys=keys, now=now)
    report.consents_new += sum(1 for consent in recorded if consent.is_new)


def _changes(row: Row, profile_id: ProfileId, file: str) -> list[ConsentChange]:
    consent = row.consent
    if consent is None:
        return []
    address = next((one for one in row.identities if str(one.scheme) == _address_of(consent.channel)), None)
    evidence = Evidence(
        wording=consent.wording,
        wording_version=consent.wording_version,
        language=consent.language,
        collected_by=consent.collected_by,
        form_id=consent.form_id,
        ip=consent.ip,
    )
    return [
        ConsentChange(
            profile_id=profile_id,
            channel=consent.channel,
            purpose=purpose,
            topic=consent.topic,
            state=consent.state,
            identity=address,
            effective_at=consent.effective_at,
            expires_at=consent.expires_at,
            evidence=None if evidence.is_empty() else evidence,
            source=ConsentSource.IMPORT,
            locale=consent.language,
            key=_undated_key(file, profile_id, consent.channel, str(purpose), consent.topic)
            if consent.effective_at is None
            else None,
        )
        for purpose in consent.purposes
    ]


def _address_of(channel: str) -> str:
    return "email" if channel == "email" else "phone"


def _undated_key(file: str, profile_id: ProfileId, channel: str, purpose: str, topic: str | None) -> str:
    """An opt-out without a date counts from when its file first came in; in another file it is said anew."""
    return f"import:{file}:{profile_id}:{channel}:{purpose}:{topic or ''}:withdrawn"
