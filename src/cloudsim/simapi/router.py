"""Routes of the scripting API. Errors leave as `{"error": {"message"}}` with 4xx."""

import inspect
from collections.abc import Awaitable, Callable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from cloudsim.graph.errors import GraphError
from cloudsim.http import MalformedBody, Request, Response
from cloudsim.jsontypes import Unfit
from cloudsim.simapi import control, persons, records
from cloudsim.simulator import Simulator

Handler = Callable[..., Response | Awaitable[Response]]

# A `*` is one piece of the path and becomes an argument.
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "info", control.info),
    ("GET", "wait_quiet", control.wait_quiet),
    ("POST", "setup", control.setup),
    ("POST", "reset", control.reset),
    ("GET", "clock", control.show_clock),
    ("POST", "clock", control.push_clock),
    ("GET", "behaviour", control.show_behaviour),
    ("POST", "behaviour", control.change_behaviour),
    ("GET", "people", persons.list_people),
    ("POST", "people", persons.save_people),
    ("GET", "people/*", persons.show_person),
    ("GET", "people/*/chat", persons.show_chat),
    ("POST", "people/*/actions", persons.do_action),
    ("GET", "templates", records.list_templates),
    ("POST", "templates/*/*", records.change_template),
    ("GET", "phones", records.list_phones),
    ("POST", "phones/*", records.change_phone),
    ("POST", "accounts/*", records.change_account),
    ("GET", "scenarios", control.list_scenarios),
    ("POST", "scenarios", control.add_scenarios),
    ("DELETE", "scenarios", control.clear_scenarios),
    ("GET", "quotas", control.list_quotas),
    ("POST", "quotas", control.add_quotas),
    ("DELETE", "quotas", control.clear_quotas),
    ("GET", "counts", records.counts),
    ("GET", "messages", records.list_messages),
    ("GET", "messages/*", records.show_message),
    ("GET", "webhooks", control.show_webhooks),
    ("POST", "webhooks", control.change_webhooks),
    ("POST", "webhooks/release", control.release_webhooks),
    ("POST", "webhooks/send", control.send_webhook),
    ("POST", "fixtures", control.add_fixtures),
)


def refusal(status: int, message: str) -> Response:
    return Response.of({"error": {"message": message}}, status)


def is_cross_origin(request: Request) -> bool:
    """A page of somebody else must not script the simulator of whoever reads it."""
    origin = request.header(b"origin")
    return bool(origin) and urlsplit(origin).netloc != request.header(b"host")


async def answer(sim: Simulator, request: Request) -> Response:
    if is_cross_origin(request):
        return refusal(403, "requests from another origin are refused")
    path = request.path.removeprefix("/sim/").strip("/")
    found = _find(request.method, path)
    if found is None:
        return refusal(404 if not _known(path) else 405, f"there is no {request.method} /sim/{path}")
    handler, arguments = found
    try:
        result = handler(sim, request, *arguments)
        return await result if inspect.isawaitable(result) else result
    except persons.NotThere as error:
        return refusal(404, str(error))
    except GraphError as error:
        return refusal(400, f"{error} {error.user_message}".strip())
    except (Unfit, MalformedBody, ValueError, KeyError, TypeError, AttributeError) as error:
        return refusal(400, f"{type(error).__name__}: {error}" if not isinstance(error, Unfit) else str(error))


@lru_cache(maxsize=1024)
def _find(method: str, path: str) -> tuple[Handler, tuple[str, ...]] | None:
    parts = path.split("/")
    for wanted, pattern, handler in ROUTES:
        pieces = pattern.split("/")
        if (
            wanted == method
            and len(pieces) == len(parts)
            and all(piece in {"*", part} for piece, part in zip(pieces, parts, strict=True))
        ):
            return handler, tuple(unquote(part) for piece, part in zip(pieces, parts, strict=True) if piece == "*")
    return None


def _known(path: str) -> bool:
    return any(_find(method, path) for method in ("GET", "POST", "DELETE"))
