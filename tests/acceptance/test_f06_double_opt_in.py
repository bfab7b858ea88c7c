"""F6. Subscription confirmation with double opt-in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from .harness.shop import Shop, template_message
from .harness.story import Story

PIET, SANNE, OMAR, NOOR = "+447700900303", "+447700900304", "+447700900305", "+447700900306"
FORM = "nl-foot-2"
WORDING = "Ja, Brisk Coffee mag mij aanbiedingen sturen via WhatsApp. Ik kan altijd stoppen."
CONSENT_TEXTS = {
    "en": "Would you like offers and news from {{business}}? Please confirm that it was you.",
    "nl": "Wil je aanbiedingen en nieuws van {{business}} ontvangen? Bevestig even dat jij het was.",
}


def answers(yes: str, no: str) -> list[dict[str, str]]:
    """The two quick replies of the question."""
    return [{"type": "QUICK_REPLY", "text": yes}, {"type": "QUICK_REPLY", "text": no}]


async def prepare(story: Story, **settings: Any) -> Shop:
    """Double opt-in is on; the question in two languages, a promotion, and the form of the shop's own page."""
    shop = await Shop.open(story)
    await shop.api.patch("/v1/workspace", {"settings": {"double_opt_in": True, **settings}})
    await shop.add_template(
        "opt_in_question", CONSENT_TEXTS, purpose="consent_request", variables={"business": "{{ business }}"},
        buttons={"en": answers("Yes, please", "No"), "nl": answers("Ja, graag", "Nee")},
    )  # fmt: skip
    await shop.add_template(
        "spring_roast", "Our spring roast is here, fresh and bright.", purpose="marketing", category="marketing"
    )
    form = {
        "slug": FORM, "name": "Footer", "topics": [{"key": "offers", "labels": {"nl": "Aanbiedingen"}}],
        "wordings": [{"language": "nl", "text": WORDING, "hash": "9f2c"}], "privacy_notice_version": "2026-01",
    }  # fmt: skip
    made = await shop.api.post("/v1/opt-in-forms", form)
    assert made["path"] == f"/o/{FORM}"
    await shop.people([{"wa_id": phone, "locale": "nl"} for phone in (PIET, SANNE, OMAR, NOOR)])
    return shop


async def submit(shop: Shop, phone: str, key: str, ip: str = "198.51.100.7") -> dict[str, Any]:
    """The shop's page sends the form in."""
    body = {
        "phone": phone,
        "topics": ["offers"],
        "locale": "nl",
        "ip": ip,
        "wording_hash": "9f2c",
        "idempotency_key": key,
    }
    done: dict[str, Any] = await shop.api.post(f"/v1/opt-in-forms/{FORM}/submissions", body)
    return done


async def promote(shop: Shop, phone: str, key: str) -> dict[str, Any]:
    """Ask for a marketing message and say what became of it."""
    done: dict[str, Any] = await shop.api.post(
        "/v1/deliveries", template_message(phone, key, "spring_roast", "marketing")
    )
    return done


async def agreed(shop: Shop, profile: str) -> dict[str, Any]:
    """What holds and how it came about."""
    found: dict[str, Any] = await shop.api.get(f"/v1/profiles/{profile}/consents")
    assert found["is_intact"]
    return found


def scope(consents: dict[str, Any], topic: str = "", channel: str = "whatsapp") -> dict[str, Any]:
    """What holds for marketing or a topic of it."""
    [found] = [
        row
        for row in consents["current"]
        if (row["channel"], row["purpose"], row["topic"]) == (channel, "marketing", topic)
    ]
    return dict(found)


def channel_of(consents: dict[str, Any]) -> dict[str, Any]:
    """What else stops marketing on WhatsApp."""
    [found] = [row for row in consents["channels"] if row["channel"] == "whatsapp"]
    return dict(found)


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in messages]


def buttons(message: dict[str, Any]) -> list[str]:
    return [button["text"] for button in message["buttons"]]


