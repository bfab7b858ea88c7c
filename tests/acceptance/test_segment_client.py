"""Segment's own client library, unmodified and pointed at us, delivers people and events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from segment.analytics import Client
from segment.analytics.request import APIError

from .harness.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextmanager
def client(key: str, host: str, **options: Any) -> Iterator[tuple[Client, list[Exception]]]:
    """A client with the library's own threads and batches, and what its `on_error` heard."""
    errors: list[Exception] = []
    made = Client(
        key,
        host=host,
        on_error=lambda error, _batch: errors.append(error),
        upload_interval=0.05,
        max_retries=0,
        **options,
    )
    try:
        yield made, errors
    finally:
        made.shutdown()


async def events_of(product: Story, **address: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The one profile with this address, and its events by name."""
    [profile] = (await product.api.get("/v1/profiles", **address))["items"]
    timeline = await product.api.items(f"/v1/profiles/{profile['id']}/timeline")
    return profile, {entry["title"]: entry for entry in timeline if entry["kind"] == "event"}


def tell_a_visit(segment: Client, visitor: str) -> None:
    """Every call that a shop's server makes about one person."""
    person = f"{visitor}-person"
    segment.page(anonymous_id=visitor, name="Home", properties={"url": "https://brisk.example/"})
    segment.identify(
        person,
        {"email": f"{visitor}@example.com", "firstName": "Anna", "plan": "gold", "points": 12, "vip": True},
        anonymous_id=visitor,
    )
    segment.track(
        person, "Order Completed", {"order_id": "B-1", "total": 34.5, "items": [{"sku": "roast"}]},
        timestamp=datetime(2026, 3, 1, 12, 30, tzinfo=UTC), message_id=f"{visitor}-message",
    )  # fmt: skip
    segment.track(person, "order.shipped", {"order_id": "B-1"})
    segment.group(person, "company-7", {"name": "Harbour"})
    segment.screen(person, name="Checkout", properties={"step": 2})
    segment.alias(f"{visitor}-old", person)


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
async def test_calls_arrive_as_people_and_events(product: Story, gzip: bool) -> None:
    visitor = f"segment-{'gzip' if gzip else 'plain'}"
    key = product.create_key(name=visitor, write_key=True)
    with client(key, product.web_url, gzip=gzip) as (segment, errors):
        for _ in range(2):  # a shop that repeats itself: the track call with its own id counts once
            await asyncio.to_thread(tell_a_visit, segment, visitor)
            await asyncio.to_thread(segment.flush)
    assert errors == []

    profile, events = await events_of(product, external_id=f"{visitor}-person")
    attributes = profile["attributes"]
    assert (attributes["first_name"], attributes["plan"], attributes["points"], attributes["vip"]) == (
        "Anna",
        "gold",
        12,
        True,
    )
    assert attributes["group_id"] == "company-7"
    addresses = {(identity["scheme"], identity["value"]) for identity in profile["identities"]}
    assert {("external_id", f"{visitor}-person"), ("anonymous_id", visitor), ("email", f"{visitor}@example.com"),
            ("anonymous_id", f"{visitor}-old")} <= addresses  # fmt: skip
    assert set(events) == {"order_completed", "order.shipped", "page_viewed", "screen_viewed"}
    order = events["order_completed"]
    assert order["data"]["properties"] == {"order_id": "B-1", "total": 34.5, "items": [{"sku": "roast"}]}
    assert datetime.fromisoformat(order["at"]) == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    timeline = await product.api.items(f"/v1/profiles/{profile['id']}/timeline")
    assert [entry["title"] for entry in timeline if entry["kind"] == "event"].count("order_completed") == 1


async def test_a_thousand_calls_lose_none(product: Story) -> None:
    key = product.create_key(name="many", write_key=True)
    with client(key, product.web_url, gzip=True) as (segment, errors):
        for number in range(1000):
            segment.track("segment-busy", "cart.updated", {"number": number})
        await asyncio.to_thread(segment.flush)
    assert errors == []
    [profile] = (await product.api.get("/v1/profiles", external_id="segment-busy"))["items"]
    timeline = await product.api.items(f"/v1/profiles/{profile['id']}/timeline")
    numbers = [entry["data"]["properties"]["number"] for entry in timeline if entry["kind"] == "event"]
    assert sorted(numbers) == list(range(1000))


@pytest.mark.parametrize("key", ["wk_nobodyhasthiskey", "x" * 500])
async def test_a_wrong_key_is_told_and_leaves_nothing(product: Story, key: str) -> None:
    with client(key, product.web_url) as (segment, errors):
        segment.identify("segment-stranger", {"plan": "none"})
        await asyncio.to_thread(segment.flush)
    [error] = errors
    assert isinstance(error, APIError)
    assert error.status == 401
    assert (await product.api.get("/v1/profiles", external_id="segment-stranger"))["items"] == []


async def test_a_write_key_opens_nothing_else(product: Story) -> None:
    key = product.create_key(name="ingest only", write_key=True)
    for path in ("/v1/profiles", "/v1/deliveries", "/v1/workspace"):
        status, body, _ = await product.api.exchange("GET", path, token=key)
        assert (status, body["code"]) in {(401, "unauthenticated"), (403, "missing_right")}, path
