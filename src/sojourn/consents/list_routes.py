"""HTTP: suppressions, allow list, emergency brake."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sojourn.consents import list_store, lists
from sojourn.consents.list_store import SuppressionRow
from sojourn.consents.lists import NewSuppression
from sojourn.consents.model import ChannelName, SuppressionReason
from sojourn.kit.errors import FieldError, InvalidInput, MalformedBody
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Keys, Limit, Now, Page
from sojourn.profiles.model import Identity, InvalidIdentity, Scheme
from sojourn.profiles.phone_numbers import address_key, normalise
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.actions import update_settings
from sojourn.workspaces.pages import decode_position, page_of
from sojourn.workspaces.store import get_workspace

router = APIRouter(tags=["consents"])

ROWS_AT_ONCE = 2_000  # of an uploaded file

Channel = Annotated[Literal[ChannelName, "*"], Field(description="`*` is every channel")]


class SuppressionIn(BaseModel):
    """An address that gets nothing; `address` alone tells a phone number, an email and a user id apart."""

    model_config = ConfigDict(extra="forbid")
    address: str = Field(min_length=3, max_length=320, examples=["+447700900404"])
    scheme: Scheme | None = None
    channel: Channel = "*"
    reason: SuppressionReason = SuppressionReason.MANUAL
    note: str | None = Field(None, max_length=lists.NOTE_MAX)
    expires_at: AwareDatetime | None = None


class SuppressionsIn(BaseModel):
    """A batch."""

    suppressions: list[SuppressionIn] = Field(min_length=1, max_length=10_000)


class SuppressionOut(BaseModel):
    """An entry of the list. `address` is null once the person was erased: it is still recognised."""

    id: UUID
    address: str | None
    scheme: str
    channel: str
    reason: SuppressionReason
    note: str | None
    expires_at: datetime | None
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, row: SuppressionRow) -> SuppressionOut:
        """From the stored row."""
        names = ("id", "scheme", "channel", "reason", "note", "expires_at", "created_by", "created_at")
        return cls(**{name: getattr(row, name) for name in names}, address=address_of(row.identity_key))


class SuppressionsOut(BaseModel):
    """What was written, and what could not be."""

    items: list[SuppressionOut]
    errors: list[FieldError] = []


def address_of(identity_key: str | None) -> str | None:
    """An address as people write it, from its key."""
    if identity_key is None:
        return None
    scheme, _, value = identity_key.partition(":")
    return f"+{value}" if scheme == "tel" else value


@router.post("/v1/suppressions")
async def post_suppressions(
    body: SuppressionsIn,
    conn: ConnDep,
    keys: Keys,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("suppressions.write"))],
) -> SuppressionsOut:
    """Add addresses to the suppression list. Legal, complaint and erasure stop every purpose on the channels named."""
    region = (await get_workspace(conn, caller.workspace_id)).default_country
    entries = []
    for place, one in enumerate(body.suppressions):
        entries.append(
            NewSuppression(
                identity=_identity(one.address, one.scheme, region, f"suppressions[{place}].address"),
                reason=one.reason,
                channel=one.channel,
                note=one.note,
                expires_at=one.expires_at,
            )
        )
    rows = await lists.suppress(conn, caller.workspace_id, entries, actor=caller, keys=keys, now=now)
    return SuppressionsOut(items=[SuppressionOut.of(row) for row in rows])


def _identity(address: str, scheme: Scheme | None, region: str, path: str) -> Identity:
    try:
        if scheme is None:
            return lists.guess_identity(address, region)
        if scheme not in lists.SUPPRESSIBLE:
            raise InvalidIdentity(scheme, "not an address")
        return Identity(scheme, normalise(scheme, address, region))
    except InvalidIdentity as error:
        raise InvalidInput([error.at(path)]) from error


class ImportedOut(BaseModel):
    """How many rows went in, and the mistakes of the others with their lines."""

    imported: int
    errors: list[FieldError]


CSV_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.post("/v1/suppressions/import", openapi_extra=CSV_BODY)
async def import_suppressions(
    request: Request,
    conn: ConnDep,
    keys: Keys,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("suppressions.write"))],
) -> ImportedOut:
    """Add a CSV (`text/csv`, UTF-8) with the columns address and, if you like, reason, channel, note, expires_at.

    Rows with a mistake are named with their line; the good ones go in.
    """
    region = (await get_workspace(conn, caller.workspace_id)).default_country
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(detail="not UTF-8") from error
    entries, errors = await asyncio.to_thread(lists.parse_csv, text, region=region)
    imported = 0
    for start in range(0, len(entries), ROWS_AT_ONCE):  # others are served between the slices
        slice_ = entries[start : start + ROWS_AT_ONCE]
        imported += len(await lists.suppress(conn, caller.workspace_id, slice_, actor=caller, keys=keys, now=now))
    return ImportedOut(imported=imported, errors=errors)


@router.get("/v1/suppressions")
async def get_suppressions(
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("suppressions.read"))],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    reason: SuppressionReason | None = None,
    address: str | None = None,
) -> Page[SuppressionOut]:
    """The suppression list, oldest first."""
    key = None
    if address:
        region = (await get_workspace(conn, caller.workspace_id)).default_country
        identity = _identity(address, None, region, "address")
        key = address_key(identity.scheme, identity.value)
    rows = await list_store.list_suppressions(
        conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1, reason=reason, key=key
    )
    return page_of(rows, limit, SuppressionOut.of)


@router.delete("/v1/suppressions/{suppression_id}", status_code=204)
async def delete_suppression(
    suppression_id: UUID,
    conn: ConnDep,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("suppressions.write"))],
) -> None:
    """Take an address off the list."""
    await lists.lift_suppression(conn, caller.workspace_id, suppression_id, actor=caller, now=now)


class AllowList(BaseModel):
    """With `on`, only these addresses receive anything, on any channel; on and empty, nothing leaves."""

    on: bool
    addresses: list[Annotated[str, Field(min_length=3, max_length=320)]] = Field(default=[], max_length=10_000)


@router.get("/v1/allow-list")
async def get_allow_list(
    conn: ConnDep, caller: Annotated[Caller, Depends(require_right("allow_list.read"))]
) -> AllowList:
    """The allow list and whether it is on."""
    workspace = await get_workspace(conn, caller.workspace_id)
    found = await list_store.list_allow_list(conn, caller.workspace_id)
    return AllowList(on=workspace.settings.allow_list_on, addresses=[address_of(key) or "" for key in found])


@router.put("/v1/allow-list")
async def put_allow_list(
    body: AllowList,
    conn: ConnDep,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("allow_list.write"))],
) -> AllowList:
    """Replace the allow list and switch it on or off. Holds for every decision after the answer."""
    region = (await get_workspace(conn, caller.workspace_id)).default_country
    found = [_identity(one, None, region, f"addresses[{place}]") for place, one in enumerate(body.addresses)]
    await lists.set_allow_list(conn, caller.workspace_id, found, actor=caller, now=now)
    await update_settings(conn, caller, caller.workspace_id, {"allow_list_on": body.on}, now)
    return AllowList(on=body.on, addresses=[identity.value for identity in found])


class Brake(BaseModel):
    """While on, nothing leaves this workspace on any channel."""

    on: bool


@router.get("/v1/brake")
async def get_brake(conn: ConnDep, caller: Annotated[Caller, Depends(require_right("workspace.read"))]) -> Brake:
    """Whether the emergency brake is on."""
    return Brake(on=(await get_workspace(conn, caller.workspace_id)).settings.brake)


@router.put("/v1/brake")
async def put_brake(
    body: Brake, conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("workspace.write"))]
) -> Brake:
    """Pull or release the emergency brake. Holds for every message that is claimed after the answer."""
    await update_settings(conn, caller, caller.workspace_id, {"brake": body.on}, now)
    return body
