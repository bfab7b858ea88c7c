"""HTTP: people, their addresses and attributes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Now, Page
from sojourn.profiles import actions, store
from sojourn.profiles import attributes as rules
from sojourn.profiles.model import (
    ATTRIBUTE_NAME_MAX,
    AttributeChange,
    Identity,
    IdentityRow,
    IdentityState,
    InvalidIdentity,
    Profile,
    ProfileId,
    ProfileRef,
    Scheme,
)
from sojourn.profiles.phone_numbers import normalise_identity
from sojourn.profiles.search import search_profiles
from sojourn.workspaces import audit
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position, page_of
from sojourn.workspaces.store import get_workspace

router = APIRouter(prefix="/v1", tags=["profiles"])

Reader = Annotated[Caller, Depends(require_right("profiles.read"))]
Writer = Annotated[Caller, Depends(require_right("profiles.write"))]
BATCH_MAX = 1_000


class AddressQuery(BaseModel):
    """An address or id to find somebody by."""

    phone: str | None = None
    wa_id: str | None = None
    bsuid: str | None = None
    email: str | None = None
    external_id: str | None = None
    anonymous_id: str | None = None


class IdentityOut(BaseModel):
    """One address or id of a person."""

    scheme: Scheme
    value: str
    is_primary: bool
    state: IdentityState
    unreachable_at: datetime | None

    @classmethod
    def of(cls, row: IdentityRow) -> IdentityOut:
        """From the stored address."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class ProfileOut(BaseModel):
    """A person."""

    id: UUID
    attributes: dict[str, Any]
    locale: str | None
    timezone: str | None
    country: str | None
    is_test: bool
    source: str
    identities: list[IdentityOut]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, profile: Profile, identities: Sequence[IdentityRow]) -> ProfileOut:
        """From the stored profile and its addresses."""
        names = [name for name in cls.model_fields if name != "identities"]
        values = {name: getattr(profile, name) for name in names}
        return cls(**values, identities=[IdentityOut.of(row) for row in identities])


class ProfileIn(BaseModel):
    """A person as a caller knows them: at least one address or id, and what else is known."""

    model_config = ConfigDict(extra="forbid")
    phone: str | None = None
    wa_id: str | None = None
    bsuid: str | None = None
    email: str | None = None
    external_id: str | None = None
    anonymous_id: str | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    is_test: bool = False

    def to_ref(self, path: str, region: str, declared: dict[str, str], errors: list[FieldError]) -> ProfileRef | None:
        """As the action takes it; None with `errors` filled for what is no person."""
        identities = []
        found = rules.check(self.attributes, declared, f"{path}attributes")
        for scheme in Scheme:
            value = getattr(self, str(scheme))
            if value is not None:
                try:
                    identities.append(normalise_identity(Identity(scheme, value), region))
                except InvalidIdentity as error:
                    found.append(error.at(f"{path}{scheme}"))
        if not identities and not found:
            message = "at least one of " + ", ".join(Scheme)
            found.append({"field": path.rstrip(".") or "profile", "code": "no_identity", "message": message})
        errors.extend(found)
        if found:
            return None
        return ProfileRef(identities=tuple(identities), attributes=self.attributes or None, is_test=self.is_test)


class ProfilesIn(BaseModel):
    """One person or many."""

    model_config = ConfigDict(extra="forbid")
    profiles: list[ProfileIn] = Field(min_length=1, max_length=BATCH_MAX)


class ProfileWritten(BaseModel):
    """What became of one person of a batch."""

    profile_id: UUID
    is_new: bool
    conflicts: list[Scheme] = Field(description="Addresses that belong to somebody else and stayed there")


class ProfilesOut(BaseModel):
    """What became of a batch: one entry a person, null for one with mistakes."""

    profiles: list[ProfileWritten | None]
    errors: list[FieldError]


class AttributesIn(BaseModel):
    """Attributes to set; a null removes one."""

    model_config = ConfigDict(extra="forbid")
    attributes: dict[str, Any]


class ChangeOut(BaseModel):
    """One attribute that changed; null: it was or is not there."""

    name: str
    old: Any
    new: Any


