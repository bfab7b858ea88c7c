"""Read a CSV file of people: pure, from bytes to good rows and named mistakes.

Columns that we know are identities (`phone`, `wa_id`, `bsuid`, `email`, `external_id`) and consent (`consent_…`); every
other column is an attribute, with or without the prefix `attribute:`. A mapping renames columns of other systems.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sojourn.consents.model import CHANNELS, Purpose
from sojourn.countries.topics import InvalidTopic, normalise_topic
from sojourn.imports.model import Row, RowConsent, RowError, UnreadableFile
from sojourn.kit.csv_rows import COLUMNS_MAX, read_records
from sojourn.profiles.model import ATTRIBUTE_NAME_MAX, Identity, InvalidIdentity, Scheme
from sojourn.profiles.phone_numbers import normalise

IDENTITY_COLUMNS = {str(scheme): scheme for scheme in Scheme}
CONSENT_COLUMNS = frozenset(
    f"consent_{name}"
    for name in (
        "channel", "purpose", "topic", "state", "at", "source", "expires_at",
        "wording", "wording_version", "language", "form_id", "ip",
    )
)  # fmt: skip
GRANTED_WORDS = {"granted", "opted_in", "opt_in", "opted in", "yes", "true", "1", "subscribed"}
WITHDRAWN_WORDS = {"withdrawn", "opted_out", "opt_out", "opted out", "no", "false", "0", "unsubscribed", "stop"}
PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?")
DELIMITERS = ",;\t|"
CELL_MAX = 20_000  # characters


def read_rows(
    data: bytes, *, mapping: Mapping[str, str] | None = None, region: str | None = None, zone: str = "UTC"
) -> Iterator[Row | list[RowError]]:
    """Each row as a `Row`, or as the list of all its mistakes.

    `mapping` renames columns (theirs to ours; empty: leave out), `region` (two letters) is the country of numbers
    without one, `zone` that of moments without one. Raises UnreadableFile when there is no table to read.
    """
    text = _decode(data)
    records = read_records(text, delimiter=_delimiter(text), strict=True)
    header = _header(records, mapping or {})
    for line, cells in records:
        if isinstance(cells, str):
            raise UnreadableFile(detail=f"line {line}: {cells}")
        if any(cell.strip() for cell in cells):
            yield _read_row(line, header, cells, region=region, zone=ZoneInfo(zone))


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(detail=f"byte {error.start} is not UTF-8; save the file as CSV UTF-8") from error
    if "\x00" in text:
        raise UnreadableFile(detail="the file holds zero bytes")
    if not text.strip():
        raise UnreadableFile(detail="the file is empty")
    return text


def _delimiter(text: str) -> str:
    first = text.lstrip().split("\n", 1)[0]
    return max(DELIMITERS, key=lambda mark: (first.count(mark), -DELIMITERS.index(mark)))


def _header(records: Iterator[tuple[int, list[str] | str]], mapping: Mapping[str, str]) -> list[str]:
    _, cells = next(records, (1, ""))
    if isinstance(cells, str):
        raise UnreadableFile(detail=f"there is no header line: {cells}" if cells else "there is no header line")
    if len(cells) > COLUMNS_MAX:
        raise UnreadableFile(detail=f"the header has {len(cells):,} columns, at most {COLUMNS_MAX} are read")
    header = [_column(cell, mapping) for cell in cells]
    named = [name for name in header if name]
    twice = sorted(name for name, count in Counter(named).items() if count > 1)
    if twice:
        raise UnreadableFile(detail=f"columns occur twice: {', '.join(twice)}")
    if not any(name in IDENTITY_COLUMNS for name in named):
        known = ", ".join(IDENTITY_COLUMNS)
        raise UnreadableFile(detail=f"no column names a person; at least one of {known} is needed")
    unknown = [name for name in named if name.startswith("consent_") and name not in CONSENT_COLUMNS]
    if unknown:
        raise UnreadableFile(detail=f"unknown consent columns: {', '.join(unknown)}")
    return header


def _column(cell: str, mapping: Mapping[str, str]) -> str:
    name = cell.strip()
    if name in mapping:
        return mapping[name]
    lowered = name.lower().replace(" ", "_")
    return lowered if lowered in IDENTITY_COLUMNS or lowered.startswith("consent_") else name


def _read_row(
    line: int, header: list[str], cells: list[str], *, region: str | None, zone: ZoneInfo
) -> Row | list[RowError]:
    if len(cells) > len(header):
        return [_error(line, "row", "too_many_cells", f"{len(cells)} cells under {len(header)} columns")]
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name}
    errors = [_error(line, name, "too_long", "longer than 20,000 characters") for name, cell in values.items()
              if len(cell) > CELL_MAX]  # fmt: skip
    identities = _identities(line, values, region, errors)
    consent = _consent(line, values, zone, errors)
    attributes = _attributes(line, values, errors)
    if errors:
        return errors
    return Row(line=line, identities=identities, attributes=attributes, consent=consent)


def _identities(
    line: int, values: Mapping[str, str], region: str | None, errors: list[RowError]
) -> tuple[Identity, ...]:
    found = []
    for column, scheme in IDENTITY_COLUMNS.items():
        if values.get(column):
            try:
                found.append(Identity(scheme, normalise(scheme, values[column], region)))
            except InvalidIdentity as error:
                errors.append(_error(line, column, "invalid_identity", error.reason))
    if not found and not errors:
        errors.append(_error(line, "phone", "no_identity", "the row names nobody"))
    return tuple(found)


def _attributes(line: int, values: Mapping[str, str], errors: list[RowError]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, cell in values.items():
        if column in IDENTITY_COLUMNS or column in CONSENT_COLUMNS or cell == "":
            continue
        name = column.removeprefix("attribute:")
        if len(name) > ATTRIBUTE_NAME_MAX:
            errors.append(_error(line, column[:40], "name_too_long", f"longer than {ATTRIBUTE_NAME_MAX} characters"))
        found[name] = read_value(cell)
    return found


def read_value(cell: str) -> str | int | float | bool:
    """A cell as the value that it plainly is. What starts with a zero or a plus stays text: it is a code or number."""
    if cell.lower() in {"true", "false"}:
        return cell.lower() == "true"
    if PLAIN_NUMBER.fullmatch(cell):
        return float(cell) if "." in cell else int(cell)
    return cell


def _consent(line: int, values: Mapping[str, str], zone: ZoneInfo, errors: list[RowError]) -> RowConsent | None:
    given = {name: cell for name, cell in values.items() if name in CONSENT_COLUMNS and cell}
    if not set(given) & {"consent_state", "consent_purpose", "consent_at", "consent_source"}:
        return None
    state = _state(line, given, errors)
    purposes = _purposes(line, given, errors)
    channel = given.get("consent_channel", "whatsapp").lower()
    if channel not in CHANNELS:
        errors.append(_error(line, "consent_channel", "unknown_channel", f"one of {', '.join(CHANNELS)}"))
    moments = {name: _moment(line, name, given, zone, errors) for name in ("consent_at", "consent_expires_at")}
    if state == "granted":
        if not given.get("consent_source"):
            errors.append(_error(line, "consent_source", "required", "a grant says how it was collected"))
        if not given.get("consent_at"):
            errors.append(_error(line, "consent_at", "required", "a grant says when it was given"))
    if state is None:
        return None
    return RowConsent(
        channel=channel,
        purposes=purposes,
        topic=_topic(line, given, errors),
        state=state,
        effective_at=moments["consent_at"],
        expires_at=moments["consent_expires_at"],
        collected_by=given.get("consent_source"),
        wording=given.get("consent_wording"),
        wording_version=given.get("consent_wording_version"),
        language=given.get("consent_language"),
        form_id=given.get("consent_form_id"),
        ip=given.get("consent_ip"),
    )


def _state(line: int, given: Mapping[str, str], errors: list[RowError]) -> Literal["granted", "withdrawn"] | None:
    word = given.get("consent_state", "granted").lower()
    if word in GRANTED_WORDS:
        return "granted"
    if word in WITHDRAWN_WORDS:
        return "withdrawn"
    errors.append(_error(line, "consent_state", "unknown_state", "granted or withdrawn"))
    return None


def _purposes(line: int, given: Mapping[str, str], errors: list[RowError]) -> tuple[Purpose, ...]:
    found = []
    for word in re.split(r"[|+]", given.get("consent_purpose", "marketing")):
        try:
            found.append(Purpose(word.strip().lower()))
        except ValueError:
            known = ", ".join(str(purpose) for purpose in Purpose)
            errors.append(_error(line, "consent_purpose", "unknown_purpose", f"{word.strip()!r} is none of {known}"))
    return tuple(found)


def _topic(line: int, given: Mapping[str, str], errors: list[RowError]) -> str | None:
    try:
        return normalise_topic(given["consent_topic"]) if "consent_topic" in given else None
    except InvalidTopic as error:
        errors.append(_error(line, "consent_topic", "invalid_topic", str(error)))
        return None


def _moment(line: int, name: str, given: Mapping[str, str], zone: ZoneInfo, errors: list[RowError]) -> datetime | None:
    text = given.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        aware = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        errors.append(_error(line, name, "invalid_moment", "a date or moment in ISO 8601, for example 2026-02-10"))
        return None


def _error(line: int, field: str, code: str, message: str) -> RowError:
    return RowError(line=line, field=field, code=code, message=message)
