"""HTTP of deliveries: ask, look, cancel, the funnel, the unknown lane."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from sojourn.deliveries import actions
from sojourn.deliveries.explain import explain
from sojourn.deliveries.forms import (
    AttemptOut,
    CancelIn,
    CancelOut,
    CostOut,
    DecisionOut,
    DeliveriesIn,
    DeliveryDetail,
    DeliveryIn,
    DeliveryOut,
    DeliveryRow,
    FunnelOut,
    OutcomesOut,
    SettleIn,
    UnknownOut,
)
from sojourn.deliveries.funnel import fold_funnel
from sojourn.deliveries.model import Delivery, DeliveryRequest, ProfileId, Status
from sojourn.deliveries.store import attempts, costs, funnel, rows
from sojourn.deliveries.trace import decode_decision
from sojourn.kit import json
from sojourn.kit.database import Conn
from sojourn.kit.errors import AppError, FieldError, InvalidInput, Kind, NotFound
from sojourn.kit.web import ConnDep, Cursor, Keys, Limit, Now, Page, decode_cursor, encode_cursor
from sojourn.profiles import actions as profiles
from sojourn.profiles import store as profile_store
from sojourn.profiles.model import Identity, InvalidIdentity, ProfileRef, Scheme
from sojourn.workspaces import audit
from sojourn.workspaces import store as workspaces
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(tags=["deliveries"])

Reader = Annotated[Caller, Depends(require_right("deliveries.read"))]
Writer = Annotated[Caller, Depends(require_right("deliveries.write"))]


class WindowClosed(AppError):
    """The service window is closed: only templates can leave."""

    kind = Kind.CONFLICT
    code = "window_closed"


@router.post("/v1/deliveries", status_code=202)
async def request_deliveries(
    body: DeliveriesIn | DeliveryIn, caller: Writer, conn: ConnDep, keys: Keys, now: Now
) -> OutcomesOut | DeliveryOut:
    """Ask for one message, or up to 1,000 at once. The same key for the same person again returns the delivery
    that it made first.

    What the policy refuses is no error: it is a delivery with status `excluded` and its reason. Only a single free-form
    message outside of the service window is refused with 409 `window_closed`, so that its author can change it.
    """
    asked = body.deliveries if isinstance(body, DeliveriesIn) else [body]
    requests = await _to_requests(conn, caller, asked, single=isinstance(body, DeliveryIn), now=now)
    found = await actions.request_deliveries(conn, caller.workspace_id, requests, keys=keys, now=now)
    if isinstance(body, DeliveriesIn):
        return OutcomesOut(deliveries=[DeliveryOut.of(delivery) for delivery in found])
    if found[0].is_new and found[0].reason == WindowClosed.code:
        raise WindowClosed(profile_id=str(found[0].profile_id))
    return DeliveryOut.of(found[0])


async def _to_requests(
    conn: Conn, caller: Caller, asked: list[DeliveryIn], *, single: bool, now: Now
) -> list[DeliveryRequest]:
    paths = ["" if single else f"deliveries.{index}." for index in range(len(asked))]
    errors = [mistake for one, path in zip(asked, paths, strict=True) for mistake in one.mistakes(path)]
    if errors:
        raise InvalidInput(errors)
    named = {one.profile_id for one in asked if one.profile_id is not None}
    known = await profile_store.get_profiles(conn, caller.workspace_id, named)
    for one, path in zip(asked, paths, strict=True):
        if one.profile_id is not None and ProfileId(one.profile_id) not in known:
            unknown: FieldError = {"field": f"{path}profile_id", "code": "unknown_profile", "message": "nobody here"}
            errors.append(unknown)
    if errors:
        raise InvalidInput(errors)
    ids = await _resolve(conn, caller, asked, paths, now)
    return [one.to_request(profile_id) for one, profile_id in zip(asked, ids, strict=True)]


async def _resolve(conn: Conn, caller: Caller, asked: list[DeliveryIn], paths: list[str], now: Now) -> list[ProfileId]:
    refs = [
        ProfileRef(identities=tuple(Identity(Scheme(identity.scheme), identity.value) for identity in one.identities))
        for one in asked
        if one.profile_id is None
    ]
    resolved: list[ProfileId] = []
    if refs:
        workspace = await workspaces.get_workspace(conn, caller.workspace_id)
        region = workspace.default_country
        try:
            resolved = await profiles.resolve_profiles(
                conn, caller.workspace_id, refs, now=now, source="api", default_region=region
            )
        except InvalidIdentity as error:
            path = next(path for one, path in zip(asked, paths, strict=True) if one.profile_id is None)
            raise InvalidInput([error.at(f"{path}identities")]) from error
    rest = iter(resolved)
    return [ProfileId(one.profile_id) if one.profile_id is not None else next(rest) for one in asked]


@router.get("/v1/deliveries")
async def list_deliveries(
    caller: Reader,
    conn: ConnDep,
    status: Status | None = None,
    reason: str | None = None,
    profile_id: UUID | None = None,
    owner_id: Annotated[UUID | None, Query(description="A journey, campaign or run")] = None,
    template: str | None = None,
    since: AwareDatetime | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeliveryRow]:
    """Deliveries, newest first; of a person those of every profile that was merged with the one that is named."""
    person = None if profile_id is None else (await profile_store.list_people(conn, [profile_id]))[profile_id]
    filters = {
        "status": status,
        "reason": reason,
        "profiles": None if person is None else list(person),
        "owner": owner_id,
        "template": template,
        "since": since,
    }
    found = await rows.list_deliveries(conn, caller.workspace_id, filters, before=_position(cursor), limit=limit + 1)
    more = encode_cursor(found[limit - 1]["id"]) if len(found) > limit else None
    return Page(items=[_row(row) for row in found[:limit]], next_cursor=more)


def _position(cursor: str | None) -> UUID | None:
    parts = decode_cursor(cursor)
    if parts is None:
        return None
    try:
        [position] = parts
        return UUID(position)
    except ValueError as error:
        raise InvalidInput([{"field": "cursor", "code": "invalid_cursor", "message": "not a cursor"}]) from error


def _row(row: dict[str, Any]) -> DeliveryRow:
    return DeliveryRow(**{name: row[name] for name in DeliveryRow.model_fields})


@router.get("/v1/deliveries/unknown")
async def list_unknown(caller: Reader, conn: ConnDep, limit: Limit = 50, cursor: Cursor = None) -> Page[UnknownOut]:
    """The unknown lane: what was handed to the provider and never answered nor reported, oldest first."""
    found = await attempts.list_unknown(conn, caller.workspace_id, after=_position(cursor), limit=limit + 1)
    more = encode_cursor(found[limit - 1]["id"]) if len(found) > limit else None
    items = [
        UnknownOut(attempt_id=row["id"], **{name: value for name, value in row.items() if name != "id"})
        for row in found[:limit]
    ]
    return Page(items=items, next_cursor=more)


@router.post("/v1/deliveries/cancel")
async def cancel_deliveries(body: CancelIn, caller: Writer, conn: ConnDep, now: Now) -> CancelOut:
    """Take back what waits. What was handed to the provider runs on."""
    if mistakes := body.mistakes():
        raise InvalidInput(mistakes)
    cancelled = await actions.cancel_deliveries(
        conn,
        caller.workspace_id,
        reason=body.reason,
        now=now,
        run_id=body.run_id,
        campaign_id=body.owner_id,
        profile_id=body.profile_id,
        delivery_ids=body.delivery_ids,
        tell_owner=True,
    )
    changes = {"cancelled": cancelled, "reason": body.reason}
    subject = body.owner_id or body.run_id or body.profile_id or "deliveries"
    await audit.record(conn, caller, caller.workspace_id, "deliveries.cancelled", "delivery", subject, changes, now)
    return CancelOut(cancelled=cancelled)


@router.get("/v1/deliveries/{delivery_id}")
async def get_delivery(delivery_id: UUID, caller: Reader, conn: ConnDep) -> DeliveryDetail:
    """One delivery: why it was sent or not, every attempt, what it cost."""
    row = await rows.get_delivery(conn, caller.workspace_id, delivery_id)
    if row is None:
        raise NotFound(delivery_id=str(delivery_id))
    tried = await attempts.list_of_delivery(conn, delivery_id)
    cost = (await costs.find_costs(conn, [delivery_id])).get(delivery_id)
    return DeliveryDetail(
        **_row(row).model_dump(),
        key=row["key"],
        content=None if row["rendered"] is None else json.decode(bytes(row["rendered"])),
        decision=None if row["decision"] is None else _decision(row["decision"]),
        attempts=[AttemptOut(**{**attempt, "decision": _decision(attempt["decision"])}) for attempt in tried],
        cost=None if cost is None else CostOut(**{name: cost[name] for name in CostOut.model_fields}),
    )


def _decision(data: bytes) -> DecisionOut:
    return DecisionOut(**explain(decode_decision(bytes(data))))


@router.post("/v1/deliveries/{delivery_id}/resend", status_code=202)
async def resend_delivery(delivery_id: UUID, caller: Writer, conn: ConnDep, now: Now) -> DeliveryOut:
    """Send an unknown one again: somebody has made sure that it did not arrive. One-time codes are refused."""
    await actions.resend_unknown(conn, caller.workspace_id, delivery_id, now=now)
    await _audit(conn, caller, "delivery.resent", delivery_id, {}, now)
    return DeliveryOut.of(await _found(conn, caller, delivery_id))


@router.post("/v1/deliveries/{delivery_id}/settle")
async def settle_delivery(delivery_id: UUID, body: SettleIn, caller: Writer, conn: ConnDep, now: Now) -> DeliveryOut:
    """Say what became of an unknown one."""
    await actions.settle_unknown(conn, caller.workspace_id, delivery_id, arrived=body.arrived, now=now)
    await _audit(conn, caller, "delivery.settled", delivery_id, {"arrived": body.arrived}, now)
    return DeliveryOut.of(await _found(conn, caller, delivery_id))


async def _audit(conn: Conn, caller: Caller, action: str, delivery_id: UUID, changes: dict[str, Any], now: Now) -> None:
    await audit.record(conn, caller, caller.workspace_id, action, "delivery", delivery_id, changes, now)


async def _found(conn: Conn, caller: Caller, delivery_id: UUID) -> Delivery:
    found = await rows.find_deliveries(conn, caller.workspace_id, [delivery_id])
    if delivery_id not in found:
        raise NotFound(delivery_id=str(delivery_id))
    return found[delivery_id]


@router.get("/v1/funnel")
async def get_funnel(
    caller: Reader,
    conn: ConnDep,
    owner_kind: str | None = None,
    owner_id: UUID | None = None,
    run_id: UUID | None = None,
    template_id: UUID | None = None,
    key_prefix: Annotated[str | None, Query(max_length=400)] = None,
) -> FunnelOut:
    """Where deliveries stand, each counted once: it always sums."""
    counts = await funnel.count_funnel(
        conn,
        caller.workspace_id,
        owner_kind=owner_kind,
        owner_id=owner_id,
        run_id=run_id,
        template_id=template_id,
        key_prefix=key_prefix,
    )
    return FunnelOut(**asdict(fold_funnel(counts)))
