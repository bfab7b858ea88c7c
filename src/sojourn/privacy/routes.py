"""HTTP: erasing people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Keys, Limit, Now, Page
from sojourn.privacy import erasing, erasure_store
from sojourn.privacy.erasure_model import KEPT, Erasure, Ground
from sojourn.profiles.model import Identity, InvalidIdentity, Scheme
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position, page_of

router = APIRouter(prefix="/v1", tags=["privacy"])

Read = Annotated[Caller, Depends(require_right("erasures.read"))]
Write = Annotated[Caller, Depends(require_right("erasures.write"))]


class Form(BaseModel):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid")


class ErasureIn(Form):
    """Why, and whether only to count."""

    reason: Ground = Field(default=Ground.PERSON_REQUEST, description="Never free text: the report outlives the person")
    dry_run: bool = False


class AddressIn(Form):
    """One address or id of the person."""

    scheme: Literal["phone", "wa_id", "bsuid", "email", "external_id", "anonymous_id"]
    value: Annotated[str, Field(min_length=1, max_length=320)]


class ErasuresIn(ErasureIn):
    """The person, by an id of ours or by their addresses."""

    profile_id: UUID | None = None
    identities: Annotated[list[AddressIn], Field(max_length=50)] = []


class StoreCount(BaseModel):
    """Rows of one table."""

    erased: int = Field(description="Deleted or emptied")
    kept: int


class KeptOut(BaseModel):
    """What stays, and why."""

    store: str
    count: int
    why: str


class ErasureOut(BaseModel):
    """The report: counts only, never whom. `profile_ids` lead to nobody any more."""

    id: UUID
    state: Literal["done", "dry_run"]
    profile_ids: list[UUID]
    reason: Ground
    requested_by: str
    counts: dict[str, StoreCount]
    kept: list[KeptOut]
    tombstones: int = Field(description="Withdrawals that are kept by keyed hash of the address")
    erased_at: datetime

    @classmethod
    def of(cls, erasure: Erasure) -> ErasureOut:
        """From the stored report."""
        stores = sorted(erasure.erased.keys() | erasure.kept.keys())
        return cls(
            id=erasure.id,
            state="dry_run" if erasure.is_dry_run else "done",
            profile_ids=list(erasure.profile_ids),
            reason=erasure.reason,
            requested_by=erasure.requested_by,
            counts={
                store: StoreCount(erased=erasure.erased.get(store, 0), kept=erasure.kept.get(store, 0))
                for store in stores
            },
            kept=[
                KeptOut(store=store, count=count, why=KEPT[store])
                for store, count in sorted(erasure.kept.items())
                if count
            ],
            tombstones=erasure.tombstones,
            erased_at=erasure.erased_at,
        )


@router.post("/profiles/{profile_id}/erasure")
async def erase_profile(
    profile_id: UUID, body: ErasureIn, request: Request, caller: Write, keys: Keys, now: Now
) -> ErasureOut:
    """Erase a person everywhere, and everybody who was merged into them. It cannot be undone; try `dry_run` first."""
    state = request.app.state
    erasure = await erasing.request_erasure(
        state.db.transaction, caller, keys=keys, data_dir=state.settings.data_dir, reason=body.reason, now=now,
        profile_id=profile_id, is_dry_run=body.dry_run,
    )  # fmt: skip
    return ErasureOut.of(erasure)


@router.post("/erasures")
async def erase_person(body: ErasuresIn, request: Request, caller: Write, keys: Keys, now: Now) -> ErasureOut:
    """Erase whoever has these addresses, in every store. Addresses that nobody has are looked for all the same."""
    if (body.profile_id is None) == (not body.identities):
        message = "profile_id, or identities"
        raise InvalidInput([{"field": "identities", "code": "one_of", "message": message}])
    state = request.app.state
    try:
        erasure = await erasing.request_erasure(
            state.db.transaction, caller, keys=keys, data_dir=state.settings.data_dir, reason=body.reason, now=now,
            profile_id=body.profile_id, is_dry_run=body.dry_run,
            identities=[Identity(Scheme(one.scheme), one.value) for one in body.identities],
        )  # fmt: skip
    except InvalidIdentity as error:
        raise InvalidInput([error.at("identities")]) from error
    return ErasureOut.of(erasure)


@router.get("/erasures")
async def list_erasures(
    conn: ConnDep, caller: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[ErasureOut]:
    """Erasures, newest first."""
    found = await erasure_store.list_erasures(
        conn, caller.workspace_id, before=decode_position(cursor), limit=limit + 1
    )
    return page_of(found, limit, ErasureOut.of)


@router.get("/erasures/{erasure_id}")
async def get_erasure(erasure_id: UUID, conn: ConnDep, caller: Read) -> ErasureOut:
    """The report of one erasure."""
    return ErasureOut.of(await erasure_store.get_erasure(conn, caller.workspace_id, erasure_id))