class HistoryOut(BaseModel):
    """What one call really changed of a person's attributes."""

    id: UUID
    profile_id: UUID = Field(description="The person, or the profile that was merged into them later")
    changed_at: datetime
    source: str = Field(description="Which way it came: `api`, `segment`, `import`, `journey`, `form`, `merge`, …")
    changes: list[ChangeOut]

    @classmethod
    def of(cls, change: AttributeChange) -> HistoryOut:
        """From the stored change, by name."""
        changes = [ChangeOut(name=name, old=old, new=new) for name, (old, new) in sorted(change.changes.items())]
        return cls(
            id=change.id,
            profile_id=change.profile_id,
            changed_at=change.changed_at,
            source=change.source,
            changes=changes,
        )


class MergeIn(BaseModel):
    """Which profile becomes an alias of this one."""

    model_config = ConfigDict(extra="forbid")
    loser_id: UUID


class AttributeDefinitionOut(BaseModel):
    """An attribute that was seen or declared."""

    name: str
    type: str
    is_declared: bool


class AttributeTypeIn(BaseModel):
    """The type that an attribute must have from now on."""

    model_config = ConfigDict(extra="forbid")
    type: str = Field(pattern="^(text|number|boolean|datetime|list|object|mixed)$")


@router.get("/profiles")
async def list_profiles(
    *,
    conn: ConnDep,
    now: Now,
    caller: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    q: Annotated[str | None, Query(max_length=200, description="An address, a part of one, or of a name")] = None,
    address: Annotated[AddressQuery, Depends()],
) -> Page[ProfileOut]:
    """People, oldest first; with an address the one person whose it is; with `q` who fits. Searching is audited."""
    asked = [Identity(scheme, value) for scheme in Scheme if (value := getattr(address, str(scheme))) is not None]
    if asked:
        found = await _find(conn, caller, asked)
        schemes = ",".join(identity.scheme for identity in asked)
        seen = {"found": len(found)}
        await audit.record(conn, caller, caller.workspace_id, "profile.searched", "profile", schemes, seen, now)
    elif q is not None and q.strip():
        region = (await get_workspace(conn, caller.workspace_id)).default_country
        after = decode_position(cursor)
        found = await search_profiles(
            conn, caller.workspace_id, q.strip(), default_region=region, after=after, limit=limit + 1
        )
        seen = {"found": min(len(found), limit), "more": len(found) > limit}
        await audit.record(conn, caller, caller.workspace_id, "profile.searched", "profile", "q", seen, now)
    else:
        found = await store.list_profiles(conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1)
    identities = await store.list_identities(conn, caller.workspace_id, [profile.id for profile in found[:limit]])
    return page_of(found, limit, lambda profile: ProfileOut.of(profile, identities[profile.id]))


async def _find(conn: Conn, caller: Caller, asked: list[Identity]) -> list[Profile]:
    """Whoever has any of these addresses."""
    workspace = await get_workspace(conn, caller.workspace_id)
    identities = []
    for identity in asked:
        try:
            identities.append(normalise_identity(identity, workspace.default_country))
        except InvalidIdentity as error:
            raise InvalidInput([error.at(identity.scheme)]) from error
    owners = await store.find_by_identity(conn, caller.workspace_id, identities)
    return list((await store.get_profiles(conn, caller.workspace_id, owners.values())).values())


@router.post("/profiles")
async def write_profiles(body: ProfilesIn, conn: ConnDep, now: Now, caller: Writer) -> ProfilesOut:
    """Make or complete people, found by any of their addresses. A mistake in one takes that one out."""
    workspace = await get_workspace(conn, caller.workspace_id)
    declared = await store.list_declared_types(conn, caller.workspace_id)
    errors: list[FieldError] = []
    refs = [
        one.to_ref(f"profiles[{index}].", workspace.default_country, declared, errors)
        for index, one in enumerate(body.profiles)
    ]
    good = [ref for ref in refs if ref is not None]
    if not good:
        raise InvalidInput(errors)
    written = iter(await actions.resolve_refs(conn, caller.workspace_id, good, now=now, source="api"))
    results = [
        None
        if ref is None
        else ProfileWritten(
            profile_id=(one := next(written)).profile_id, is_new=one.is_new, conflicts=list(one.conflicts)
        )
        for ref in refs
    ]
    return ProfilesOut(profiles=results, errors=errors)


