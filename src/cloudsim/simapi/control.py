"""Clock, quiet, behaviour, faults, quotas, callbacks: what a test turns."""

import asyncio

from cloudsim import VERSION
from cloudsim.clock import from_iso, to_iso
from cloudsim.http import Request, Response
from cloudsim.identifiers import fresh_id
from cloudsim.jsontypes import Json, Unfit, as_list, encode
from cloudsim.settings import span, update
from cloudsim.simapi.persons import check_replies
from cloudsim.simapi.setup import apply_setup
from cloudsim.simulator import Simulator
from cloudsim.webhooks.bodies import metadata, serialise
from cloudsim.webhooks.poster import BATCH_MAX, RETRY_DELAYS

QUIET_MAX_MS = 60_000.0


def setup(sim: Simulator, request: Request) -> Response:
    return Response.of(apply_setup(sim, request.json()))


def reset(sim: Simulator, request: Request) -> Response:
    body = request.json()
    sim.reset(keep_setup=bool(body.get("keep_setup")))
    if "offset_seconds" in body:
        sim.clock.push(float(body["offset_seconds"]))
    return Response.of({"success": True})


def info(sim: Simulator, request: Request) -> Response:
    """Cheap enough to be asked every few milliseconds: it fires what is due and says whether all is done."""
    sim.clock.refresh()
    if sim.timers.is_due():
        sim.timers.fire_due()
    due = sim.timers.next_due()
    return Response(
        200,
        encode(
            {
                "simulator": True,
                "version": VERSION,
                "now": to_iso(sim.clock.now()),
                "quiet": sim.is_quiet(),
                "next_due_at": None if due is None else to_iso(due),
                "offset_seconds": sim.clock.offset_seconds,
                "waiting_posts": sim.poster.waiting,
                "withheld": len(sim.poster.withheld),
                "webhook_retry_schedule_seconds": list(RETRY_DELAYS),
                "webhook_give_up_seconds": 7 * 86400,
            }
        ),
    )


async def wait_quiet(sim: Simulator, request: Request) -> Response:
    """Answer when nothing is due, queued or in flight, or with `quiet: false` after `timeout_ms`."""
    timeout = min(QUIET_MAX_MS, float(request.query.get("timeout_ms", 5000))) / 1000
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    sim.clock.refresh()
    while loop.time() < end:
        if sim.timers.is_due():
            sim.timers.fire_due()
        if sim.is_quiet():
            break
        await asyncio.sleep(0.002)
    return info(sim, request)


def show_clock(sim: Simulator, request: Request) -> Response:
    return Response.of({"now": to_iso(sim.clock.now()), "offset_seconds": sim.clock.offset_seconds})


def push_clock(sim: Simulator, request: Request) -> Response:
    """`offset_seconds` sets, `advance_seconds` adds, `to` (ISO 8601) goes to a moment."""
    body = request.json()
    offset = sim.clock.offset_seconds
    if "offset_seconds" in body:
        offset = float(body["offset_seconds"])
    elif "advance_seconds" in body:
        offset += float(body["advance_seconds"])
    elif "to" in body:
        offset += from_iso(str(body["to"])) - sim.clock.now()
    else:
        raise Unfit("one of offset_seconds, advance_seconds, to")
    sim.clock.push(offset)
    return show_clock(sim, request)


def change_behaviour(sim: Simulator, request: Request) -> Response:
    """Switches of the platform and the default behaviour of people; `{"instant": true}` sets every delay to 0."""
    body = request.json()
    if body.pop("instant", False):
        none = span(0)
        default = sim.settings.default
        default.sent_delay = default.delivered_delay = default.failed_delay = default.read_delay = none
        sim.settings.latency_ms = sim.settings.review_delay = none
    update(sim.settings, body)
    check_replies(sim.settings.default)
    return show_behaviour(sim, request)


def show_behaviour(sim: Simulator, request: Request) -> Response:
    return Response(200, encode(sim.settings))


def list_scenarios(sim: Simulator, request: Request) -> Response:
    return Response.of({"rules": [rule.view() for rule in [*sim.faults.api, *sim.faults.webhook]]})


