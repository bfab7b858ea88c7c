"""HTTP: bring a CSV file of people and consents in, and look at what earlier files did."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from pydantic import BaseModel

from sojourn.imports import actions, store
from sojourn.imports.model import FILE_MAX, Report
from sojourn.kit.errors import BodyTooLarge, InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Keys, Limit, Now, Page, encode_cursor
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position

router = APIRouter(prefix="/v1", tags=["imports"])


class RowErrorOut(BaseModel):
    """A mistake in the file: its line (the header is line 1) and column."""

    line: int
    field: str
    code: str
    message: str | None = None


class ImportOut(BaseModel):
    """What an import did; `rows` = `imported` + `rejected`."""

    id: UUID
    is_dry_run: bool
    rows: int
    imported: int
    rejected: int
    profiles_new: int
    consents_new: int
    errors: list[RowErrorOut]
    created_at: datetime

    @classmethod
    def of(cls, report: Report, now: datetime) -> ImportOut:
        """From a fresh report."""
        fields = {name: getattr(report, name) for name in cls.model_fields if name not in ("errors", "created_at")}
        errors = [RowErrorOut.model_validate(error, from_attributes=True) for error in report.errors]
        return cls(**fields, errors=errors, created_at=now)


@router.post("/imports", status_code=201)
async def import_people(
    request: Request,
    caller: Annotated[Caller, Depends(require_right("imports.write"))],
    keys: Keys,
    now: Now,
    file: Annotated[UploadFile, File(description="CSV in UTF-8 with a header line, at most 50 MB")],
    mapping: Annotated[str, Form(description='JSON object: their column to ours, e.g. {"Tel.": "phone"}')] = "{}",
    dry_run: Annotated[bool, Form(description="Only check")] = False,
) -> ImportOut:
    """Import people with their consents. Rows that grant without a date and a source are rejected, the others go in."""
    data = await file.read(FILE_MAX + 1)
    if len(data) > FILE_MAX:
        raise BodyTooLarge(limit=FILE_MAX)
    report = await actions.import_people(
        request.app.state.db.transaction, caller.workspace_id, data,
        keys=keys, actor=caller.actor, now=now, mapping=_mapping(mapping), is_dry_run=dry_run,
    )  # fmt: skip
    return ImportOut.of(report, now)


def _mapping(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as error:
        message = "a JSON object of column names"
        raise InvalidInput([{"field": "mapping", "code": "invalid_mapping", "message": message}]) from error


@router.get("/imports")
async def list_imports(
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("imports.read"))],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ImportOut]:
    """Earlier imports, newest first; their mistakes by line, column and kind."""
    rows = await store.list_imports(conn, caller.workspace_id, before=decode_position(cursor), limit=limit + 1)
    more = encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page(items=[_from_row(row) for row in rows[:limit]], next_cursor=more)


def _from_row(row: dict[str, Any]) -> ImportOut:
    return ImportOut(
        id=row["id"], is_dry_run=row["is_dry_run"], errors=row["errors"], created_at=row["created_at"], **row["counts"]
    )
