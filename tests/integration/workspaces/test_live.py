"""The live stream: who hears what, how it resumes, when it ends, and that it holds nothing while it waits."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest

from sojourn.kit import live, live_hub
from sojourn.kit.clock import system_now
from sojourn.kit.database import Database, execute, fetch_value
from sojourn.kit.ids import new_id
from sojourn.kit.live import LiveEvent
from sojourn.kit.live_hub import topics_of
from sojourn.workspaces import actions, live_routes
from tests.support.browser import Browser, make_app, make_member

PATIENCE_SECONDS = 20.0  # far more than anything here takes


class Stream:
    """An open stream: the frames that came, parsed. `blocked` stops it from taking any."""

    def __init__(self):
        self.status = None
        self.frames = []
        self.raw = b""
        self.over = False
        self.free = asyncio.Event()
        self.free.set()
        self.left = asyncio.Event()
        self.changed = asyncio.Event()

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        await self.free.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.raw += message.get("body", b"")
        *whole, _ = self.raw.split(b"\n\n")
        self.frames = [dict(line.split(": ", 1) for line in frame.decode().split("\n")) for frame in whole]
        self.over = message["type"] == "http.response.body" and not message.get("more_body")
        self.changed.set()

    def heard(self, *topics):
        return [(one["event"], json.loads(one["data"])) for one in self.frames if one.get("event") in topics]

    async def until(self, what):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not what():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def open_stream(browser, topics, **headers):
    stream = Stream()
    scope = browser.scope("GET", f"/v1/live?topics={topics}", **headers)
    task = asyncio.create_task(browser.app(scope, stream.receive, stream.send))
    await stream.until(lambda: stream.frames or stream.over or task.done())
    try:
        yield stream
    finally:
        stream.free.set()
        stream.left.set()
        await asyncio.wait_for(task, PATIENCE_SECONDS)


@pytest.fixture
async def place(database, now):
    async with database.transaction() as conn:
        workspace = await actions.create_workspace(conn, "Bean There", now=now)
    await make_member(database, workspace.id, "zoe@example.com", "admin", now=now)
    return workspace


@pytest.fixture
async def ann(database, keys, now, place):
    ann_id = await make_member(database, place.id, "ann@example.com", "admin", now=now)
    browser = Browser(make_app(database, keys, now))
    await browser.sign_in("ann@example.com")
    browser.headers["x-id"] = str(ann_id)
    return browser


async def tell(database, now, *events):
    async with database.transaction() as conn:
        await live.publish(conn, events, now)


def event_of(place, topic, number=1, **more):
    return LiveEvent(workspace_id=place.id, topic=topic, payload={"number": number}, **more)


async def test_news_reach_those_who_asked_for_them_with_an_id_to_resume_from(ann, database, place, now):
    profile, sender, other = (new_id(now) for _ in range(3))
    async with database.transaction() as conn:
        stranger = await actions.create_workspace(conn, "Tea There", now=now)
    topics = f"messages,profile:{profile},phone:{sender}"
    async with open_stream(ann, topics) as stream:
        assert stream.status == 200
        await tell(
            database, now,
            LiveEvent(workspace_id=stranger.id, topic="messages", payload={"number": 0}, profiles=[profile]),
            event_of(place, "alerts", 1),
            event_of(place, "deliveries", 2, profiles=[other, profile]),
            event_of(place, "messages", 3, profiles=[other], senders=[sender]),
        )  # fmt: skip
        await stream.until(lambda: len(stream.heard("messages")) == 2)
        at = now.isoformat()
        assert {(topic, data["number"]) for topic, data in stream.heard("messages", f"profile:{profile}", f"phone:{sender}", "alerts")} == {
            ("messages", 2), (f"profile:{profile}", 2), ("messages", 3), (f"phone:{sender}", 3),
        }  # fmt: skip
        assert all(data["at"] == at for _, data in stream.heard("messages"))
        assert all(UUID(frame["id"]) for frame in stream.frames)


async def test_what_is_rolled_back_was_never_news(ann, database, place, now):
    async with open_stream(ann, "alerts") as stream:
        with pytest.raises(RuntimeError):
            async with database.transaction() as conn:
                await live.publish(conn, [event_of(place, "alerts", 1)], now)
                raise RuntimeError
        await tell(database, now, event_of(place, "alerts", 2))
        await stream.until(lambda: stream.heard("alerts"))
        assert [data["number"] for _, data in stream.heard("alerts")] == [2]


async def test_a_row_that_becomes_visible_late_is_not_missed_and_none_comes_twice(ann, database, place, now):
    async with open_stream(ann, "alerts") as stream, database.transaction() as slow:
        await live.publish(slow, [event_of(place, "alerts", 1)], now)  # its id is made now, it is seen later
        await tell(database, now, event_of(place, "alerts", 2))
        await stream.until(lambda: stream.heard("alerts"))
        await slow.commit()
        await stream.until(lambda: len(stream.heard("alerts")) == 2)
        await tell(database, now, event_of(place, "alerts", 3))
        await stream.until(lambda: len(stream.heard("alerts")) >= 3)
        assert [data["number"] for _, data in stream.heard("alerts")] == [2, 1, 3]


async def test_a_stream_resumes_in_another_process_where_it_broke_off(ann, database, keys, place, now):
    async with open_stream(ann, "alerts") as stream:
        await tell(database, now, event_of(place, "alerts", 1))
        await stream.until(lambda: stream.heard("alerts"))
        last = stream.frames[-1]["id"]
    async with database.transaction() as conn:  # so long ago that nothing near it is repeated
        await execute(conn, "DELETE FROM live_events", {})
    await tell(database, now, event_of(place, "alerts", 2), event_of(place, "messages", 3))
    elsewhere = Browser(make_app(database, keys, now), cookie=ann.cookie)
    async with open_stream(elsewhere, "alerts", last_event_id=last) as again:
        await tell(database, now, event_of(place, "alerts", 4))
        await again.until(lambda: len(again.heard("alerts")) == 2)
        assert [data["number"] for _, data in again.heard("alerts")] == [2, 4]
        assert again.heard("reset") == []


@pytest.mark.parametrize(
    "last",
    ["old", "future", "nonsense", "", "ffffffff-ffff-7fff-bfff-ffffffffffff", "00000000-0000-0000-0000-000000000000"],
)
async def test_a_gap_that_nobody_can_fill_is_a_reset(ann, place, last):
    spans = {"old": -live.KEPT - timedelta(seconds=1), "future": timedelta(hours=1)}
    id_ = str(new_id(system_now() + spans[last])) if last in spans else last
    async with open_stream(ann, "alerts", last_event_id=id_) as stream:
        assert len(stream.heard("reset")) == 1


async def test_more_news_than_anybody_can_catch_up_with_is_a_reset(ann, database, place, now, monkeypatch):
    monkeypatch.setattr(live_routes, "MISSED_MAX", 3)
    start = str(new_id(system_now()))
    await tell(database, now, *(event_of(place, "alerts", number) for number in range(4)))
    async with open_stream(ann, "alerts", last_event_id=start) as stream:
        assert stream.heard("reset", "alerts")[0][0] == "reset"


async def test_a_browser_that_takes_nothing_holds_little_and_is_told_to_look_again(ann, database, place, now):
    async with open_stream(ann, "alerts") as stream, open_stream(ann, "alerts") as quick:
        stream.free.clear()
        for start in range(0, 600, 100):
            await tell(database, now, *(event_of(place, "alerts", number) for number in range(start, start + 100)))
            await quick.until(lambda: len(quick.heard("alerts")) >= start + 100)  # noqa: B023
        held = [len(one.queue) for one in ann.app.state.live._streams]
        assert max(held) <= live_hub.QUEUE_MAX
        stream.free.set()
        await stream.until(lambda: stream.heard("reset"))
        await tell(database, now, event_of(place, "alerts", 1000))
        await stream.until(lambda: stream.heard("alerts") and stream.heard("alerts")[-1][1]["number"] == 1000)


async def test_open_streams_hold_no_connection(database_url, database, keys, place, ann, now):
    small = Database(database_url, max_size=1)
    await small.open()
    browser = Browser(make_app(small, keys, now), cookie=ann.cookie)
    async with (
        open_stream(browser, "alerts"),
        open_stream(browser, "alerts"),
        open_stream(browser, "messages") as stream,
    ):
        for number in range(3):
            assert (await browser.call("GET", "/v1/workspace")).status == 200
            await tell(small, now, event_of(place, "messages", number))
        await stream.until(lambda: len(stream.heard("messages")) == 3)
    assert browser.app.state.live.count == 0
    await small.close()


@pytest.mark.parametrize(
    ("topics", "status", "code"),
    [
        ("", 422, "required"), ("everything", 422, "unknown_topic"), ("profile", 422, "unknown_topic"),
        ("profile:1", 422, "unknown_topic"), ("messages:019cb2b6-0800-73d7-9c1b-0b7fc9d7d791", 422, "unknown_topic"),
        ("access", 422, "unknown_topic"), (",".join(["alerts"] * 51), 422, "too_many"),
    ],
)  # fmt: skip
async def test_a_topic_that_is_none_is_named(ann, topics, status, code):
    refused = await ann.call("GET", f"/v1/live?topics={topics}")
    assert (refused.status, refused.json["errors"][0]["code"]) == (status, code)


async def test_each_topic_asks_for_its_right_and_all_that_lack_it_are_listed(ann, database, keys, place, now):
    await make_member(database, place.id, "ben@example.com", "agent", now=now)
    ben = Browser(ann.app)
    await ben.sign_in("ben@example.com")
    id_ = new_id(now)
    refused = await ben.call("GET", f"/v1/live?topics=messages,job:{id_},profile:{id_}")
    assert (refused.status, refused.json["code"], refused.json["topics"]) == (403, "topics_refused", [f"job:{id_}"])
    assert (await Browser(ann.app).call("GET", "/v1/live?topics=messages")).status == 401
    assert (await Browser(ann.app, cookie="nothing").call("GET", "/v1/live?topics=messages")).status == 401


async def end_of(browser, stream):
    await stream.until(lambda: stream.over)
    return stream.heard("end")[0][1]


@pytest.mark.parametrize("how", ["deactivate", "lose", "sign_out", "reset"])
async def test_a_stream_ends_at_once_when_its_member_may_no_longer_hear_it(ann, database, keys, place, now, how):
    zoe = Browser(make_app(database, keys, now))  # another process
    await zoe.sign_in("zoe@example.com")
    ann_id = ann.headers["x-id"]
    async with open_stream(ann, "alerts") as stream, open_stream(zoe, "alerts") as hers:
        if how == "deactivate":
            await zoe.call("POST", f"/v1/members/{ann_id}/deactivate")
        elif how == "lose":
            await zoe.call("POST", "/v1/roles", {"name": "few", "title": "Few", "rights": ["profiles.read"]})
            await zoe.call("PATCH", f"/v1/members/{ann_id}", {"roles": ["few"]})
        elif how == "sign_out":
            await Browser(zoe.app, cookie=ann.cookie, csrf=ann.csrf).call("DELETE", "/v1/session")
        else:
            link = (await zoe.call("POST", f"/v1/members/{ann_id}/reset")).json["link"].rpartition("/")[2]
            await Browser(zoe.app).call("POST", f"/v1/links/{link}", {"password": "another harbour 8"})
        end = await end_of(ann, stream)
        assert end["code"] == ("topics_refused" if how == "lose" else "unauthenticated")
        await tell(database, now, event_of(place, "alerts", 7))
        await hers.until(lambda: hers.heard("alerts"))
        assert not hers.over
        assert stream.heard("alerts") == []


async def test_a_stream_ends_when_its_key_is_revoked(ann, database, place, now):
    made = await ann.call("POST", "/v1/api-keys", {"name": "screen", "scopes": ["alerts.read"]})
    screen = Browser(ann.app, headers={"authorization": f"Bearer {made.json['secret']}"})
    async with open_stream(screen, "alerts") as stream:
        await ann.call("DELETE", f"/v1/api-keys/{made.json['key']['id']}")
        assert (await end_of(screen, stream))["code"] == "unauthenticated"


async def test_a_role_that_loses_a_right_ends_the_streams_of_its_members(ann, database, place, now):
    await ann.call("POST", "/v1/roles", {"name": "few", "title": "Few", "rights": ["alerts.read"]})
    await make_member(database, place.id, "ben@example.com", "few", now=now)
    ben = Browser(ann.app)
    await ben.sign_in("ben@example.com")
    async with open_stream(ben, "alerts") as stream:
        await ann.call("PATCH", "/v1/roles/few", {"rights": ["profiles.read"]})
        assert (await end_of(ben, stream))["code"] == "topics_refused"


async def test_a_quiet_stream_beats_and_moves_its_place_along(ann, monkeypatch):
    monkeypatch.setattr(live_routes, "BEAT_SECONDS", 0.05)
    async with open_stream(ann, "alerts") as stream:
        await stream.until(lambda: stream.raw.count(b": beat\nid: ") >= 2)
        assert [frame for frame in stream.frames if "event" in frame] == []


async def test_streams_end_when_the_process_stops(ann):
    async with open_stream(ann, "alerts") as stream:
        ann.app.state.live.end_all()
        await stream.until(lambda: stream.over)
    async with open_stream(ann, "alerts") as late:
        await late.until(lambda: late.over)


async def test_news_are_kept_for_a_quarter_of_an_hour(database, place, now):
    await tell(database, now, event_of(place, "alerts"))
    async with database.transaction() as conn:
        assert await live.delete_old(conn, system_now() + live.KEPT - timedelta(seconds=30)) == 0
        assert await live.delete_old(conn, system_now() + live.KEPT + timedelta(seconds=30)) == 1
        assert await fetch_value(conn, "SELECT count(*) FROM live_events") == 0


def test_news_of_deliveries_are_news_of_messages_and_not_the_other_way():
    event = live.StoredEvent(UUID(int=1), UUID(int=2), "messages", {}, frozenset(), frozenset())
    assert topics_of(event, ["messages", "deliveries", "alerts"]) == ["messages"]
