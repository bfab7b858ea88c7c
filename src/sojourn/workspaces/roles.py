"""What each role may do: one table, checked where the caller of a request is made.

A right is `<noun>.read` or `<noun>.write` (see `rights.py`). A member has the rights of all their roles. A workspace
may add roles of its own; the built-in ones cannot be changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sojourn.workspaces.rights import EVERY_RIGHT, RIGHTS

ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A named set of rights."""

    name: str
    title: str
    rights: frozenset[str]
    custom: bool = False


def _all(verb: str, nouns: str) -> frozenset[str]:
    return frozenset(f"{noun}.{verb}" for noun in nouns.split())


VIEWER = _all(
    "read",
    "alerts allow_list campaigns consents conversations deliveries events imports journeys media messages pricing "
    "profiles reports senders simulator suppressions templates workspace",
)
APPROVER = VIEWER | _all("write", "campaigns journeys templates")
EDITOR = APPROVER | _all(
    "write", "allow_list consents deliveries events imports media profiles reports simulator suppressions"
)
AGENT = _all(
    "read",
    "alerts consents conversations deliveries events media messages profiles senders simulator templates workspace",
) | _all("write", "consents conversations deliveries media messages simulator")
SUPERVISOR = (
    AGENT
    | _all("read", "audit journeys members pricing reports suppressions")
    | _all("write", "alerts profiles reports suppressions")
)
DEVELOPER = (
    VIEWER
    | _all("read", "audit jobs keys webhooks")
    | _all("write", "events jobs keys media pricing senders simulator templates webhooks")
)

BUILT_IN: tuple[Role, ...] = (
    Role(name=ADMIN, title="Admin", rights=frozenset({EVERY_RIGHT})),
    Role(name="approver", title="Approver", rights=APPROVER),
    Role(name="editor", title="Editor", rights=EDITOR),
    Role(name="viewer", title="Viewer", rights=VIEWER),
    Role(name="supervisor", title="Supervisor", rights=SUPERVISOR),
    Role(name="agent", title="Agent", rights=AGENT),
    Role(name="developer", title="Developer", rights=DEVELOPER),
)
BY_NAME = {role.name: role for role in BUILT_IN}


def rights_of_roles(roles: Iterable[str], own: Iterable[str] = ()) -> frozenset[str]:
    """All rights of built-in roles, and of the rights that a workspace's own roles give (`own`).

    A role or right that no longer exists gives nothing.
    """
    rights = set(own) & RIGHTS
    for role in roles:
        if role in BY_NAME:
            rights |= BY_NAME[role].rights
    return frozenset(rights)


def spelled_out(rights: frozenset[str]) -> list[str]:
    """Rights one by one, sorted: every one of them for who has every right."""
    return sorted(RIGHTS if EVERY_RIGHT in rights else rights)
