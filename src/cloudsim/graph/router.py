"""Finds the handler of a Graph call, checks token, permission and budget, and lets faults strike."""

import asyncio
import contextlib
import inspect
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from cloudsim.graph import (
    accounts,
    blocks,
    flows,
    history,
    media,
    messages,
    phone_numbers,
    profile,
    qr,
    subscriptions,
    template_extras,
    template_life,
    templates,
    tokens,
    uploads,
    usernames,
)
from cloudsim.graph.errors import GraphError, expired_token, invalid, unknown_object, unknown_path
from cloudsim.graph.tokens import MANAGEMENT, MESSAGING, authenticate, require
from cloudsim.http import MalformedBody, Request, Response
from cloudsim.scenarios.faults import Rule
from cloudsim.simulator import Simulator
from cloudsim.world import App, Flow, Media, Node, Phone, Portfolio, Template, Token, Waba

log = logging.getLogger("cloudsim")

VERSION = re.compile(r"v\d{1,3}\.\d$")
HOUR = 3600.0
UNREGISTERED_BUDGET = 200  # management calls an hour without a registered number

Handler = Callable[[Simulator, Any, Request], Response | Awaitable[Response]]

MESSAGING_EDGES = frozenset(
    {
        "messages",
        "marketing_messages",
        "media",
        "block_users",
        "message_history",
        "contact_book",
        "whatsapp_business_encryption",
        "message_qrdls",
    }
)

# (kind of node, method, edge) -> handler; no edge is the node itself.
ROUTES: dict[tuple[type[Node], str, str], Handler] = {
    (Phone, "POST", "media"): media.upload,
    (Media, "GET", ""): media.show,
    (Media, "DELETE", ""): media.delete,
    (Phone, "GET", ""): phone_numbers.show,
    (Phone, "POST", ""): phone_numbers.change,
    (Phone, "POST", "register"): phone_numbers.register,
    (Phone, "POST", "deregister"): phone_numbers.deregister,
    (Phone, "POST", "request_code"): phone_numbers.request_code,
    (Phone, "POST", "verify_code"): phone_numbers.verify_code,
    (Phone, "GET", "settings"): phone_numbers.show_settings,
    (Phone, "POST", "settings"): phone_numbers.change_settings,
    (Phone, "GET", "whatsapp_business_profile"): profile.show,
    (Phone, "POST", "whatsapp_business_profile"): profile.change,
    (Phone, "POST", "conversational_automation"): profile.change_automation,
    (Phone, "GET", "conversational_automation"): profile.show_automation,
    (Phone, "GET", "whatsapp_commerce_settings"): profile.show_commerce,
    (Phone, "POST", "whatsapp_commerce_settings"): profile.change_commerce,
    (Phone, "GET", "block_users"): blocks.show,
    (Phone, "POST", "block_users"): blocks.block,
    (Phone, "DELETE", "block_users"): blocks.unblock,
    (Phone, "GET", "message_qrdls"): qr.show,
    (Phone, "POST", "message_qrdls"): qr.save,
    (Phone, "DELETE", "message_qrdls"): qr.delete,
    (Phone, "GET", "message_history"): history.show,
    (Phone, "GET", "username"): usernames.show,
    (Phone, "POST", "username"): usernames.change,
    (Phone, "DELETE", "username"): usernames.delete,
    (Phone, "GET", "username_suggestions"): usernames.suggest,
    (Phone, "DELETE", "contact_book"): usernames.forget_contact,
    (Phone, "GET", "whatsapp_business_encryption"): flows.show_key,
    (Phone, "POST", "whatsapp_business_encryption"): flows.save_key,
    (Waba, "GET", ""): accounts.show_waba,
    (Waba, "POST", ""): accounts.change_waba,
    (Waba, "GET", "phone_numbers"): phone_numbers.list_numbers,
    (Waba, "POST", "phone_numbers"): phone_numbers.add,
    (Waba, "GET", "subscribed_apps"): subscriptions.list_apps,
    (Waba, "POST", "subscribed_apps"): subscriptions.subscribe,
    (Waba, "DELETE", "subscribed_apps"): subscriptions.unsubscribe,
    (Waba, "GET", "message_templates"): templates.list_templates,
    (Waba, "POST", "message_templates"): templates.create,
    (Waba, "DELETE", "message_templates"): templates.delete,
    (Waba, "POST", "upsert_message_templates"): templates.upsert,
    (Waba, "GET", "message_template_previews"): templates.preview,
    (Waba, "GET", "flows"): flows.list_flows,
    (Waba, "POST", "flows"): flows.create,
    (Template, "GET", ""): templates.show,
    (Template, "POST", ""): templates.edit,
    (Template, "POST", "unpause"): templates.unpause,
    (Template, "GET", "compare"): template_extras.compare,
    (Waba, "POST", "migrate_message_templates"): template_extras.migrate,
    (Waba, "POST", "migrate_flows"): flows.migrate,
    (Flow, "GET", ""): flows.show,
    (Flow, "POST", ""): flows.change,
    (Flow, "DELETE", ""): flows.delete,
    (Flow, "GET", "assets"): flows.show_assets,
    (Flow, "POST", "assets"): flows.upload_assets,
    (Flow, "POST", "publish"): flows.publish,
    (Flow, "POST", "deprecate"): flows.deprecate,
    (Portfolio, "GET", ""): accounts.show_portfolio,
    (App, "GET", ""): accounts.show_app,
    (App, "GET", "subscriptions"): subscriptions.show_app,
    (App, "POST", "subscriptions"): subscriptions.change_app,
    (App, "DELETE", "subscriptions"): subscriptions.delete_app,
    (App, "POST", "uploads"): uploads.start,
}


