"""Who makes a request."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sojourn.workspaces.model import MissingRight
from sojourn.workspaces.rights import EVERY_RIGHT

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, in which workspace, with which rights.

    `actor` is `key:<id>`, `member:<id>` or `system`.
    """

    workspace_id: UUID
    actor: str
    rights: frozenset[str]

    def may(self, right: str) -> bool:
        """Whether this caller has the right."""
        return right in self.rights or EVERY_RIGHT in self.rights

    def require(self, right: str) -> None:
        """Raises MissingRight without the right."""
        if not self.may(right):
            raise MissingRight(right=right)
