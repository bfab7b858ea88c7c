"""Members: who signs in, in which workspaces, by which session, and the links that let them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sojourn.kit.errors import AppError, Kind

INVITATION_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=24)
SESSION_LASTS = timedelta(days=14)  # from signing in
SESSION_IDLE = timedelta(hours=12)  # without a request


class MemberState(StrEnum):
    """Where a member stands in a workspace."""

    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class LinkKind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"


LASTS = {LinkKind.INVITATION: INVITATION_LASTS, LinkKind.RESET: RESET_LASTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who signs in, once an installation."""

    id: UUID
    email: str
    password_digest: str | None
    language: str | None
    theme: str
    shortcuts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of one workspace."""

    id: UUID
    workspace_id: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    state: MemberState
    created_at: datetime
    joined_at: datetime | None
    deactivated_at: datetime | None
    last_signed_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser, with the rights that its member has at this moment."""

    digest: bytes
    member_id: UUID
    workspace_id: UUID
    created_at: datetime
    last_used_at: datetime
    rights: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An invitation or a reset. `has_password`: the account exists already."""

    workspace_id: UUID
    workspace_name: str
    member_id: UUID
    email: str
    name: str
    kind: LinkKind
    expires_at: datetime
    used_at: datetime | None
    state: MemberState
    has_password: bool

    @property
    def asks_for_own_password(self) -> bool:
        """Whether the password of an account that exists opens it, instead of a new one being chosen."""
        return self.kind is LinkKind.INVITATION and self.has_password


class WrongCredentials(AppError):
    """E-mail address and password do not belong together."""

    kind = Kind.UNAUTHENTICATED
    code = "wrong_credentials"


class TooManyAttempts(AppError):
    """Too many attempts to sign in; wait before trying again."""

    kind = Kind.RATE_LIMITED
    code = "too_many_attempts"


class CsrfFailed(AppError):
    """The request changes something but did not prove that it came from our own pages."""

    kind = Kind.FORBIDDEN
    code = "csrf_failed"


class MembersOnly(AppError):
    """This is for a member who signed in, not for an API key."""

    kind = Kind.FORBIDDEN
    code = "members_only"


class UnknownMember(AppError):
    """There is no member with this id in the workspace."""

    kind = Kind.NOT_FOUND
    code = "unknown_member"


class MemberExists(AppError):
    """Somebody with this e-mail address is a member already."""

    kind = Kind.CONFLICT
    code = "member_exists"


class LastAdmin(AppError):
    """The last active admin cannot be deactivated or lose the role; make somebody else admin first."""

    kind = Kind.CONFLICT
    code = "last_admin"


class MemberNotInvited(AppError):
    """The member has joined already, or is deactivated; an invitation would be of no use."""

    kind = Kind.CONFLICT
    code = "member_not_invited"


class MemberNotActive(AppError):
    """The member has not joined yet, or is deactivated; there is no password to reset."""

    kind = Kind.CONFLICT
    code = "member_not_active"


class MemberElsewhere(AppError):
    """The member belongs to other workspaces too; only who runs this installation can reset the password."""

    kind = Kind.CONFLICT
    code = "member_elsewhere"


class UnknownLink(AppError):
    """There is no such link; it may have been cut short when it was copied."""

    kind = Kind.NOT_FOUND
    code = "unknown_link"


class LinkExpired(AppError):
    """This link no longer works; ask for a new one."""

    kind = Kind.GONE
    code = "link_expired"


class LinkUsed(AppError):
    """This link was used already; sign in, or ask for a new one."""

    kind = Kind.GONE
    code = "link_used"


class UnknownRole(AppError):
    """There is no role of the workspace's own with this name."""

    kind = Kind.NOT_FOUND
    code = "unknown_role"


class RoleExists(AppError):
    """There is a role with this name already."""

    kind = Kind.CONFLICT
    code = "role_exists"


class RoleInUse(AppError):
    """Members have this role; give them another one first."""

    kind = Kind.CONFLICT
    code = "role_in_use"
