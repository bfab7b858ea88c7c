"""What happens to a message after it was accepted: fate, sent, delivered, read, played, failed, expired."""

from cloudsim.graph.errors import webhook_error
from cloudsim.identifiers import Dice
from cloudsim.jsontypes import Json
from cloudsim.pricing import Windows, is_policy_b, month_of, price
from cloudsim.simulator import Simulator
from cloudsim.webhooks.bodies import contact, status_value
from cloudsim.webhooks.bodies import status_object as bare_status
from cloudsim.world import THIRTY_DAYS, TIERS, Message, Person, Phone, Template, Thread, Waba

DAY = 86400.0
DEFAULT_TTL = 30 * DAY
AUTHENTICATION_TTL = 600.0
FINAL = frozenset({"failed", "expired", "read", "played"})


def dispatch(sim: Simulator, message: Message, plan: Json | None) -> None:
    """Decide what becomes of an accepted message and set its timers (reference 13, steps 9 to 15)."""
    world = sim.world
    phone = world.phones[message.phone_id]
    waba = world.wabas[phone.waba_id]
    person = world.person(message.wa_id)
    thread = world.thread(phone.id, message.wa_id)
    template = world.templates.get(message.template_id)
    dice = sim.dice(message.wa_id, phone.id, thread.count)
    behaviour = sim.behaviour(person)
    message.plan = plan
    message.rolls = dice
    message.expires_at = message.at + ttl_of(template)
    if plan is not None and "fail" in plan:
        if not plan.get("after_sent"):
            sim.timers.after(dice.between(3, *behaviour.failed_delay), fail, sim, message, plan["fail"])
            return
    elif plan is not None and plan.get("delivered") and (template is not None or thread.window_until > message.at):
        pass  # dealt: nothing stands in its way, but no quota opens a closed window
    else:
        code = find_obstacle(sim, message, phone=phone, waba=waba, person=person, thread=thread, template=template)
        if code:
            sim.timers.after(dice.between(3, *behaviour.failed_delay), fail, sim, message, code)
            return
    sim.timers.after(dice.between(0, *behaviour.sent_delay), send, sim, message)


def find_obstacle(
    sim: Simulator,
    message: Message,
    *,
    phone: Phone,
    waba: Waba,
    person: Person,
    thread: Thread,
    template: Template | None,
) -> int:
    """The code with which this message will fail, or 0. A place in the portfolio limit is taken on the way."""
    now = message.at
    settings = sim.settings
    window_open = thread.window_until > now
    if template is None and not window_open:
        return 131047
    if person.fail_with:
        return person.fail_with
    if not person.on_whatsapp or phone.id in person.has_blocked or person.moved_to:
        return 131026
    if person.wa_id in phone.blocked:
        return 130403
    marketing = message.category == "marketing"
    free_entry = thread.fep_until > now
    if marketing:
        if waba.portfolio_id in person.stopped:
            return 131050
        if not window_open and not free_entry and _falls(sim, person, 130472):
            return 130472
        if settings.us_marketing_blocked and person.country == "US":
            return 131049
        if not window_open and (_falls(sim, person, 131049) or _is_saturated(sim, person, now)):
            return 131049
    if _falls(sim, person, 131026):
        return 131026
    if template is not None and not window_open and not _take_place(sim, message, waba, now):
        return settings.portfolio_limit_code
    if (
        template is None
        and not waba.payment_method
        and _is_policy_b(waba, now)
        and not _free_left(sim, phone, waba, now)
    ):
        return 131042
    return 0


def _falls(sim: Simulator, person: Person, code: int) -> bool:
    """Whether this person is one of the share that always meets this code."""
    share = sim.settings.probabilities.get(str(code), 0.0)
    return share > 0.0 and sim.dice(person.wa_id, "share", code).roll(0) < share


def _is_saturated(sim: Simulator, person: Person, now: float) -> bool:
    cap = sim.settings.marketing_cap if person.marketing_cap is None else person.marketing_cap
    if cap <= 0 and person.marketing_cap is None:
        return False
    person.marketing_at = tuple(at for at in person.marketing_at if at > now - DAY)
    return len(person.marketing_at) >= cap


