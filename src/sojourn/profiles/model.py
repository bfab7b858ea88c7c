"""People and their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from sojourn.kit.errors import AppError, FieldError, Kind

ProfileId = NewType("ProfileId", UUID)

ATTRIBUTES_MAX = 200  # attributes a profile and call
ATTRIBUTE_NAME_MAX = 100  # characters
ATTRIBUTE_VALUE_MAX = 10_000  # bytes of one value as JSON


class Scheme(StrEnum):
    """What kind of address or id a value is."""

    PHONE = "phone"
    WA_ID = "wa_id"
    BSUID = "bsuid"
    EMAIL = "email"
    EXTERNAL_ID = "external_id"
    ANONYMOUS_ID = "anonymous_id"


class IdentityState(StrEnum):
    """Whether an address still reaches the person."""

    ACTIVE = "active"
    IDENTITY_CHANGED = "identity_changed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Identity:
    """One address or id of a person, as somebody gave it to us. `normalise` makes it comparable."""

    scheme: Scheme
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRef:
    """A person as an outside fact names them: one identity or several, and what else it says about them.

    `attributes` are merged into the profile, a null removes one. `portfolio_id` is the business portfolio that a
    business-scoped id belongs to: two ids of one number in one portfolio are two persons.
    """

    identities: tuple[Identity, ...]
    attributes: Mapping[str, Any] | None = None
    portfolio_id: str | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Whom a reference means. `conflicts` are schemes whose value belongs to somebody else and stayed there."""

    profile_id: ProfileId
    is_new: bool
    conflicts: tuple[Scheme, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A person. `locale`, `timezone` and `country` are facts taken from attributes of that name, or None.

    `country` may also come from the phone number. `merged_into` names the profile that stands for this one now.
    """

    id: ProfileId
    workspace_id: UUID
    attributes: dict[str, Any] = field(default_factory=dict)
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None
    is_test: bool = False
    source: str = "api"
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None = None
    merged_into: ProfileId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """What one call really changed of a person: `changes` are [old, new] by name; None was or is not there.

    `profile_id` may be that of an alias, for what happened before the merge.
    """

    id: UUID
    profile_id: ProfileId
    source: str
    changes: dict[str, list[Any]]
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRow:
    """An address of a profile as it stands now. `key` is what it is compared by (see `phone_numbers.address_key`)."""

    profile_id: ProfileId
    scheme: Scheme
    value: str
    key: str
    is_primary: bool
    state: IdentityState
    unreachable_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredIdentity:
    """An address as the table has it: `wa_id` is what Meta calls the line of a phone number."""

    key: str
    profile_id: ProfileId
    scheme: Scheme
    value: str
    wa_id: str | None
    portfolio_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIdentity:
    """An address to write."""

    key: str
    profile_id: ProfileId
    scheme: Scheme
    value: str
    wa_id: str | None = None
    portfolio_id: str | None = None


class InvalidIdentity(AppError):
    """The value is no address of its scheme."""

    code = "invalid_identity"

    def __init__(self, scheme: str, reason: str) -> None:
        super().__init__(scheme=scheme, reason=reason)
        self.scheme = scheme
        self.reason = reason

    def at(self, path: str) -> FieldError:
        """The error as an entry of a problem document, for the field at `path`."""
        return {"field": path, "code": f"invalid_{self.scheme}", "message": self.reason}


class UnknownProfile(AppError):
    """There is no profile with this id."""

    kind = Kind.NOT_FOUND
    code = "unknown_profile"


class MergeRefused(AppError):
    """These two profiles cannot be merged."""

    kind = Kind.CONFLICT
    code = "merge_refused"


class UnmergeRefused(AppError):
    """There is no merge of these two profiles that could be undone."""

    kind = Kind.CONFLICT
    code = "unmerge_refused"