class Vanish(Exception):
    """Close the connection without an answer, after so many real seconds."""

    def __init__(self, after_seconds: float = 0.0) -> None:
        self.after_seconds = after_seconds
        super().__init__()


async def answer(sim: Simulator, request: Request) -> Response:
    """Answer one Graph call. Raises Vanish when a fault says that no answer comes."""
    parts = request.path.strip("/").split("/")
    if VERSION.match(parts[0]):
        parts = parts[1:]
    if sim.faults.api:
        return await _answer_with_faults(sim, request, parts)
    response = await _answer(sim, request, parts)
    low, high = sim.settings.latency_ms
    if high > 0:
        await asyncio.sleep(sim.random.uniform(low, high) / 1000)
    return response


async def _answer_with_faults(sim: Simulator, request: Request, parts: list[str]) -> Response:
    rules = sim.faults.for_call(_facts(request, parts))
    after: list[Rule] = []
    for rule in rules:
        match rule.kind:
            case "latency":
                await asyncio.sleep(rule.number("ms", 1000) / 1000)
            case "refuse":
                raise Vanish
            case "timeout":
                raise Vanish(rule.number("ms", 60_000) / 1000)
            case "malformed_json":
                return Response(int(rule.number("status", 200)), b'{"messages":[{"id":"wam')
            case "template_paused":
                template_life.pause_by_name(sim, str(rule.params.get("name", "")) or _facts(request, parts)["template"])
            case "answer_lost":
                after.append(rule)
            case _:
                return _refuse(sim, rule)
    response = await _answer(sim, request, parts)
    for rule in after:
        if response.status == 200:
            sim.world.counts.unanswered += 1
        raise Vanish(rule.number("after_ms", 0) / 1000)
    low, high = sim.settings.latency_ms
    if high > 0:
        await asyncio.sleep(sim.random.uniform(low, high) / 1000)
    return response


def _facts(request: Request, parts: list[str]) -> dict[str, str]:
    node, edge = parts[0], parts[1] if len(parts) > 1 else ""
    facts = {"endpoint": edge or node, "method": request.method, "phone_number_id": node}
    if edge in {"messages", "marketing_messages"}:
        with contextlib.suppress(MalformedBody):
            facts = {**messages.facts_of(request.json(), node), "endpoint": edge}
    return facts


def _refuse(sim: Simulator, rule: Rule) -> Response:
    """The error that a rule asks for; named kinds are short for the usual ones."""
    params = rule.params
    if rule.kind == "token_expired":
        error = expired_token()
    elif rule.kind == "rate_limit":
        error = GraphError(
            int(params.get("code", 130429)),
            "Cloud API message throughput has been reached.",
            status=int(params.get("status", 429)),
            retry_after=int(params.get("retry_after", 0)),
        )
    elif rule.kind == "server_error":
        error = GraphError(
            int(params.get("code", 2)),
            status=int(params.get("status", 503)),
            transient=True,
            message=str(params.get("message", "An unexpected error has occurred. Please retry later.")),
        )
    else:
        error = GraphError(
            int(params.get("code", 131000)),
            str(params.get("details", "")),
            status=int(params.get("status", 0)),
            subcode=int(params.get("subcode", 0)),
            message=str(params.get("message", "")),
            transient=params.get("is_transient"),
            retry_after=int(params.get("retry_after", 0)),
        )
    sim.world.counts.refused[str(error.code)] += 1
    return error.response()


