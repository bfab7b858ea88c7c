"""HTTP: undo a merge. It stands here because both people get their own consent back by it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from sojourn.consents.unmerging import unmerge_profile
from sojourn.kit.web import ConnDep, Keys, Now
from sojourn.workspaces.access import Caller, require_right

router = APIRouter()


class UnmergeIn(BaseModel):
    """Which profile stands for itself again."""

    model_config = ConfigDict(extra="forbid")
    loser_id: UUID


class UnmergeOut(BaseModel):
    """Two people again."""

    profile_id: UUID
    restored_id: UUID
    identities: int = Field(description="Addresses and ids that went back")
    withdrawals: int = Field(description="Withdrawals said while they were one, which now count for both")


@router.post("/v1/profiles/{profile_id}/unmerge")
async def unmerge_profiles(
    profile_id: UUID,
    body: UnmergeIn,
    conn: ConnDep,
    keys: Keys,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("profiles.write"))],
) -> UnmergeOut:
    """Undo a merge into this profile: the other one gets its addresses, attributes and ledger of consent back.

    Events, messages and deliveries recorded while they were one stay with this profile.
    """
    parted = await unmerge_profile(
        conn, caller.workspace_id, loser_id=body.loser_id, winner_id=profile_id, keys=keys, actor=caller, now=now
    )
    return UnmergeOut(
        profile_id=parted.unmerged.profile_id,
        restored_id=parted.unmerged.restored_id,
        identities=len(parted.unmerged.keys),
        withdrawals=parted.withdrawals,
    )