def add_scenarios(sim: Simulator, request: Request) -> Response:
    """One rule, or `{"rules": […]}`."""
    body = request.json()
    made = [sim.faults.add(spec) for spec in as_list(body.get("rules")) or [body]]
    return Response.of({"rules": [rule.view() for rule in made]})


def clear_scenarios(sim: Simulator, request: Request) -> Response:
    """All of them, or `?id=`."""
    wanted = request.query.get("id")
    if wanted:
        sim.faults.remove(wanted)
    else:
        sim.faults.clear()
    return Response.of({"success": True})


def list_quotas(sim: Simulator, request: Request) -> Response:
    return Response.of({"quotas": [deck.view() for deck in sim.quotas.decks]})


def add_quotas(sim: Simulator, request: Request) -> Response:
    return Response.of(sim.quotas.add(request.json()).view())


def clear_quotas(sim: Simulator, request: Request) -> Response:
    sim.quotas.decks.clear()
    return Response.of({"success": True})


def show_webhooks(sim: Simulator, request: Request) -> Response:
    return Response.of(
        {
            **sim.poster.settings.view(),
            "queued": sim.poster.queued(),
            "waiting": sim.poster.waiting,
            "withheld": len(sim.poster.withheld),
            "last_error": sim.poster.last_error,
        }
    )


def change_webhooks(sim: Simulator, request: Request) -> Response:
    """`batch` 1 to 1000, `linger_ms`, `concurrency`, `escape`, `legacy_signature`, `merge_statuses`, `paused`."""
    settings = sim.poster.settings
    for name, value in request.json().items():
        if name not in settings.__slots__:
            raise Unfit(f"unknown setting {name!r}; known: {', '.join(settings.__slots__)}")
        setattr(settings, name, type(getattr(settings, name))(value))
    settings.batch = max(1, min(BATCH_MAX, settings.batch))
    settings.concurrency = max(1, settings.concurrency)
    sim.poster.resume()
    return show_webhooks(sim, request)


def release_webhooks(sim: Simulator, request: Request) -> Response:
    return Response.of({"released": sim.release()})


def send_webhook(sim: Simulator, request: Request) -> Response:
    """Post any body to the callback: `{"body": {…} | "text", "sign": true, "headers": {…}, "url"?, "app_id"?}`.

    `{"value": {…}, "field": "messages", "phone_number_id"?}` wraps a value in the usual envelope.
    """
    body = request.json()
    app = sim.world.apps.get(str(body.get("app_id", ""))) or next(iter(sim.world.apps.values()), None)
    url = str(body.get("url") or (app.callback_url if app else ""))
    if app is None or not url:
        raise Unfit("there is no app with a callback")
    raw = body.get("body")
    if "value" in body:
        phone = sim.world.phones.get(str(body.get("phone_number_id", ""))) or next(iter(sim.world.phones.values()))
        value: Json = {"messaging_product": "whatsapp", "metadata": metadata(phone), **body["value"]}
        raw = {
            "object": "whatsapp_business_account",
            "entry": [
                {"id": phone.waba_id, "changes": [{"value": value, "field": str(body.get("field", "messages"))}]}
            ],
        }
    data = raw.encode() if isinstance(raw, str) else serialise(raw, escape=sim.poster.settings.escape)
    headers = {str(name): str(value) for name, value in (body.get("headers") or {}).items()}
    if body.get("sign") is False:
        headers.setdefault("X-Hub-Signature-256", "")
    for _ in range(int(body.get("times", 1))):
        sim.poster.add_raw(url, app.secret.encode(), data, headers)
    return Response.of({"queued": int(body.get("times", 1)), "bytes": len(data), "id": fresh_id("1")})


def add_fixtures(sim: Simulator, request: Request) -> Response:
    """`{"hosts": ["cdn.example"]}`: links to these hosts count as reachable, nothing is fetched."""
    sim.world.fixture_hosts.update(str(host) for host in as_list(request.json().get("hosts")))
    sim.world.link_cache.clear()
    return Response.of({"hosts": sorted(sim.world.fixture_hosts)})
