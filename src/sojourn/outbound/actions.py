"""What changes endpoints, and what is told to them."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from yarl import URL

from sojourn.kit import jobs, json
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.kit.guarded_http import is_allowed, is_literal
from sojourn.kit.ids import new_id
from sojourn.kit.jobs import Signal
from sojourn.outbound import interest, store
from sojourn.outbound.model import (
    ENDPOINTS_MAX,
    OLD_SECRET_VALID,
    TEST,
    URL_MAX,
    Endpoint,
    EndpointDisabled,
    EndpointState,
    Event,
    Told,
    TooManyEndpoints,
)
from sojourn.outbound.signing import SECRET_BYTES
from sojourn.settings import AllowPrivate
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller

SECRET_CONTEXT = "outbound.secret"  # noqa: S105 - the name of a field, not what stands in it
BODY_CONTEXT = "outbound.message"
REPLAYED_MAX = 1_000  # messages a request


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWebhook(Signal):
    """Try a message once; `attempts` is how often it was tried before."""

    workspace_id: UUID
    message_id: UUID
    attempts: int = 0


async def create_endpoint(
    conn: Conn,
    caller: Caller,
    *,
    url: str,
    events: Sequence[str],
    description: str,
    include_personal_data: bool,
    allow_private: AllowPrivate,
    keys: KeyRing,
    now: datetime,
) -> tuple[Endpoint, bytes]:
    """Add an endpoint; also its secret, which is never shown again. Raises InvalidInput and TooManyEndpoints."""
    check_endpoint(url, events, allow_private=allow_private)
    if await store.count_endpoints(conn, caller.workspace_id) >= ENDPOINTS_MAX:
        raise TooManyEndpoints(limit=ENDPOINTS_MAX)
    secret = os.urandom(SECRET_BYTES)
    endpoint = Endpoint(
        id=new_id(now), workspace_id=caller.workspace_id, url=url, description=description, events=_sorted(events),
        include_personal_data=include_personal_data, state=EndpointState.ACTIVE, state_reason=None,
        secret=keys.encrypt(secret, context=SECRET_CONTEXT), old_secret=None, old_secret_until=None, created_at=now,
        updated_at=now, failing_since=None,
    )  # fmt: skip
    await store.insert_endpoint(conn, endpoint, actor=caller.actor)
    changes = {"events": list(endpoint.events), "include_personal_data": include_personal_data}
    await _record(conn, caller, "created", endpoint, changes, now)
    return endpoint, secret


async def change_endpoint(
    conn: Conn,
    caller: Caller,
    endpoint_id: UUID,
    changes: Mapping[str, Any],
    *,
    allow_private: AllowPrivate,
    now: datetime,
) -> Endpoint:
    """Change url, description, events, include_personal_data, or `is_enabled`. Raises UnknownEndpoint, InvalidInput."""
    old = await store.lock_endpoint(conn, caller.workspace_id, endpoint_id)
    wanted = {name: value for name, value in changes.items() if name != "is_enabled"}
    check_endpoint(wanted.get("url", old.url), wanted.get("events", old.events), allow_private=allow_private)
    if "events" in wanted:
        wanted["events"] = _sorted(wanted["events"])
    new = replace(old, **wanted, updated_at=now)
    if changes.get("is_enabled") is False:
        new = replace(new, state=EndpointState.DISABLED, state_reason="by_hand")
    elif changes.get("is_enabled") is True and old.state is EndpointState.DISABLED:
        new = replace(new, state=EndpointState.ACTIVE, state_reason=None, failing_since=None)
    await store.update_endpoint(conn, new)
    told = {name: value for name, value in changes.items() if name != "url"} | {"url_changed": new.url != old.url}
    await _record(conn, caller, "changed", new, told, now)
    return new


async def delete_endpoint(conn: Conn, caller: Caller, endpoint_id: UUID, *, now: datetime) -> None:
    """Delete an endpoint and what was to be told to it. Raises UnknownEndpoint."""
    endpoint = await store.lock_endpoint(conn, caller.workspace_id, endpoint_id)
    await store.delete_endpoint(conn, caller.workspace_id, endpoint_id)
    await _record(conn, caller, "deleted", endpoint, {}, now)


async def rotate_secret(
    conn: Conn, caller: Caller, endpoint_id: UUID, *, keys: KeyRing, now: datetime
) -> tuple[Endpoint, bytes]:
    """A new secret, shown this once; the old one signs beside it for a day. Raises UnknownEndpoint."""
    old = await store.lock_endpoint(conn, caller.workspace_id, endpoint_id)
    secret = os.urandom(SECRET_BYTES)
    new = replace(
        old, secret=keys.encrypt(secret, context=SECRET_CONTEXT), old_secret=old.secret,
        old_secret_until=now + OLD_SECRET_VALID, updated_at=now,
    )  # fmt: skip
    await store.update_endpoint(conn, new)
    await _record(conn, caller, "rotated", new, {}, now)
    return new, secret


def secrets_of(endpoint: Endpoint, keys: KeyRing, now: datetime) -> list[bytes]:
    """The secrets that sign at a moment, the newest first."""
    sealed = [endpoint.secret]
    if endpoint.old_secret is not None and endpoint.old_secret_until is not None and now < endpoint.old_secret_until:
        sealed.append(endpoint.old_secret)
    return [keys.decrypt(one, context=SECRET_CONTEXT) for one in sealed]


async def send_test(conn: Conn, caller: Caller, endpoint_id: UUID, *, keys: KeyRing, now: datetime) -> UUID:
    """Send a test event to one endpoint; the message's id. Raises UnknownEndpoint and EndpointDisabled."""
    endpoint = await _enabled(conn, caller.workspace_id, endpoint_id)
    told = Told(event=TEST, at=now, data={"endpoint_id": endpoint.id})
    [message_id] = await _post(conn, caller.workspace_id, [(endpoint, told)], keys=keys, now=now)
    return message_id


