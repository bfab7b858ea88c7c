"""One request erases a person everywhere: found in a dump before, found in none of it after."""

from __future__ import annotations

import base64
import csv
import io
from datetime import datetime
from typing import Any

import pytest

from .harness.dump import Piece, dump, mentions, plain_hashes
from .harness.shop import Shop, template_message
from .harness.story import Story

ZEB, ANN = "+447700900321", "+447700900322"
NAME, MAIL, CUSTOMER = "Zebedee Quillfeather", "zeb.quill@example.org", "customer-zq-77"
SAID, CAPTION, FILE = "my marble cat is called Ottoline", "Ottoline asleep", b"pixels of Ottoline on a sofa"
NEEDLES = (
    "447700900321", "7700900321", "07700 900321", "+44 7700 900321", "zebedee", "quillfeather", "zeb.quill", CUSTOMER,
    "ottoline", "the attic at Larkspur Lane",
)  # fmt: skip
WRITTEN = "Your parcel goes to the attic at Larkspur Lane"


TABLES = {
    "profiles", "identities", "attribute_changes", "profile_merges", "events", "event_keys", "messages", "media_blobs",
    "webhook_bodies", "delivery_contents", "delivery_keys", "attempts", "runs", "consent_entries", "suppressions",
    "allow_list",
}  # fmt: skip


def tables_naming(pieces: list[Piece], needles: list[str]) -> set[str]:
    """In which tables the person stands."""
    return {place.partition(".")[0] for found in mentions(pieces, needles).values() for place in found}


def chatter() -> dict[str, Any]:
    """A journey that keeps what it hears."""
    return {
        "key": "chatter",
        "name": "Chatter",
        "nodes": {
            "start": {"type": "event_trigger", "event": "parcel.left", "next": "note"},
            "note": {"type": "set_variable", "set": {"place": "{{ event.place }}"}, "next": "tell"},
            "tell": {"type": "send_template", "template": "parcel_left", "purpose": "transactional", "next": "wait"},
            "wait": {
                "type": "wait_for", "for": [{"exit": "heard", "event": "parcel.heard"}], "timeout": "300d",
                "exits": {"heard": "done", "timeout": "done"},
            },
            "done": {"type": "end", "reason": "over"},
        },
    }  # fmt: skip


async def live(shop: Shop, story: Story) -> tuple[str, str, str]:
    """A life in the shop: Zeb leaves traces everywhere, Ann beside him too. Profiles of both, and Zeb's BSUID."""
    await shop.people([
        {"wa_id": ZEB, "name": NAME, "behaviour": {"read": 1, "read_delay": 2}}, {"wa_id": ANN, "name": "Ann"},
    ])  # fmt: skip
    await shop.add_template(
        "parcel_left", "Your parcel goes to {{place}} now.", variables={"place": "{{ event.place }}"}
    )
    await shop.publish(chatter())
    [zeb] = await shop.consent([ZEB], attributes={"name": NAME, "birthday": "1970-01-01"},
                               evidence={"wording": f"Yes, says {NAME}", "ip": "192.0.2.77", "collected_by": "shop"})  # fmt: skip
    [ann] = await shop.consent([ANN], attributes={"name": "Ann Neighbour"})
    await shop.consent([ZEB, ANN], "marketing", at=story.at("09:00", days=-40))
    await shop.api.patch(f"/v1/profiles/{zeb}", {"attributes": {"birthday": "1971-02-03", "nickname": "zebedee"}})
    other = await shop.api.post(
        "/v1/profiles", {"profiles": [{"external_id": CUSTOMER, "email": MAIL, "attributes": {"pet": "Ottoline"}}]}
    )
    other_id = other["profiles"][0]["profile_id"]
    await shop.api.post("/v1/events", {"name": "page.seen", "profile_id": other_id, "properties": {"pet": "ottoline"},
                                       "idempotency_key": f"seen-{MAIL}"})  # fmt: skip
    await shop.api.post(f"/v1/profiles/{zeb}/merge", {"loser_id": other_id})
    for phone in (ZEB, ANN):
        await shop.event(
            "parcel.left",
            phone,
            key=f"parcel-{phone}",
            place="the attic at Larkspur Lane" if phone == ZEB else "the porch",
        )
    await story.advance(seconds=6)
    for phone in (ZEB, ANN):
        await shop.act(phone, "text", text=SAID if phone == ZEB else "hello from Ann")
    await shop.act(ZEB, "image", base64=base64.b64encode(FILE).decode(), mime_type="image/jpeg", caption=CAPTION)
    await shop.act(ZEB, "contacts")
    await story.advance(seconds=6)
    answer = {"key": f"answer-{ZEB}", "identities": [{"scheme": "phone", "value": ZEB}], "purpose": "service",
              "content": {"type": "text", "body": WRITTEN}}  # fmt: skip
    await shop.api.post("/v1/deliveries", answer)
    later = template_message(ZEB, f"later-{ZEB}", "parcel_left", variables={"event": {"place": "the attic at Larkspur Lane"}},
                             planned_at=story.at("18:00", days=3).isoformat())  # fmt: skip
    await shop.deliver(
        [later, template_message(ANN, "later-ann", "parcel_left", variables={"event": {"place": "the porch"}})]
    )
    await shop.api.post(
        "/v1/suppressions", {"suppressions": [{"address": ZEB, "note": f"{NAME} rang", "reason": "manual"}]}
    )
    await shop.api.put("/v1/allow-list", {"on": False, "addresses": [ZEB, ANN]})
    await shop.act(ZEB, "text", text="STOP")
    await story.advance(seconds=6)
    person = await shop.sim.get(f"/sim/people/{ZEB.lstrip('+')}")
    return zeb, ann, str(person.get("bsuid") or person.get("user_id") or "")