def _take_place(sim: Simulator, message: Message, waba: Waba, now: float) -> bool:
    """Count the recipient against the portfolio's unique people in 24 h; False when the limit is reached."""
    portfolio = sim.world.portfolios[waba.portfolio_id]
    limit = TIERS.get(portfolio.limit, 0) if portfolio.limit.startswith("TIER") else int(portfolio.limit)
    if limit <= 0:
        return True
    reached = portfolio.reached
    if reached.get(message.wa_id, 0.0) > now:
        return True
    if len(reached) >= limit:
        for wa_id in [wa_id for wa_id, until in reached.items() if until <= now]:
            del reached[wa_id]
        if len(reached) >= limit:
            return False
    reached[message.wa_id] = now + DAY
    message.counted = True
    return True


def ttl_of(template: Template | None) -> float:
    if template is None:
        return DEFAULT_TTL
    if template.ttl_seconds is not None and template.ttl_seconds > 0:
        return float(template.ttl_seconds)
    return AUTHENTICATION_TTL if template.category == "AUTHENTICATION" and template.ttl_seconds is None else DEFAULT_TTL


def _is_policy_b(waba: Waba, at: float) -> bool:
    return is_policy_b(at, waba.timezone)


def _tier_key(sim: Simulator, phone: Phone, waba: Waba) -> str:
    return phone.id if sim.settings.free_tier_scope == "phone" else waba.id


def _free_left(sim: Simulator, phone: Phone, waba: Waba, at: float) -> bool:
    used = sim.world.usage[_tier_key(sim, phone, waba), month_of(at, waba.timezone), "service"]
    return used < sim.settings.free_tier


def set_price(sim: Simulator, message: Message) -> None:
    """Fix `pricing` when the message is sent; a free service message takes its place in the month's tier now."""
    world = sim.world
    phone = world.phones[message.phone_id]
    waba = world.wabas[phone.waba_id]
    thread = world.thread(phone.id, message.wa_id)
    now = sim.now()
    policy_b = _is_policy_b(waba, now)
    message.fep = thread.fep_until > now
    windows = Windows(service=thread.window_until > message.at, free_entry=message.fep)
    service = message.category == "service"
    message.pricing = price(
        message.category,
        windows,
        policy_b=policy_b,
        free_left=service and _free_left(sim, phone, waba, now),
        utility_in_window_charged=sim.settings.utility_in_window_charged,
        paid_exempt=waba.paid_exempt,
    )
    if service and policy_b and not message.fep and message.pricing["type"] == "free_customer_service":
        key = (_tier_key(sim, phone, waba), month_of(now, waba.timezone), "service")
        world.usage[key] += 1
        message.tier_key = "\x1f".join(key)


def send(sim: Simulator, message: Message) -> None:
    """`sent`: the platform took it over. What follows depends on the person's device."""
    if message.state not in {"accepted", "held"}:
        return
    if message.type == "reaction":
        _report(sim, message, "sent")
        return
    set_price(sim, message)
    _report(sim, message, "sent")
    dice = message.rolls
    assert isinstance(dice, Dice)
    person = sim.world.person(message.wa_id)
    behaviour = sim.behaviour(person)
    plan = message.plan
    if plan is not None and plan.get("after_sent"):
        sim.timers.after(dice.between(3, *behaviour.failed_delay), fail, sim, message, plan["fail"])
    elif plan is not None and plan.get("delivered") is False:
        sim.timers.at(message.expires_at, expire, sim, message)
    elif person.online:
        sim.timers.after(dice.between(1, *behaviour.delivered_delay), deliver, sim, message)
    else:
        sim.world.thread(message.phone_id, message.wa_id).waiting += (message.id,)
        sim.timers.at(message.expires_at, expire, sim, message)


def deliver(sim: Simulator, message: Message) -> None:
    """`delivered`: it reached the device, unless that went offline in the meantime. The person may now react."""
    if message.state != "sent":
        return
    person = sim.world.person(message.wa_id)
    if not person.online:
        sim.world.thread(message.phone_id, message.wa_id).waiting += (message.id,)
        sim.timers.at(message.expires_at, expire, sim, message)
        return
    _report(sim, message, "delivered")
    if message.category == "marketing":
        person.marketing_at += (sim.now(),)
    sim.react(sim, message)
    message.rolls = None


def read(sim: Simulator, message: Message) -> None:
    """The person looked at it. Without receipts nobody is told."""
    if message.state in FINAL or message.inbound:
        return
    person = sim.world.person(message.wa_id)
    if person.receipts:
        _report(sim, message, "read")


