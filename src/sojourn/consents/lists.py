"""Change the lists that stop or allow addresses, and read suppressions from CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sojourn.consents import list_store
from sojourn.consents.errors import UnknownSuppression
from sojourn.consents.list_store import SuppressionRow, hash_identity
from sojourn.consents.model import CHANNELS, SuppressionReason
from sojourn.kit.crypto import KeyRing
from sojourn.kit.csv_rows import COLUMNS_MAX, read_records
from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError
from sojourn.kit.ids import new_id
from sojourn.profiles.model import Identity, InvalidIdentity, Scheme
from sojourn.profiles.phone_numbers import address_key, normalise
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller

CSV_ROWS_MAX = 100_000
NOTE_MAX = 500  # characters
SUPPRESSIBLE = frozenset({Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID, Scheme.EMAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """An address to stop. `channel` `*` means all."""

    identity: Identity
    reason: SuppressionReason = SuppressionReason.MANUAL
    channel: str = "*"
    note: str | None = None
    expires_at: datetime | None = None


async def suppress(
    conn: Conn,
    workspace_id: UUID,
    entries: Sequence[NewSuppression],
    *,
    actor: Caller | str,
    keys: KeyRing,
    now: datetime,
) -> list[SuppressionRow]:
    """Add addresses (normalised) to the list; the same again only moves the end. Effective with this transaction."""
    if not entries:
        return []
    rows = []
    for entry in entries:
        key = address_key(entry.identity.scheme, entry.identity.value)
        rows.append(
            {
                "id": new_id(now),
                "channel": entry.channel,
                "scheme": str(entry.identity.scheme),
                "identity_key": key,
                "identity_hash": hash_identity(keys, key),
                "reason": entry.reason.value,
                "note": entry.note,
                "expires_at": entry.expires_at,
                "created_by": actor.actor if isinstance(actor, Caller) else actor,
                "created_at": now,
            }
        )
    ids = await list_store.upsert_suppressions(conn, workspace_id, rows)
    changes = {"entries": len(ids), "reasons": sorted({entry.reason.value for entry in entries})}
    await audit.record(conn, actor, workspace_id, "suppressions.added", "suppression", ids[0], changes, now)
    found = {row.id: row for row in await list_store.list_suppressions_by_id(conn, workspace_id, ids)}
    return [found[id_] for id_ in ids]


async def lift_suppression(
    conn: Conn, workspace_id: UUID, suppression_id: UUID, *, actor: Caller | str, now: datetime
) -> None:
    """Take an entry off the list. Raises UnknownSuppression."""
    row = await list_store.delete_suppression(conn, workspace_id, suppression_id)
    if row is None:
        raise UnknownSuppression(suppression_id=str(suppression_id))
    changes = {"reason": row.reason.value, "channel": row.channel}
    await audit.record(conn, actor, workspace_id, "suppression.lifted", "suppression", row.id, changes, now)


async def set_allow_list(
    conn: Conn, workspace_id: UUID, identities: Sequence[Identity], *, actor: Caller | str, now: datetime
) -> None:
    """Make the allow list exactly these addresses (normalised)."""
    found = {address_key(identity.scheme, identity.value) for identity in identities}
    await list_store.replace_allow_list(conn, workspace_id, found, now)
    changes = {"addresses": len(found)}
    await audit.record(conn, actor, workspace_id, "allow_list.changed", "workspace", workspace_id, changes, now)


def guess_identity(text: str, region: str | None) -> Identity:
    """An address without its scheme: with an @ an email, a country code and a dot a user id, else a phone number.

    Raises InvalidIdentity.
    """
    value = text.strip()
    if "@" in value:
        scheme = Scheme.EMAIL
    elif len(value) > 3 and value[:2].isalpha() and value[2] == ".":
        scheme = Scheme.BSUID
    else:
        scheme = Scheme.PHONE
    return Identity(scheme, normalise(scheme, value, region))


def parse_csv(text: str, *, region: str | None) -> tuple[list[NewSuppression], list[FieldError]]:
    """Rows of a CSV with the header `address` and optionally reason, channel, note, expires_at (ISO 8601).

    Every mistake is named with its line (`line 3`); the good rows come back all the same. Takes seconds for a large
    file: not for the event loop.
    """
    records = read_records(text.lstrip("\ufeff"))
    header = next((cells for _, cells in records if cells), [])
    if isinstance(header, str) or len(header) > COLUMNS_MAX:
        message = header if isinstance(header, str) else f"{len(header):,} columns"
        return [], [{"field": "line 1", "code": "too_many_columns", "limit": COLUMNS_MAX, "message": message}]
    if "address" not in header:
        return [], [{"field": "line 1", "code": "missing_column", "message": "the column `address` is missing"}]
    entries: list[NewSuppression] = []
    errors: list[FieldError] = []
    for line, cells in records:
        if len(entries) + len(errors) >= CSV_ROWS_MAX:
            errors.append({"field": f"line {line}", "code": "too_many_rows", "limit": CSV_ROWS_MAX})
            break
        if isinstance(cells, str):
            errors.append({"field": f"line {line}", "code": "invalid_row", "message": cells})
        elif cells:
            try:
                entries.append(_csv_row(dict(zip(header, cells, strict=False)), region))
            except InvalidIdentity as error:
                errors.append(error.at(f"line {line}.address"))
            except InvalidCell as error:
                errors.append({"field": f"line {line}.{error.column}", "code": error.code, "message": str(error)})
    return entries, errors


class InvalidCell(ValueError):
    """A cell of a row cannot be read: its column, a code, a sentence."""

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column, self.code = column, code


def _csv_row(row: Mapping[str, str], region: str | None) -> NewSuppression:
    note = row.get("note", "").strip() or None
    if note is not None and len(note) > NOTE_MAX:
        raise InvalidCell("note", "too_long", f"at most {NOTE_MAX} characters")
    return NewSuppression(
        identity=guess_identity(row.get("address", ""), region),
        reason=_reason(row.get("reason", "").strip().lower() or "manual"),
        channel=_channel(row.get("channel", "").strip().lower() or "*"),
        note=note,
        expires_at=_moment(row.get("expires_at", "").strip()),
    )


def _channel(word: str) -> str:
    if word != "*" and word not in CHANNELS:
        raise InvalidCell("channel", "unknown_channel", f"one of *, {', '.join(CHANNELS)}")
    return word


def _reason(word: str) -> SuppressionReason:
    try:
        return SuppressionReason(word)
    except ValueError:
        raise InvalidCell("reason", "unknown_reason", f"one of {', '.join(SuppressionReason)}") from None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
        return moment and (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):  # the first and the last day of the calendar have no UTC in every zone
        raise InvalidCell("expires_at", "invalid_moment", "a date or moment in ISO 8601") from None