@pytest.mark.story(middle="erased")
async def test_one_request_erases_a_person_everywhere(story: Story) -> None:
    shop = await Shop.open(story)
    zeb, ann, bsuid = await live(shop, story)
    needles = [*NEEDLES, *([bsuid] if bsuid else [])]
    before = dump(story)
    assert mentions(before, needles).keys() >= {"447700900321", "zebedee", "zeb.quill", CUSTOMER, "ottoline"}
    assert TABLES - tables_naming(before, needles) == set()
    neighbour = mentions(before, ["447700900322", "ann neighbour", "hello from ann", "the porch"])

    archive = await shop.api.post(f"/v1/profiles/{zeb}/archive")
    await story.until(lambda: _is_ready(shop, archive["id"]))
    assert "archive_parts" in tables_naming(dump(story), needles)
    counted = await shop.api.post(f"/v1/profiles/{zeb}/erasure", {"dry_run": True})
    assert counted["state"] == "dry_run"
    assert TABLES - tables_naming(dump(story), needles) == set()  # nothing went
    # A message is on its way while the person is erased: its reports come later.
    await shop.sim.post("/sim/scenarios", {"kind": "delay", "match": {"recipient": ZEB}, "seconds": 120})
    await shop.api.delete(f"/v1/suppressions/{(await shop.api.items('/v1/suppressions'))[0]['id']}")
    await shop.api.post("/v1/suppressions", {"suppressions": [{"address": MAIL, "note": NAME, "channel": "email"}]})
    known = len(await shop.received(ZEB))
    await shop.deliver(
        [
            template_message(
                ZEB, f"last-{ZEB}", "parcel_left", variables={"event": {"place": "the attic at Larkspur Lane"}}
            )
        ]
    )
    await story.until(lambda: _arrived(shop, known + 1))
    report = await shop.api.post(f"/v1/profiles/{zeb}/erasure", {"reason": "person_request"})
    check_report(report, counted)
    await story.step("erased")
    assert mentions(dump(story), needles) == {}
    await story.advance(minutes=5)
    await story.advance(minutes=11)
    await story.until(lambda: _settled(story, needles))
    after = dump(story)
    assert mentions(after, ["447700900322", "ann neighbour", "hello from ann", "the porch"]).keys() == neighbour.keys()
    check_hashes(after)

    assert await shop.api.get(f"/v1/erasures/{report['id']}") == report
    assert [one["id"] for one in await shop.api.items("/v1/erasures")] == [report["id"]]
    status, _, _ = await shop.api.exchange("GET", f"/v1/profiles/{zeb}")
    assert status == 404
    assert (await shop.api.exchange("GET", f"/v1/archives/{archive['id']}"))[0] == 404
    await check_that_the_stop_holds(shop, story)
    trail = [one for one in await shop.api.items("/v1/audit") if one["action"] == "profile.erased"]
    assert {one["object_id"] for one in trail} == set(report["profile_ids"])
    assert ann not in report["profile_ids"]


