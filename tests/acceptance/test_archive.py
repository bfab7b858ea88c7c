"""One request gives everything that is held about a person, and nothing about anybody else."""

from __future__ import annotations

import io
import json
import zipfile

import aiohttp
import pytest

from .harness.dump import Piece, dump, mentions
from .harness.shop import Shop
from .harness.story import Story
from .test_erasure import CAPTION, FILE, NAME, NEEDLES, SAID, WRITTEN, ZEB, live

# Where the person stands, and the archive says why not in it: raw bodies repeat the messages; digests and queues.
REPEATED = {"webhook_bodies", "archive_parts", "jobs"}


@pytest.mark.story(middle="asked")
async def test_an_archive_holds_all_that_a_dump_knows_of_the_person(story: Story) -> None:
    shop = await Shop.open(story)
    zeb, ann, _ = await live(shop, story)
    made = await shop.api.post(f"/v1/profiles/{zeb}/archive")
    assert (made["state"], made["profile_id"]) == ("waiting", zeb)
    await story.step("asked")
    await story.until(lambda: _ready(shop, made["id"]))
    answer = await shop.api.get(f"/v1/archives/{made['id']}")
    document = answer["archive"]
    text = json.dumps(document, ensure_ascii=False).encode()
    held = [piece for piece in dump(story) if piece.place.partition(".")[0] not in REPEATED]
    there = mentions([Piece("archive", text)], NEEDLES)
    assert mentions(held, NEEDLES).keys() - there.keys() <= {"pixels of Ottoline"}
    for said in (SAID, CAPTION, WRITTEN, NAME, "Yes, says", "192.0.2.77", f"later-{ZEB}", "rang"):
        assert said in text.decode(), said
    assert {name for name, count in answer["counts"].items() if count} >= {
        "profiles", "identities", "attribute_changes", "merges", "events", "messages", "conversations", "deliveries",
        "attempts", "runs", "steps", "consents", "consent_ledger", "suppressions", "allow_list", "media", "trail",
    }  # fmt: skip
    assert len(document["profiles"]) == 2
    assert "447700900322" not in text.decode()  # nobody else
    assert "Ann" not in text.decode()

    with zipfile.ZipFile(io.BytesIO(await fetch(shop, made["id"]))) as packed:
        assert json.loads(packed.read("archive.json")) == document
        [photo] = [one for one in document["media"] if one["kind"] == "image"]
        assert packed.read(photo["file"]) == FILE
    trail = [one["action"] for one in await shop.api.items("/v1/audit") if one["action"].startswith("archive.")]
    assert trail.count("archive.requested") == 1
    assert trail.count("archive.read") >= 2

    await story.advance(days=8)
    status, problem, _ = await shop.api.exchange("GET", f"/v1/archives/{made['id']}")
    assert (status, problem["code"]) == (404, "unknown_archive")
    for _ in range(3):  # the nightly job may have run just before the period was over
        if await _is_gone(story):
            break
        await story.advance(days=1)
    await story.until(lambda: _is_gone(story))
    assert (await shop.api.exchange("GET", f"/v1/profiles/{ann}"))[0] == 200


async def _ready(shop: Shop, archive_id: str) -> bool:
    return bool((await shop.api.get(f"/v1/archives/{archive_id}"))["state"] == "ready")


async def _is_gone(story: Story) -> bool:
    return not any(piece.place.startswith("archive_parts") for piece in dump(story))


async def fetch(shop: Shop, archive_id: str) -> bytes:
    """The archive as a zip."""
    headers = {"Authorization": f"Bearer {shop.api.token}"}
    url = f"{shop.api.base_url}/v1/archives/{archive_id}?format=zip"
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
        return await answer.read()