@pytest.mark.story(middle="submitted")
async def test_a_tap_confirms_what_a_form_began(story: Story) -> None:
    shop = await prepare(story)
    done = await submit(shop, PIET, "submission-1")
    assert done["state"] == "pending"
    piet = done["profile_id"]
    await story.step("submitted")
    again = await submit(shop, PIET, "submission-1")
    assert again == done
    await story.advance_to(story.at("09:01"))

    [question] = await shop.received(PIET)
    assert (question["template"], question["language"]) == ("opt_in_question", "nl")
    assert question["text"] == CONSENT_TEXTS["nl"].replace("{{business}}", "Brisk Coffee")
    assert buttons(question) == ["Ja, graag", "Nee"]
    assert scope(await agreed(shop, piet))["state"] == "pending"
    assert scope(await agreed(shop, piet), "offers")["state"] == "pending"
    early = await promote(shop, PIET, "promo-early")
    assert (early["status"], early["reason"]) == ("excluded", "consent_pending")

    await story.advance_to(story.at("09:02"))
    tapped = await shop.act(PIET, "tap", text="Ja, graag")
    await story.step("tapped")
    await story.advance_to(story.at("09:05"))
    await check_the_evidence(shop, piet, message_id=tapped["wamid"], tapped_at=story.at("09:02"))
    await check_the_welcome(shop, piet)

    await story.step("welcomed")
    late = await promote(shop, PIET, "promo-late")
    await story.advance_to(story.at("09:10"))
    assert (await shop.delivery(late["id"]))["status"] in {"delivered", "read"}
    assert (await promote(shop, PIET, "promo-early"))["status"] == "excluded"  # the same key is the same delivery
    assert (await shop.counts())["by_template"] == {"opt_in_question": 1, "spring_roast": 1}


async def check_the_evidence(shop: Shop, piet: str, *, message_id: str, tapped_at: datetime) -> None:
    """Granted for marketing and the topic, each with what was read, where, from where, and the tap."""
    consents = await agreed(shop, piet)
    for topic in ("", "offers"):
        assert scope(consents, topic)["state"] == "granted"
        [grant] = [
            line
            for line in consents["history"]
            if (line["purpose"], line["topic"], line["state"]) == ("marketing", topic, "granted")
        ]
        evidence = grant["evidence"]
        assert (evidence["form_id"], evidence["wording_hash"], evidence["ip"]) == (FORM, "9f2c", "198.51.100.7")
        assert evidence["message_id"] == message_id
        assert (evidence["wording"], evidence["language"]) == (WORDING, "nl")
        assert (evidence["business_name"], evidence["privacy_notice_version"]) == ("Brisk Coffee", "2026-01")
        assert (grant["source"], grant["address"]) == ("tap", PIET)
        assert abs(datetime.fromisoformat(grant["effective_at"]) - tapped_at) < timedelta(seconds=30)
    states = [line["state"] for line in consents["history"] if line["purpose"] == "marketing" and not line["topic"]]
    assert states == ["granted", "pending"]  # newest first


async def check_the_welcome(shop: Shop, piet: str) -> None:
    """In Dutch, as free text inside the window, at no cost; the question cost a utility template."""
    question, welcome = await shop.received(PIET)
    assert question["template"] == "opt_in_question"
    assert welcome["type"] == "text"
    assert welcome["text"].startswith("Welkom!")
    costs = {}
    for row in await shop.api.items("/v1/deliveries", profile_id=piet):
        if row["status"] != "excluded":
            costs[row["template"]] = (await shop.delivery(row["id"]))["cost"]["amount_micro"]
    assert costs == {"opt_in_question": 20_000, None: 0}


@pytest.mark.story(middle="reminded")
async def test_silence_expires_after_seven_days(story: Story) -> None:
    shop = await prepare(story, double_opt_in_reminder=True)
    sanne = (await submit(shop, SANNE, "submission-2"))["profile_id"]
    asked_at = story.now()
    await story.advance_to(story.at("09:30"))
    await submit(shop, SANNE, "submission-3")  # again the same day: no second question
    await story.advance_to(story.at("18:00"))
    assert len(await shop.received(SANNE)) == 1

    await story.advance_to(story.at("18:00", days=4))
    await story.step("reminded")
    assert [message["template"] for message in await shop.received(SANNE)] == ["opt_in_question"] * 2
    assert scope(await agreed(shop, sanne))["state"] == "pending"
    await story.advance_to(asked_at + timedelta(days=6, hours=23))
    assert scope(await agreed(shop, sanne))["state"] == "pending"
    await story.advance_to(asked_at + timedelta(days=7, hours=1))

    consents = await agreed(shop, sanne)
    assert scope(consents)["state"] == scope(consents, "offers")["state"] == "expired"
    [line] = [one for one in consents["history"] if one["state"] == "expired" and not one["topic"]]
    assert line["source"] == "system"
    refused = await promote(shop, SANNE, "promo-expired")
    assert (refused["status"], refused["reason"]) == ("excluded", "consent_expired")

    await shop.act(SANNE, "tap", text="Ja, graag")  # too late: what was asked for is over, so it is asked anew
    await story.advance_to(asked_at + timedelta(days=7, hours=2))
    assert scope(await agreed(shop, sanne))["state"] == "pending"
    await story.advance_to(asked_at + timedelta(days=8))
    assert (await shop.counts())["by_template"] == {"opt_in_question": 2}


