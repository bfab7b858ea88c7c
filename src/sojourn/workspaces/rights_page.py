"""Writes `docs/reference/rights.md` from the tables in the code: `python -m sojourn.workspaces.rights_page`."""

from __future__ import annotations

from pathlib import Path

from sojourn.workspaces.live_routes import OF_ONE, PLAIN
from sojourn.workspaces.rights import BUNDLES, EVERY_RIGHT, RIGHTS
from sojourn.workspaces.roles import BUILT_IN, Role

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "rights.md"
HEAD = """# Rights

Made from `src/sojourn/workspaces/` by `python -m sojourn.workspaces.rights_page`; do not edit by hand. Which right a
route asks for stands beside it in `/v1/openapi.json`, under `security`.

A right is `<noun>.read` or `<noun>.write`. A member has the rights of all their roles; a workspace adds roles of its
own by `POST /v1/roles`. An API key has the rights of its scopes. Rights are looked up with every request: who loses one
has lost it with the next, and open live streams end. Nobody gives away, resets or takes away more than they have.
"""


def make_page() -> str:
    """The page of the manual."""
    nouns = sorted({right.partition(".")[0] for right in RIGHTS})
    lines = [HEAD, "## Roles", "", "`r`: read, `w`: write.", ""]
    lines += ["| | " + " | ".join(role.name for role in BUILT_IN) + " |", "|---|" + "---|" * len(BUILT_IN)]
    lines += [f"| {noun} | " + " | ".join(_cell(role, noun) for role in BUILT_IN) + " |" for noun in nouns]
    lines += ["", "## Scopes of API keys", "", "| Scope | Rights |", "|---|---|"]
    for name, rights in BUNDLES.items():
        told = "every right, those that are added later too" if EVERY_RIGHT in rights else _listed(rights)
        lines.append(f"| `{name}` | {told} |")
    lines += [
        "| a right itself | that right |",
        "",
        "## Topics of the live stream",
        "",
        "| Topic | Right |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | `{right}` |" for name, right in PLAIN.items()]
    lines += [f"| `{name}:{{id}}` | `{right}` |" for name, right in OF_ONE.items()]
    return "\n".join(lines) + "\n"


def _cell(role: Role, noun: str) -> str:
    has = [verb[0] for verb in ("read", "write") if {EVERY_RIGHT, f"{noun}.{verb}"} & role.rights]
    return " ".join(has)


def _listed(rights: frozenset[str]) -> str:
    return ", ".join(f"`{right}`" for right in sorted(rights))


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
