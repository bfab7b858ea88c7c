"""Calls to the Graph API over the worker's shared session (connections are kept and reused).

A send is never repeated here: what is not known to have failed is reported as unknown. Reads may be repeated by their
caller. Every call has a timeout. Source: Cloud API reference, sections 1, 2.1, 2.20, 3, 4.
"""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from sojourn.channels.whatsapp.account import Account
from sojourn.channels.whatsapp.graph import Answer, GraphError, GraphUnreachable, NoAnswer, NotSent, read_answer

SEND_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)  # seconds; `connect` includes waiting for a free connection
CALL_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)
MEDIA_TIMEOUT = aiohttp.ClientTimeout(total=120, connect=5, sock_read=30)
ANSWER_MAX_BYTES = 16 * 1024 * 1024
PAGE_LIMIT = 200
PAGES_MAX = 100
STALE_CURSOR = 131059
META_MEDIA_HOSTS = frozenset({"lookaside.fbsbx.com"})
CHUNK_BYTES = 256 * 1024
PHONE_FIELDS = (
    "id,display_phone_number,verified_name,quality_rating,status,name_status,throughput,platform_type,"
    "whatsapp_business_manager_messaging_limit"
)
WABA_FIELDS = "id,name,currency,timezone_id,country,account_review_status"
TEMPLATE_FIELDS = (
    "id,name,language,status,category,correct_category,previous_category,sub_category,components,parameter_format,"
    "quality_score,rejected_reason,message_send_ttl_seconds"
)
WEBHOOK_FIELDS = (
    "messages,user_preferences,message_template_status_update,message_template_quality_update,"
    "message_template_components_update,template_category_update,phone_number_quality_update,"
    "phone_number_name_update,business_capability_update,account_update,account_alerts,account_review_update,security"
)


async def post_message(http: aiohttp.ClientSession, account: Account, payload: bytes) -> Answer | NotSent | NoAnswer:
    """Post one message body once. A broken connection counts as not sent only while it was being opened."""
    try:
        async with http.post(
            account.messages_url, data=payload, headers=account.headers, timeout=SEND_TIMEOUT, allow_redirects=False
        ) as response:
            return Answer(response.status, await response.read(), response.headers.get("Retry-After"))
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
        return NotSent(type(error).__name__)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return NoAnswer(type(error).__name__)


