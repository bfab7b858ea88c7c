"""What every node of the Graph has in common: `fields=` and paging."""

import base64
import binascii
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from cloudsim.graph.errors import GraphError
from cloudsim.http import Request, Response
from cloudsim.jsontypes import Json

Fields = dict[str, "Fields | None"]

PAGE_DEFAULT, PAGE_MAX = 25, 1000


def parse_fields(text: str) -> Fields:
    """`a,b{c,d},e.limit(3)` -> {a: None, b: {c, d}, e: None}; modifiers after a dot are left out."""
    found, rest = _parse(text, 0)
    if rest != len(text):
        raise GraphError(2500, status=400, message="Syntax error in the fields parameter")
    return found


def _parse(text: str, start: int) -> tuple[Fields, int]:
    found: Fields = {}
    position, name = start, ""
    while position < len(text):
        mark = text[position]
        if mark == "{":
            found[_plain(name)], position = _parse(text, position + 1)
            if position >= len(text):
                raise GraphError(2500, status=400, message="Syntax error in the fields parameter")
            name = ""
        elif mark == "(":
            closing = text.find(")", position)
            position = len(text) - 1 if closing < 0 else closing
        elif mark in ",}":
            if _plain(name):
                found.setdefault(_plain(name), None)
            name = ""
            if mark == "}":
                return found, position
        else:
            name += mark
        position += 1
    if _plain(name):
        found.setdefault(_plain(name), None)
    return found, position


def _plain(name: str) -> str:
    return name.strip().partition(".")[0]


def select(view: Json, request: Request, default: Sequence[str]) -> Json:
    """The asked fields of a node, its id always; an unknown field is refused as the Graph does."""
    asked = request.query.get("fields", "")
    wanted = parse_fields(asked) if asked else dict.fromkeys(default)
    for name in wanted:
        if name not in view:
            raise GraphError(100, status=400, message=f"(#100) Tried accessing nonexisting field ({name})")
    chosen = _pick(view, wanted)
    if "id" in view:
        chosen["id"] = view["id"]
    return chosen


def _pick(view: Json, wanted: Fields) -> Json:
    chosen: Json = {}
    for name, inner in wanted.items():
        value = view.get(name)
        if value is None:
            continue
        if inner and isinstance(value, dict):
            value = _pick(value, inner)
        elif inner and isinstance(value, list):
            value = [_pick(item, inner) if isinstance(item, dict) else item for item in value]
        chosen[name] = value
    return chosen


def page(request: Request, items: Sequence[Json], *, default: int = PAGE_DEFAULT) -> Response:
    """One page with cursors, and links to its neighbours where there are any."""
    try:
        limit = max(1, min(PAGE_MAX, int(request.query.get("limit", default))))
    except ValueError:
        raise GraphError(100, "limit must be a number") from None
    if "before" in request.query:
        end = _decode(request.query["before"], len(items))
        start = max(0, end - limit)
    else:
        start = _decode(request.query["after"], len(items)) if request.query.get("after") else 0
        end = min(len(items), start + limit)
    body: Json = {"data": list(items[start:end])}
    if start < end:
        body["paging"] = {"cursors": {"before": _encode(start), "after": _encode(end)}}
        if end < len(items):
            body["paging"]["next"] = _link(request, limit, "after", _encode(end))
        if start > 0:
            body["paging"]["previous"] = _link(request, limit, "before", _encode(start))
    return Response.of(body)


def _link(request: Request, limit: int, name: str, cursor: str) -> str:
    query = {key: value for key, value in request.query.items() if key not in {"after", "before", "access_token"}}
    return f"{request.base_url}{request.path}?{urlencode({**query, 'limit': limit, name: cursor})}"


def _encode(position: int) -> str:
    return base64.urlsafe_b64encode(f"QVFI:{position}".encode()).decode().rstrip("=")


def _decode(cursor: str, size: int) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        position = int(text.removeprefix("QVFI:"))
    except (binascii.Error, ValueError):
        position = -1
    if not 0 <= position <= size:
        raise GraphError(131059, "Invalid cursor: restart paging without cursors.")
    return position


Maker = Callable[[], object]


def lazy(view: dict[str, Maker], request: Request, default: Sequence[str]) -> Json:
    """Like `select` for a node whose fields cost something: only the asked ones are made."""
    asked = request.query.get("fields", "")
    wanted = list(parse_fields(asked)) if asked else list(default)
    made = {name: maker() for name, maker in view.items() if name in wanted or name == "id"}
    return select({**dict.fromkeys(view), **made}, request, default)