@router.get("/profiles/{profile_id}")
async def get_profile(profile_id: UUID, conn: ConnDep, caller: Reader) -> ProfileOut:
    """One person; the id of a merged profile answers with the one that stands for it."""
    profile = await store.get_profile(conn, caller.workspace_id, profile_id)
    return await _present(conn, caller, profile)


@router.patch("/profiles/{profile_id}")
async def change_profile(profile_id: UUID, body: AttributesIn, conn: ConnDep, now: Now, caller: Writer) -> ProfileOut:
    """Set or remove attributes of a person."""
    profile = await store.get_profile(conn, caller.workspace_id, profile_id)
    errors = rules.check(body.attributes, await store.list_declared_types(conn, caller.workspace_id))
    if errors:
        raise InvalidInput(errors)
    await actions.update_attributes(conn, caller.workspace_id, [(profile.id, body.attributes)], now)
    return await _present(conn, caller, await store.get_profile(conn, caller.workspace_id, profile.id))


@router.get("/profiles/{profile_id}/history")
async def get_history(
    profile_id: UUID,
    *,
    conn: ConnDep,
    caller: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    attribute: Annotated[str | None, Query(max_length=ATTRIBUTE_NAME_MAX, description="Only this one")] = None,
) -> Page[HistoryOut]:
    """What changed of a person's attributes, newest first, under merged profiles too.

    The values that a person began with are no change: the first one says what was before.
    """
    profile = await store.get_profile(conn, caller.workspace_id, profile_id)
    aliases = (await store.list_aliases(conn, [profile.id])).get(profile.id, [])
    before = decode_position(cursor)
    found = await store.list_attribute_changes(
        conn, caller.workspace_id, [profile.id, *aliases], name=attribute, before=before, limit=limit + 1
    )
    return page_of(found, limit, HistoryOut.of)


@router.post("/profiles/{profile_id}/merge")
async def merge_profiles(profile_id: UUID, body: MergeIn, conn: ConnDep, now: Now, caller: Writer) -> ProfileOut:
    """Make another profile an alias of this one: same person. A withdrawal of either counts for both."""
    merged = await actions.merge_profile(
        conn, caller.workspace_id, loser_id=body.loser_id, winner_id=profile_id, actor=caller, now=now
    )
    return await _present(conn, caller, merged)


async def _present(conn: Conn, caller: Caller, profile: Profile) -> ProfileOut:
    rows = await store.list_identities(conn, caller.workspace_id, [profile.id])
    return ProfileOut.of(profile, rows[ProfileId(profile.id)])


@router.get("/attributes")
async def list_attributes(conn: ConnDep, caller: Reader) -> list[AttributeDefinitionOut]:
    """Attributes that were seen or declared, with their types."""
    found = await store.list_attribute_definitions(conn, caller.workspace_id)
    return [AttributeDefinitionOut(**row) for row in found]


@router.put("/attributes/{name}")
async def declare_attribute(
    name: str, body: AttributeTypeIn, conn: ConnDep, now: Now, caller: Writer
) -> AttributeDefinitionOut:
    """Declare the type of an attribute: other values are refused from now on."""
    if rules.NAME.fullmatch(name) is None or len(name) > ATTRIBUTE_NAME_MAX:
        limit = ATTRIBUTE_NAME_MAX
        raise InvalidInput([{"field": "name", "code": "invalid_attribute_name", "limit": limit}])
    await store.upsert_declared_type(conn, caller.workspace_id, name, body.type, now)
    declared = {"type": body.type}
    await audit.record(conn, caller, caller.workspace_id, "attribute.declared", "attribute", name, declared, now)
    return AttributeDefinitionOut(name=name, type=body.type, is_declared=True)