async def _is_ready(shop: Shop, archive_id: str) -> bool:
    return bool((await shop.api.get(f"/v1/archives/{archive_id}"))["state"] == "ready")


async def _arrived(shop: Shop, at_least: int) -> bool:
    return len(await shop.received(ZEB)) >= at_least


async def _settled(story: Story, needles: list[str]) -> bool:
    return mentions(dump(story), needles) == {}


def check_report(report: dict[str, Any], counted: dict[str, Any]) -> None:
    """What went, what stays, and why."""
    assert report["state"] == "done"
    assert len(report["profile_ids"]) == 2  # the merged one too
    erased = {store: count["erased"] for store, count in report["counts"].items()}
    assert all(
        erased[store] > 0
        for store in (
            "profiles", "identities", "events", "messages", "media", "webhook_bodies", "delivery_contents", "delivery_keys",
            "runs", "profile_keys", "attribute_changes", "consents", "attempts",
        )
    ), erased  # fmt: skip
    assert {one["store"] for one in report["kept"]} >= {
        "profiles",
        "deliveries",
        "consent_entries",
        "consent_tombstones",
    }
    assert all(one["why"] and one["count"] > 0 for one in report["kept"])
    assert report["tombstones"] > 0
    assert {"profiles", "identities", "media", "events", "profile_keys"} <= {
        store for store, count in counted["counts"].items() if count["erased"] == erased[store]
    }


def check_hashes(pieces: list[Piece]) -> None:
    """Nobody finds a tombstone by hashing numbers."""
    spellings = [
        prefix + digits
        for digits in ("447700900321", "7700900321", "07700900321")
        for prefix in ("", "+", "tel:", "tel:+", "phone:")
    ]
    wanted = set(plain_hashes([*spellings, MAIL, f"email:{MAIL}", CUSTOMER, NAME]))
    found = {
        piece.place for piece in pieces for one in wanted if one in piece.content or one.hex().encode() in piece.content
    }
    assert found == set()
    assert any(piece.place == "consent_tombstones.identity_hash" for piece in pieces)


async def check_that_the_stop_holds(shop: Shop, story: Story) -> None:
    """A file with the number again, and no fresh evidence: no offers."""
    told = await story_import(shop, story.at("09:00", days=-30))
    assert told["imported"] == 1
    await shop.add_template(
        "spring_roast", "Our spring roast is here, fresh and bright.", purpose="marketing", category="marketing"
    )
    [outcome] = await shop.deliver([template_message(ZEB, "after-the-import", "spring_roast", "marketing")])
    assert (outcome["status"], outcome["reason"]) == ("excluded", "opted_out")


async def story_import(shop: Shop, at: datetime) -> dict[str, Any]:
    """Import the number with an old consent."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            "phone",
            "consent_channel",
            "consent_purpose",
            "consent_state",
            "consent_at",
            "consent_source",
            "consent_wording",
        ]
    )
    writer.writerow([ZEB, "whatsapp", "marketing", "granted", at.isoformat(), "old list", "I agree to offers."])
    edge = "edge-of-the-form"
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\nContent-Type: text/csv\r\n\r\n'
        f"{text.getvalue()}\r\n--{edge}--\r\n"
    )
    status, answer, _ = await shop.api.exchange(
        "POST", "/v1/imports", data=body.encode(), headers={"Content-Type": f"multipart/form-data; boundary={edge}"}
    )
    assert status == 201, answer
    return dict(answer)