async def replay(
    conn: Conn,
    caller: Caller,
    endpoint_id: UUID,
    *,
    created_from: datetime | None,
    created_until: datetime | None,
    attempt_ids: Sequence[UUID] | None,
    now: datetime,
) -> int:
    """Send messages again under their old ids, at most 1,000; how many. Raises UnknownEndpoint, EndpointDisabled."""
    endpoint = await _enabled(conn, caller.workspace_id, endpoint_id)
    ids = await store.reset_messages(
        conn, endpoint.id, created_from=created_from, created_until=created_until, attempt_ids=attempt_ids,
        limit=REPLAYED_MAX, now=now,
    )  # fmt: skip
    await jobs.defer(conn, [SendWebhook(workspace_id=caller.workspace_id, message_id=id_) for id_ in ids])
    await _record(conn, caller, "replayed", endpoint, {"messages": len(ids)}, now)
    return len(ids)


async def tell(conn: Conn, workspace_id: UUID, told: Sequence[Told], *, keys: KeyRing, now: datetime) -> int:
    """Put what happened on the way to every endpoint that wants it, in this transaction. How many messages."""
    if not told:
        return 0
    endpoints = await store.list_hearing(conn, workspace_id, sorted({str(one.event) for one in told}))
    pairs = [(endpoint, one) for one in told for endpoint in endpoints if one.event in endpoint.events]
    return len(await _post(conn, workspace_id, pairs, keys=keys, now=now))


async def wants_personal_data(conn: Conn, workspace_id: UUID, event: Event) -> bool:
    """Whether an endpoint hears this event with personal data: else nobody need read any."""
    return any(one.include_personal_data for one in await store.list_hearing(conn, workspace_id, [event.value]))


async def erase_profiles(conn: Conn, profile_ids: Sequence[UUID]) -> dict[str, int]:
    """Delete what was or is to be told about people. Counts a table."""
    return {"outbound_messages": await store.delete_of_people(conn, profile_ids)}


async def _post(
    conn: Conn, workspace_id: UUID, pairs: Sequence[tuple[Endpoint, Told]], *, keys: KeyRing, now: datetime
) -> list[UUID]:
    rows = [
        (
            new_id(now),
            endpoint.id,
            one.profile_id,
            str(one.event),
            keys.encrypt(_body(endpoint, one), context=BODY_CONTEXT),
        )
        for endpoint, one in pairs
    ]
    if rows:
        await store.insert_messages(conn, workspace_id, rows, now=now)
        await jobs.defer(conn, [SendWebhook(workspace_id=workspace_id, message_id=row[0]) for row in rows])
    return [row[0] for row in rows]


def _body(endpoint: Endpoint, told: Told) -> bytes:
    data = {**told.data, "workspace_id": endpoint.workspace_id}
    if told.profile_id is not None:
        data["profile_id"] = told.profile_id
    if endpoint.include_personal_data and told.personal:
        data["personal"] = told.personal
    return json.encode({"type": str(told.event), "timestamp": told.at, "data": data})


def check_endpoint(url: str, events: Sequence[str], *, allow_private: AllowPrivate) -> None:
    """Raise InvalidInput for an address that cannot be called or may not be, and for events that do not exist.

    A name is looked up when it is called, and its addresses are checked then.
    """
    errors: list[FieldError] = []
    if (code := _mistake(url, allow_private)) is not None:
        errors.append({"field": "url", "code": code, "message": MISTAKES[code]})
    known = {event.value for event in Event}
    unknown = sorted(set(events) - known)
    if unknown:
        errors.append({"field": "events", "code": "unknown_event", "limit": sorted(known)})
    if not events:
        errors.append({"field": "events", "code": "missing", "limit": sorted(known)})
    if errors:
        raise InvalidInput(errors)


MISTAKES = {
    "url_invalid": "an address that begins with https://, without a user name in it",
    "https_required": "signatures prove who sends; only https keeps others from reading along",
    "private_address": "this installation does not call private networks (SOJOURN_ALLOW_PRIVATE_URLS)",
}


def _mistake(text: str, allow_private: AllowPrivate) -> str | None:
    try:
        url = URL(text)
        _ = url.port
    except ValueError:
        return "url_invalid"
    if url.scheme not in {"http", "https"} or not url.host or url.user or len(text) > URL_MAX:
        return "url_invalid"
    if is_literal(url.host) and not is_allowed(url.host, allow_private=allow_private):
        return "private_address"
    is_own = allow_private is True or (allow_private == "loopback" and _is_loopback(url.host))
    return "https_required" if url.scheme == "http" and not is_own else None


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (is_literal(host) and ipaddress.ip_address(host).is_loopback)


async def _enabled(conn: Conn, workspace_id: UUID, endpoint_id: UUID) -> Endpoint:
    endpoint = await store.lock_endpoint(conn, workspace_id, endpoint_id)
    if endpoint.state is EndpointState.DISABLED:
        raise EndpointDisabled(endpoint_id=str(endpoint_id))
    return endpoint


def _sorted(events: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(events)))


async def _record(
    conn: Conn, caller: Caller, verb: str, endpoint: Endpoint, changes: Mapping[str, object], now: datetime
) -> None:
    interest.forget(caller.workspace_id)
    action, here = f"webhook_endpoint.{verb}", caller.workspace_id
    await audit.record(conn, caller, here, action, "webhook_endpoint", endpoint.id, changes, now)
