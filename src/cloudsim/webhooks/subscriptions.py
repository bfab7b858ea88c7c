"""Who is told: the apps subscribed to an account, their callbacks, overrides, and the verification handshake."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from cloudsim.identifiers import stable_id, trace_id
from cloudsim.webhooks.bodies import MESSAGE_FIELDS
from cloudsim.world import App, Override, World

OVERRIDE_URL_MAX = 200  # characters


@dataclass(frozen=True, slots=True)
class Destination:
    url: str
    app_id: str
    secret: bytes


def destinations(world: World, waba_id: str, phone_id: str, field: str) -> list[Destination]:
    """Number before account before app (reference 5.1); overrides hold for message-like fields only."""
    waba = world.wabas[waba_id]
    phone = world.phones.get(phone_id)
    found = []
    for app_id, override in waba.subscriptions.items():
        app = world.apps.get(app_id)
        if app is None or not wants(app, field):
            continue
        url = app.callback_url
        if field in MESSAGE_FIELDS:
            if phone is not None and phone.override is not None:
                url = phone.override.url
            elif override is not None:
                url = override.url
        if url:
            found.append(Destination(url, app.id, app.secret.encode()))
    return found


def wants(app: App, field: str) -> bool:
    if app.dev_mode and field not in MESSAGE_FIELDS:
        return False
    return not app.fields or field in app.fields


async def verify_callback(http: aiohttp.ClientSession, url: str, verify_token: str) -> str:
    """Ask the callback to prove itself; return what is wrong with it, or an empty string."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return "the callback URL must be absolute"
    challenge = stable_id("1", url, trace_id())
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    try:
        async with http.get(url, params=query, timeout=aiohttp.ClientTimeout(total=5), allow_redirects=False) as answer:
            text = await answer.text()
            if answer.status != 200:
                return f"the callback answered HTTP {answer.status}"
            return "" if text == challenge else "the callback did not return the challenge"
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError) as error:
        return f"the callback could not be reached: {type(error).__name__}"


def override_of(url: str, verify_token: str) -> Override | None:
    return Override(url, verify_token) if url else None