def play(sim: Simulator, message: Message) -> None:
    """First play of a voice message."""
    if message.state in {"delivered", "read"} and sim.world.person(message.wa_id).receipts:
        _report(sim, message, "played")


def fail(sim: Simulator, message: Message, code: int, details: str = "") -> None:
    if message.state not in {"accepted", "held", "sent"}:
        return
    message.error = code
    message.error_details = details
    _give_back(sim, message)
    sim.world.counts.failed[str(code)] += 1
    _report(sim, message, "failed")


def expire(sim: Simulator, message: Message) -> None:
    """Its time to live is over: it is dropped, and nobody is told (reference 2.21)."""
    if message.state in {"accepted", "held", "sent"}:
        message.state = "expired"
        message.times["expired"] = sim.now()
        sim.world.counts.expired += 1
        _give_back(sim, message)


def bring_waiting(sim: Simulator, person: Person) -> None:
    """The device is back: what waited and has not expired is delivered, the oldest first."""
    delay = sim.behaviour(person).delivered_delay[0]
    for phone_id in sim.world.phones:
        thread = sim.world.threads.get((phone_id, person.wa_id))
        if thread is None:
            continue
        for number, wamid in enumerate(thread.waiting):
            sim.timers.after(delay + number * 0.001, deliver, sim, sim.world.messages[wamid])
        thread.waiting = ()


def _give_back(sim: Simulator, message: Message) -> None:
    if message.counted:
        message.counted = False
        portfolio = sim.world.portfolio_of(sim.world.phones[message.phone_id])
        portfolio.reached.pop(message.wa_id, None)
    if message.tier_key:
        owner, month, kind = message.tier_key.split("\x1f")
        sim.world.usage[owner, month, kind] -= 1
        message.tier_key = ""


def is_number_hidden(sim: Simulator, person: Person, portfolio_id: str, thread: Thread) -> bool:
    """People with a username hide their number from businesses not in touch with it for 30 days (reference 5.4)."""
    if not person.username or not sim.settings.phone_number_hidden or portfolio_id in person.contact_books:
        return False
    return thread.last_contact_at < sim.now() - THIRTY_DAYS


def identity_is_checked(phone: Phone) -> bool:
    return bool(phone.settings.get("user_identity_change", {}).get("enable_identity_key_check"))


def _report(sim: Simulator, message: Message, status: str) -> None:
    """Move the message on and post the status."""
    from_state, message.state = message.state, status
    now = sim.now()
    message.times[status] = now
    world = sim.world
    world.counts.statuses[status] += 1
    phone = world.phones[message.phone_id]
    waba = world.wabas[phone.waba_id]
    person = world.person(message.wa_id)
    hidden = bool(person.username) and is_number_hidden(
        sim, person, waba.portfolio_id, world.thread(phone.id, message.wa_id)
    )
    found: Json = bare_status(message, status, now)
    if not hidden:
        found["recipient_id"] = person.wa_id
    block: Json | None = None
    if status == "failed":
        if message.to_bsuid:
            found["recipient_user_id"] = world.bsuid(person, waba.portfolio_id)
        found["errors"] = [webhook_error(message.error, message.error_details)]
    else:
        found["recipient_user_id"] = world.bsuid(person, waba.portfolio_id)
        block = contact(world, person, waba.portfolio_id, hide_number=hidden, username=status != "sent")
        _add_pricing(sim, message, status, from_state, found)
        if identity_is_checked(phone):
            found["recipient_identity_key_hash"] = block["identity_key_hash"] = person.identity
    sim.emit(
        waba.id,
        "messages",
        status_value(phone, found, block),
        phone_id=phone.id,
        kind=status,
        wa_id=person.wa_id,
        wamid=message.id,
    )


def _add_pricing(sim: Simulator, message: Message, status: str, from_state: str, found: Json) -> None:
    """`pricing` comes with `sent` and with the first of `delivered` and `read`; `conversation` only in a free entry."""
    if message.pricing is None or status == "played":
        return
    if status == "sent":
        if sim.settings.pricing_on == "delivered":
            return
        if message.fep:
            thread = sim.world.thread(message.phone_id, message.wa_id)
            found["conversation"] = {
                "id": f"{message.id.encode()[-20:].hex()[:32]}",
                "expiration_timestamp": str(int(thread.fep_until)),
                "origin": {"type": "referral_conversion"},
            }
    elif sim.settings.pricing_on == "sent" or (status == "read" and from_state != "sent"):
        return
    found["pricing"] = message.pricing
