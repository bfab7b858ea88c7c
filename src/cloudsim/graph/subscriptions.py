"""Which app hears what: callbacks, account subscriptions, overrides (reference 1.4). Saving a callback verifies it."""

from cloudsim.graph.errors import GraphError, invalid
from cloudsim.http import Request, Response
from cloudsim.jsontypes import Json
from cloudsim.simulator import Simulator
from cloudsim.webhooks.subscriptions import OVERRIDE_URL_MAX, override_of, verify_callback
from cloudsim.world import App, Phone, Waba


async def _verified(sim: Simulator, url: str, verify_token: str) -> None:
    """Raises GraphError when the callback does not return the challenge."""
    problem = await verify_callback(sim.http, url, verify_token)
    if problem:
        raise GraphError(2200, status=400, message=f"(#2200) Callback verification failed: {problem}")


async def change_app(sim: Simulator, app: App, request: Request) -> Response:
    fields = request.fields()
    if fields.get("object") != "whatsapp_business_account":
        raise invalid("object must be whatsapp_business_account")
    url, verify_token = str(fields.get("callback_url", "")), str(fields.get("verify_token", ""))
    if not url or not verify_token:
        raise invalid("callback_url and verify_token are required")
    await _verified(sim, url, verify_token)
    wanted = fields.get("fields") or ""
    names = wanted if isinstance(wanted, list) else str(wanted).split(",")
    app.callback_url, app.verify_token = url, verify_token
    app.fields = {str(name).strip() for name in names if str(name).strip()}
    sim.routes_changed()
    return Response.of({"success": True})


def show_app(sim: Simulator, app: App, request: Request) -> Response:
    if not app.callback_url:
        return Response.of({"data": []})
    fields = [{"name": name, "version": "v26.0"} for name in sorted(app.fields or {"messages"})]
    return Response.of(
        {
            "data": [
                {
                    "object": "whatsapp_business_account",
                    "callback_url": app.callback_url,
                    "active": True,
                    "fields": fields,
                }
            ]
        }
    )


def delete_app(sim: Simulator, app: App, request: Request) -> Response:
    app.callback_url, app.fields = "", set()
    sim.routes_changed()
    return Response.of({"success": True})


def _app_of(sim: Simulator, request: Request) -> App:
    value = request.header(b"authorization").partition(" ")[2] or request.query.get("access_token", "")
    token = sim.world.tokens.get(value.strip())
    app = sim.world.apps.get(token.app_id if token else value.partition("|")[0])
    if app is None:
        raise GraphError(200, message="(#200) Provide valid app ID")
    return app


async def subscribe(sim: Simulator, waba: Waba, request: Request) -> Response:
    app = _app_of(sim, request)
    fields = request.fields()
    url = _checked_url(fields)
    if url:
        await _verified(sim, url, str(fields.get("verify_token", "")))
    waba.subscriptions[app.id] = override_of(url, str(fields.get("verify_token", "")))
    sim.routes_changed()
    return Response.of({"success": True})


def unsubscribe(sim: Simulator, waba: Waba, request: Request) -> Response:
    waba.subscriptions.pop(_app_of(sim, request).id, None)
    sim.routes_changed()
    return Response.of({"success": True})


def list_apps(sim: Simulator, waba: Waba, request: Request) -> Response:
    found = []
    for app_id, override in waba.subscriptions.items():
        app = sim.world.apps.get(app_id)
        if app is None:
            continue
        entry: Json = {
            "whatsapp_business_api_data": {"id": app.id, "name": app.name, "link": f"https://app.example/{app.id}"}
        }
        if override is not None:
            entry["override_callback_uri"] = override.url
        found.append(entry)
    return Response.of({"data": found})


async def change_phone_override(sim: Simulator, phone: Phone, configuration: Json) -> Response:
    url = _checked_url(configuration)
    if url:
        await _verified(sim, url, str(configuration.get("verify_token", "")))
    phone.override = override_of(url, str(configuration.get("verify_token", "")))
    sim.routes_changed()
    return Response.of({"success": True})


def webhook_configuration(sim: Simulator, phone: Phone) -> Json:
    waba = sim.world.wabas[phone.waba_id]
    found: Json = {}
    if phone.override is not None:
        found["phone_number"] = phone.override.url
    overrides = [override.url for override in waba.subscriptions.values() if override is not None]
    if overrides:
        found["whatsapp_business_account"] = overrides[0]
    apps = [sim.world.apps[app_id].callback_url for app_id in waba.subscriptions if app_id in sim.world.apps]
    if apps:
        found["application"] = apps[0]
    return found


def _checked_url(fields: Json) -> str:
    url = str(fields.get("override_callback_uri") or "")
    if len(url) > OVERRIDE_URL_MAX:
        raise invalid(f"override_callback_uri must be at most {OVERRIDE_URL_MAX} characters long")
    return url