async def opted_in(story: Story, shop: Shop, phone: str) -> str:
    """A person who agreed in the shop; the profile id."""
    wording = {"wording": WORDING, "language": "nl", "collected_by": "till"}
    [profile] = await shop.consent(
        [phone], "marketing", at=story.now() - timedelta(days=1), evidence=wording, attributes={"locale": "nl"}
    )
    return profile


@pytest.mark.story(middle="stopped")
async def test_stop_in_any_spelling_and_a_question_where_it_is_unclear(story: Story) -> None:
    shop = await prepare(story)
    piet, omar = await opted_in(story, shop, PIET), await opted_in(story, shop, OMAR)

    await story.advance_to(story.at("10:00"))
    stop = await shop.act(PIET, "text", text="Stopp!!")
    unclear = await shop.act(OMAR, "text", text="can you stop")
    await story.step("stopped")
    await story.advance_to(story.at("10:05"))

    consents = await agreed(shop, piet)
    assert scope(consents)["state"] == "withdrawn"
    [line] = [one for one in consents["history"] if one["state"] == "withdrawn"]
    assert (line["source"], line["evidence"]["message_id"]) == ("keyword", stop["wamid"])
    [confirmation] = await shop.received(PIET)
    assert "WhatsApp" in confirmation["text"]
    assert len(buttons(confirmation)) == 1  # stop everything
    refused = await promote(shop, PIET, "promo-stopped")
    assert (refused["status"], refused["reason"]) == ("excluded", "opted_out")

    assert channel_of(await agreed(shop, omar))["hold_since"] is not None
    assert scope(await agreed(shop, omar))["state"] == "granted"
    held = await promote(shop, OMAR, "promo-held")
    assert held["status"] == "excluded"
    [question] = await shop.received(OMAR)
    assert len(buttons(question)) == 2
    assert unclear["wamid"]
    await story.advance_to(story.at("10:05", days=1))
    assert channel_of(await agreed(shop, omar))["hold_since"] is not None  # no answer keeps the hold

    await shop.act(OMAR, "tap", index=1)
    await story.advance_to(story.at("10:10", days=1))
    assert channel_of(await agreed(shop, omar))["hold_since"] is None
    sent = await promote(shop, OMAR, "promo-kept")
    await shop.act(PIET, "text", text="STOP")
    await shop.act(PIET, "text", text="stop it pls")
    await story.advance_to(story.at("10:20", days=1))
    assert (await shop.delivery(sent["id"]))["status"] in {"delivered", "read"}
    assert len(await shop.received(PIET)) == 2  # one confirmation a day

    # An own list adds words; that it names a built-in one as something else takes nothing away.
    await shop.api.put("/v1/keywords", {"stop": ["genoeg koffie"], "start": ["stop"], "help": ["STOP", "arrêt"]})
    sanne = await opted_in(story, shop, SANNE)
    await shop.act(OMAR, "text", text="STOP")
    await shop.act(SANNE, "text", text="Genoeg koffie!")
    await story.advance_to(story.at("10:30", days=1))
    for profile in (omar, sanne):
        assert scope(await agreed(shop, profile))["state"] == "withdrawn"


@pytest.mark.story(middle="started")
async def test_start_asks_first_and_the_platforms_stop_stays_its_own(story: Story) -> None:
    shop = await prepare(story)
    piet, omar = await opted_in(story, shop, PIET), await opted_in(story, shop, OMAR)

    await story.advance_to(story.at("10:00"))
    await shop.act(PIET, "text", text="stop")
    await shop.act(OMAR, "stop_marketing")
    await story.advance_to(story.at("10:05"))
    assert scope(await agreed(shop, omar))["state"] == "granted"  # the person's own word still stands
    assert channel_of(await agreed(shop, omar))["platform_stop_at"] is not None
    refused = await promote(shop, OMAR, "promo-platform")
    assert (refused["status"], refused["reason"]) == ("excluded", "platform_stop")

    await shop.act(PIET, "text", text="START")
    await shop.act(OMAR, "text", text="START")
    await story.step("started")
    await story.advance_to(story.at("10:10"))
    assert scope(await agreed(shop, piet))["state"] == "pending"  # START grants nothing by itself
    assert channel_of(await agreed(shop, omar))["platform_stop_at"] is not None  # lifted only on its own side
    question = (await shop.received(PIET))[-1]
    assert buttons(question) == ["Ja, graag", "Nee"]
    await shop.act(PIET, "tap", text="Ja, graag")
    await shop.act(OMAR, "resume_marketing")
    await story.advance_to(story.at("10:20"))
    assert scope(await agreed(shop, piet))["state"] == "granted"
    assert channel_of(await agreed(shop, omar))["platform_stop_at"] is None
    for phone, key in ((PIET, "promo-back"), (OMAR, "promo-resumed")):
        sent = await promote(shop, phone, key)
        await story.settle()
        assert sent["status"] in {"queued", "accepted", "sent", "delivered"}, sent
    await shop.act(PIET, "stop_marketing")
    await story.advance_to(story.at("10:30"))
    await shop.act(PIET, "text", text="stop")
    await shop.act(PIET, "resume_marketing")
    await story.advance_to(story.at("10:40"))
    consents = await agreed(shop, piet)
    assert scope(consents)["state"] == "withdrawn"  # the platform's resume does not lift the person's own stop
    assert channel_of(consents)["platform_stop_at"] is None


