"""Who may do what: one table from a key's scopes to rights, checked in one place.

A right is `<noun>.read` or `<noun>.write`. A scope is a right itself or one of the bundles below; `full` has every
right, those that are added later included.
"""

from __future__ import annotations

from collections.abc import Iterable

EVERY_RIGHT = "*"

RIGHTS = frozenset(
    f"{noun}.{verb}"
    for noun in (
        "alerts",
        "allow_list",
        "archives",
        "audit",
        "campaigns",
        "consents",
        "conversations",
        "deliveries",
        "erasures",
        "events",
        "evidence",
        "imports",
        "jobs",
        "journeys",
        "keys",
        "media",
        "members",
        "messages",
        "pricing",
        "profiles",
        "reports",
        "retention",
        "senders",
        "simulator",
        "suppressions",
        "templates",
        "webhooks",
        "workspace",
    )
    for verb in ("read", "write")
)

BUNDLES: dict[str, frozenset[str]] = {
    "full": frozenset({EVERY_RIGHT}),
    "read": frozenset(right for right in RIGHTS if right.endswith(".read"))
    - {"archives.read", "keys.read", "evidence.read", "members.read"},
    "ingest": frozenset({"events.write", "profiles.write"}),
    "send": frozenset({"deliveries.read", "deliveries.write", "messages.read", "templates.read"}),
}


def is_scope(name: str) -> bool:
    """Whether a key may carry this scope."""
    return name in BUNDLES or name in RIGHTS


def rights_of(scopes: Iterable[str]) -> frozenset[str]:
    """All rights that scopes give. A name that no longer exists gives nothing."""
    rights: set[str] = set()
    for scope in scopes:
        rights |= BUNDLES.get(scope, frozenset({scope}) & RIGHTS)
    return frozenset(rights)