async def call(
    http: aiohttp.ClientSession,
    account: Account,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    json: Any = None,
    token: str | None = None,
) -> dict[str, Any]:
    """One management call. Raises GraphError when it is refused, GraphUnreachable when nobody answers."""
    headers = {"Authorization": f"Bearer {token or account.token}"}
    try:
        async with http.request(
            method,
            f"{account.api_url}/{path}",
            params=params,
            json=json,
            headers=headers,
            timeout=CALL_TIMEOUT,
            allow_redirects=False,
        ) as response:
            body = await response.content.read(ANSWER_MAX_BYTES) if response.content_length is None else None
            answer = Answer(response.status, body if body is not None else await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise GraphUnreachable(type(error).__name__) from error
    return read_answer(answer)


async def read_simulator(http: aiohttp.ClientSession, base_url: str) -> dict[str, Any] | None:
    """What a simulator says about itself; None for anything else at that address. Raises GraphUnreachable."""
    try:
        async with http.get(f"{base_url}/sim/info", timeout=CALL_TIMEOUT, allow_redirects=False) as response:
            if response.status != 200 or response.content_type != "application/json":
                return None
            data = await response.json()
    except (aiohttp.ContentTypeError, ValueError):
        return None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise GraphUnreachable(type(error).__name__) from error
    return data if isinstance(data, dict) and data.get("simulator") is True else None


async def read_phone_number(http: aiohttp.ClientSession, account: Account) -> dict[str, Any]:
    """The number's node: name, quality, status, throughput, limit."""
    return await call(http, account, "GET", account.phone_number_id, params={"fields": PHONE_FIELDS})


async def read_waba(http: aiohttp.ClientSession, account: Account) -> dict[str, Any]:
    """The account's node: currency, zone, country."""
    return await call(http, account, "GET", account.waba_id, params={"fields": WABA_FIELDS})


async def register(http: aiohttp.ClientSession, account: Account, pin: str, *, region: str | None = None) -> None:
    """Register the number for sending; ten attempts in 72 hours."""
    body = {"messaging_product": "whatsapp", "pin": pin}
    if region is not None:
        body["data_localization_region"] = region
    await call(http, account, "POST", f"{account.phone_number_id}/register", json=body)


async def subscribe_account(http: aiohttp.ClientSession, account: Account) -> None:
    """Have the account's webhooks go to the token's app."""
    await call(http, account, "POST", f"{account.waba_id}/subscribed_apps")


async def subscribe_app(http: aiohttp.ClientSession, account: Account, *, callback_url: str, verify_token: str) -> None:
    """Set the app's webhook address; the provider shakes hands with it before it answers. Needs the app secret."""
    params = {
        "object": "whatsapp_business_account",
        "callback_url": callback_url,
        "verify_token": verify_token,
        "fields": WEBHOOK_FIELDS,
        "include_values": "true",
    }
    token = f"{account.app_id}|{account.app_secret}"
    await call(http, account, "POST", f"{account.app_id}/subscriptions", params=params, token=token)


async def mark_read(http: aiohttp.ClientSession, account: Account, message_id: str, *, typing: bool = False) -> None:
    """Show that we read a message, and all before it; `typing` shows for up to 25 s that we write.

    Posts to the messages address, and is exempt from the road out: it carries nothing to read.
    """
    body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    if typing:
        body["typing_indicator"] = {"type": "text"}
    await call(http, account, "POST", f"{account.phone_number_id}/messages", json=body)


async def list_templates(http: aiohttp.ClientSession, account: Account) -> list[dict[str, Any]]:
    """All template variants of the account, every page. A stale cursor starts over once (code 131059)."""
    try:
        return await _list_pages(http, account)
    except GraphError as error:
        if error.code != STALE_CURSOR:
            raise
    return await _list_pages(http, account)


async def _list_pages(http: aiohttp.ClientSession, account: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = None
    for _ in range(PAGES_MAX):
        params = {"fields": TEMPLATE_FIELDS, "limit": str(PAGE_LIMIT)}
        if after is not None:
            params["after"] = after
        page = await call(http, account, "GET", f"{account.waba_id}/message_templates", params=params)
        found.extend(item for item in page.get("data", []) if isinstance(item, dict))
        paging = page.get("paging") or {}
        after = (paging.get("cursors") or {}).get("after")
        if not after or not paging.get("next"):
            break
    return found


async def create_template(http: aiohttp.ClientSession, account: Account, definition: dict[str, Any]) -> dict[str, Any]:
    """Submit a template variant; the answer has id, status and the category that Meta chose."""
    return await call(http, account, "POST", f"{account.waba_id}/message_templates", json=definition)


async def edit_template(
    http: aiohttp.ClientSession, account: Account, provider_template_id: str, changes: dict[str, Any]
) -> dict[str, Any]:
    """Replace a variant's components, category or lifetime."""
    return await call(http, account, "POST", provider_template_id, json=changes)


async def delete_template(
    http: aiohttp.ClientSession, account: Account, name: str, provider_template_id: str | None = None
) -> None:
    """Delete all languages of a template, or one variant."""
    params = {"name": name}
    if provider_template_id is not None:
        params["hsm_id"] = provider_template_id
    await call(http, account, "DELETE", f"{account.waba_id}/message_templates", params=params)


async def upload_media(
    http: aiohttp.ClientSession, account: Account, *, content: bytes, mime: str, filename: str
) -> str:
    """Upload a file for this number; its id lives 30 days."""
    form = aiohttp.FormData()
    form.add_field("messaging_product", "whatsapp")
    form.add_field("type", mime)
    form.add_field("file", io.BytesIO(content), filename=filename, content_type=mime)
    headers = {"Authorization": f"Bearer {account.token}"}
    url = f"{account.api_url}/{account.phone_number_id}/media"
    try:
        async with http.post(url, data=form, headers=headers, timeout=MEDIA_TIMEOUT, allow_redirects=False) as response:
            answer = Answer(response.status, await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise GraphUnreachable(type(error).__name__) from error
    media_id = read_answer(answer).get("id")
    if not isinstance(media_id, str | int):
        raise GraphUnreachable("no media id in the answer")
    return str(media_id)


async def read_media(http: aiohttp.ClientSession, account: Account, media_id: str) -> dict[str, Any]:
    """A file's node: url (5 minutes), mime_type, sha256, file_size."""
    params = {"phone_number_id": account.phone_number_id}
    return await call(http, account, "GET", media_id, params=params)


def is_media_url(account: Account, url: str) -> bool:
    """Whether we may send our token to this address: Meta's media host, or the simulator itself."""
    parts = urlsplit(url)
    base = urlsplit(account.base_url)
    if account.simulated and (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
        return True
    return parts.scheme == "https" and parts.hostname in META_MEDIA_HOSTS


@asynccontextmanager
async def download_media(
    http: aiohttp.ClientSession, account: Account, url: str
) -> AsyncIterator[aiohttp.StreamReader]:
    """Open a file's bytes as a stream. Raises GraphUnreachable for a refused address or any answer but 200."""
    if not is_media_url(account, url):
        raise GraphUnreachable("the file lies on a host that we do not trust")
    headers = {"Authorization": f"Bearer {account.token}"}
    try:
        async with http.get(
            URL(url, encoded=True), headers=headers, timeout=MEDIA_TIMEOUT, allow_redirects=False
        ) as response:
            if response.status != 200:
                raise GraphUnreachable(f"HTTP {response.status}")
            yield response.content
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise GraphUnreachable(type(error).__name__) from error
