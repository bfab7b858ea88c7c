"""What an import reads and reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sojourn.consents.model import Purpose
from sojourn.kit.errors import AppError
from sojourn.profiles.model import Identity

ERRORS_KEPT = 1_000  # rows whose mistakes are listed; further ones are only counted
FILE_MAX = 50 * 1024 * 1024  # bytes


class UnreadableFile(AppError):
    """The file is not a CSV file in UTF-8 with a header line."""

    code = "unreadable_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowConsent:
    """What a row says about consent. A withdrawal needs neither moment nor source."""

    channel: str
    purposes: tuple[Purpose, ...]
    topic: str | None
    state: Literal["granted", "withdrawn"]
    effective_at: datetime | None
    expires_at: datetime | None
    collected_by: str | None
    wording: str | None
    wording_version: str | None
    language: str | None
    form_id: str | None
    ip: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One good row: the line it ends on, who it is about, what it says."""

    line: int
    identities: tuple[Identity, ...]
    attributes: dict[str, Any]
    consent: RowConsent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """One mistake: its line in the file (the header is line 1), its column, what is wrong."""

    line: int
    field: str
    code: str
    message: str


@dataclass(slots=True, kw_only=True)
class Report:
    """What an import did. `rows` = `imported` + `rejected`; `consents_new` were not in the ledger before."""

    id: UUID
    is_dry_run: bool
    rows: int = 0
    imported: int = 0
    rejected: int = 0
    profiles_new: int = 0
    consents_new: int = 0
    errors: list[RowError] = field(default_factory=list)

    def reject(self, errors: list[RowError]) -> None:
        """Count one bad row, and keep its mistakes while there is room."""
        self.rejected += 1
        self.errors.extend(errors[: max(0, ERRORS_KEPT - len(self.errors))])