@pytest.mark.story(middle="sent")
async def test_a_link_with_a_code_and_the_hosted_page_collect_opt_ins(story: Story) -> None:
    shop = await prepare(story)
    link = await shop.api.post(
        "/v1/opt-in-links",
        {"name": "Counter card", "text": "Ja, stuur mij aanbiedingen", "wording": WORDING, "language": "nl",
         "wording_version": "v2", "topics": ["offers"]},
    )  # fmt: skip
    assert link["url"].startswith("https://wa.me/447700900000?text=Ja%2C%20stuur%20mij%20aanbiedingen")
    assert link["code"] in link["url"]
    status, picture, headers = await shop.api.exchange("GET", link["qr_svg"])
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "image/svg+xml")
    assert picture.lstrip().startswith("<?xml")
    status, _, headers = await shop.api.exchange("GET", link["qr_png"])
    assert (status, headers["Content-Type"]) == (200, "image/png")

    await story.advance_to(story.at("11:00"))
    said = await shop.act(OMAR, "text", text=f"Ja, stuur mij aanbiedingen (#{link['code']})")
    await shop.act(SANNE, "text", text="Ja, stuur mij aanbiedingen (#AAAAAAAA)")  # no code of ours
    await story.step("sent")
    await story.advance_to(story.at("11:05"))
    omar = (await promote(shop, OMAR, "promo-linked"))["profile_id"]
    consents = await agreed(shop, omar)
    assert scope(consents)["state"] == scope(consents, "offers")["state"] == "granted"
    [grant] = [one for one in consents["history"] if one["state"] == "granted" and one["topic"] == "offers"]
    assert grant["source"] == "link"
    assert (grant["evidence"]["form_id"], grant["evidence"]["wording"]) == (link["code"], WORDING)
    assert grant["evidence"]["message_id"] == said["wamid"]
    assert [text[:7] for text in texts(await shop.received(OMAR))][:1] == ["Welkom!"]
    other = await promote(shop, SANNE, "promo-unlinked")
    assert (other["status"], other["reason"]) == ("excluded", "no_consent")
    await check_the_page(story, shop)


async def check_the_page(story: Story, shop: Shop) -> None:
    """The hosted form: shown without a script, refuses what is not agreement, and asks to confirm."""
    page = f"/o/{FORM}"
    status, html, headers = await shop.api.exchange("GET", page, query={"lang": "nl"})
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert WORDING in html
    assert "9f2c" in html
    assert (await shop.api.exchange("GET", "/o/no-such-form"))[0] == 404

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    filled = b"phone=%2B447700900306&agree=yes&topic=offers&wording=9f2c&lang=nl"
    status, html, _ = await shop.api.exchange("POST", page, data=filled.replace(b"&agree=yes", b""), headers=form)
    assert status == 422
    status, html, _ = await shop.api.exchange(
        "POST", page, data=filled.replace(b"%2B447700900306", b"nobody"), headers=form
    )
    assert status == 422
    assert 'role="alert"' in html
    status, html, _ = await shop.api.exchange("POST", page, data=filled + b"&website=spam", headers=form)
    assert status == 200  # a robot is told what it likes to hear
    await story.settle()
    assert await shop.received(NOOR) == []

    status, html, _ = await shop.api.exchange("POST", page, data=filled, headers=form)
    assert status == 200
    assert 'role="status"' in html
    await story.step("posted")
    await story.advance_to(story.at("11:15"))
    [question] = await shop.received(NOOR)
    assert buttons(question) == ["Ja, graag", "Nee"]
    await shop.act(NOOR, "tap", text="Nee")
    await story.advance_to(story.at("11:25"))
    noor = (await promote(shop, NOOR, "promo-declined"))["profile_id"]
    assert scope(await agreed(shop, noor))["state"] == "withdrawn"