async def _answer(sim: Simulator, request: Request, parts: list[str]) -> Response:
    try:
        try:
            return await _dispatch(sim, request, parts)
        except MalformedBody as error:
            raise invalid(f"The request body cannot be read: {error}") from error
        except (TypeError, AttributeError, ValueError, KeyError, IndexError) as error:
            # Bodies are read leniently: a list where an object belongs shows itself only here. The mistake is the
            # caller's, so that a line is enough.
            log.warning("unreadable_request path=%s error=%s", request.path, repr(error)[:200])
            raise invalid("The request has a parameter of the wrong type.") from error
    except GraphError as error:
        sim.world.counts.refused[str(error.code)] += 1
        return error.response()


async def _dispatch(sim: Simulator, request: Request, parts: list[str]) -> Response:
    head, edge = parts[0], parts[1] if len(parts) > 1 else ""
    if edge == "messages" and request.method == "POST" and len(parts) == 2:
        return _post_message(sim, request, head)
    if head == "oauth" and edge == "access_token":
        return tokens.give_app_token(sim, request)
    if head == "debug_token":
        return tokens.debug_token(sim, request)
    token = authenticate(sim, request)
    if head.startswith("upload:"):
        return uploads.continue_upload(sim, token, head, request)
    if head == "message_template_library":
        return template_extras.list_library(request)
    if head == "me":
        return Response.of({"id": token.user_id, "name": "System user"})
    node = sim.world.find_node(head)
    if node is None or len(parts) > 3:
        raise unknown_object(head, request.method) if head.isdigit() else unknown_path(request.path)
    if len(parts) == 3:
        request.query["_rest"] = parts[2]
        if edge != "message_qrdls":
            raise unknown_object(head, request.method)
    handler = ROUTES.get((type(node), request.method, edge))
    if edge == "marketing_messages" and isinstance(node, Phone) and request.method == "POST":
        _require(sim, token, node, edge)
        return messages.post_message(sim, node, request, request.json(), marketing_only=True)
    if handler is None:
        raise unknown_object(head, request.method)
    _require(sim, token, node, edge)
    headers = _take_budget(sim, node, edge)
    found = handler(sim, node, request)
    response = await found if inspect.isawaitable(found) else found
    response.headers.extend(headers)
    return response


def _post_message(sim: Simulator, request: Request, phone_id: str) -> Response:
    """The hot path: token, number, and straight on."""
    token = authenticate(sim, request)
    phone = sim.world.phones.get(phone_id)
    if phone is None:
        raise unknown_object(phone_id, "POST")
    require(token, MESSAGING, phone.waba_id)
    body = request.json() if not request.header(b"content-type").startswith("application/x-www") else request.fields()
    return messages.post_message(sim, phone, request, body)


def _require(sim: Simulator, token: Token, node: Node, edge: str) -> None:
    if isinstance(node, App):
        tokens.require_app(token, node)
        return
    waba_id = node.id if isinstance(node, Waba) else ""
    if isinstance(node, Phone | Template | Flow):
        waba_id = node.waba_id
    elif isinstance(node, Media):
        phone = sim.world.phones.get(node.phone_id)
        waba_id = phone.waba_id if phone else ""
    scope = MESSAGING if edge in MESSAGING_EDGES or isinstance(node, Media) else MANAGEMENT
    require(token, scope, waba_id)


def _take_budget(sim: Simulator, node: Node, edge: str) -> list[tuple[bytes, bytes]]:
    """Count a management call against the account's hour; raises 80007 when it is used up."""
    waba_id = node.id if isinstance(node, Waba) else getattr(node, "waba_id", "")
    waba = sim.world.wabas.get(waba_id)
    if waba is None or edge in MESSAGING_EDGES:
        return []
    hour = sim.now() // HOUR
    if not waba.calls or waba.calls[0] != hour:
        waba.calls = [hour, 0.0]
    waba.calls[1] += 1
    registered = any(phone.registered for phone in sim.world.phones.values() if phone.waba_id == waba.id)
    budget = sim.settings.management_calls_per_hour if registered else UNREGISTERED_BUDGET
    percent = int(100 * waba.calls[1] / budget)
    if waba.calls[1] > budget:
        raise GraphError(
            80007,
            "There have been too many calls to this WhatsApp Business account.",
            retry_after=int((hour + 1) * HOUR - sim.now()),
        )
    usage = (
        f'{{"{waba.id}":[{{"type":"whatsapp","call_count":{percent},"total_cputime":1,"total_time":1,'
        '"estimated_time_to_regain_access":0}]}'
    )
    return [
        (b"x-business-use-case-usage", usage.encode()),
        (b"x-app-usage", b'{"call_count":%d,"total_time":1,"total_cputime":1}' % percent),
    ]
