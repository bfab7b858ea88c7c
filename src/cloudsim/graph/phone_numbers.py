"""Business phone numbers: list, add, verify, register, settings (reference 1.5, 1.6, 11.11, 11.13)."""

from collections.abc import Awaitable

from cloudsim.graph.errors import GraphError, invalid, management_error
from cloudsim.graph.health import health_of_phone
from cloudsim.graph.nodes import Maker, lazy, page
from cloudsim.graph.subscriptions import change_phone_override, webhook_configuration
from cloudsim.http import Request, Response
from cloudsim.identifiers import fresh_id
from cloudsim.jsontypes import Json, as_object
from cloudsim.simulator import Simulator
from cloudsim.world import Phone, Waba

ATTEMPTS_MAX, ATTEMPTS_SECONDS = 10, 72 * 3600.0
NAME_CHANGES_MAX, NAME_CHANGES_SECONDS = 10, 30 * 86400.0
REGIONS = frozenset(["AU", "ID", "IN", "JP", "SG", "KR", "DE", "CH", "GB", "BR", "BH", "ZA", "AE", "CA"])
DEFAULT_FIELDS = ("id", "display_phone_number", "verified_name", "quality_rating", "code_verification_status")
NUMBERS_MAX, NUMBERS_MAX_UNVERIFIED = 20, 2


def view(sim: Simulator, phone: Phone) -> dict[str, Maker]:
    level = "HIGH" if phone.throughput_mps >= 1000 else "STANDARD"
    return {
        "id": lambda: phone.id,
        "display_phone_number": lambda: phone.display,
        "verified_name": lambda: phone.verified_name,
        "quality_rating": lambda: phone.quality,
        "code_verification_status": lambda: phone.code_status,
        "name_status": lambda: phone.name_status,
        "new_name_status": lambda: "NONE",
        "new_display_name": lambda: "",
        "status": lambda: phone.status if phone.registered else "PENDING",
        "account_mode": lambda: "SANDBOX" if phone.allow_list is not None else "LIVE",
        "platform_type": lambda: "CLOUD_API" if phone.registered else "NOT_APPLICABLE",
        "throughput": lambda: {"level": level},
        "is_official_business_account": lambda: phone.official,
        "is_pin_enabled": lambda: bool(phone.pin),
        "last_onboarded_time": lambda: "2026-01-05T09:00:00+0000",
        "certificate": lambda: "CERTIFICATE",
        "health_status": lambda: health_of_phone(sim, phone),
        "webhook_configuration": lambda: webhook_configuration(sim, phone),
        "whatsapp_business_manager_messaging_limit": lambda: sim.world.portfolio_of(phone).limit,
        "conversational_automation": lambda: {**phone.automation, "id": phone.id},
        "is_on_biz_app": lambda: False,
        "search_visibility": lambda: "NON_VISIBLE",
        "username": lambda: phone.username,
    }


def show(sim: Simulator, phone: Phone, request: Request) -> Response:
    return Response.of(lazy(view(sim, phone), request, DEFAULT_FIELDS))


def list_numbers(sim: Simulator, waba: Waba, request: Request) -> Response:
    numbers = [phone for phone in sim.world.phones.values() if phone.waba_id == waba.id]
    return page(request, [lazy(view(sim, phone), request, DEFAULT_FIELDS) for phone in numbers])


def add(sim: Simulator, waba: Waba, request: Request) -> Response:
    fields = request.fields()
    number = f"{fields.get('cc', '')}{fields.get('phone_number', '')}".translate(str.maketrans("", "", "+-() "))
    if not number.isdigit() or not fields.get("verified_name"):
        raise invalid("cc, phone_number and verified_name are required")
    if any(phone.number == number for phone in sim.world.phones.values()):
        raise management_error(2388012, "Phone number already exists", "This phone number is already in your account.")
    portfolio = sim.world.portfolios[waba.portfolio_id]
    owned = sum(sim.world.portfolio_of(phone).id == portfolio.id for phone in sim.world.phones.values())
    if owned >= (NUMBERS_MAX if portfolio.verified else NUMBERS_MAX_UNVERIFIED):
        raise invalid("The portfolio has as many phone numbers as it may have.")
    phone = Phone(
        fresh_id("4"),
        waba.id,
        number,
        f"+{number}",
        str(fields["verified_name"]),
        registered=False,
        status="PENDING",
        quality="UNKNOWN",
        name_status="PENDING_REVIEW",
        code_status="NOT_VERIFIED",
    )
    sim.world.phones[phone.id] = phone
    sim.timers.after(
        sim.dice(phone.number).between(0, *sim.settings.review_delay), approve_name, sim, phone, phone.verified_name
    )
    return Response.of({"id": phone.id})


def approve_name(sim: Simulator, phone: Phone, name: str, reason: str | None = None) -> None:
    """The decision on a display name."""
    phone.name_status = "DECLINED" if reason else "APPROVED"
    if not reason:
        phone.verified_name = name
    value: Json = {
        "display_phone_number": phone.number,
        "decision": "REJECTED" if reason else "APPROVED",
        "requested_verified_name": name,
        "rejection_reason": reason,
    }
    sim.emit(phone.waba_id, "phone_number_name_update", value)


def change(sim: Simulator, phone: Phone, request: Request) -> Response | Awaitable[Response]:
    """`pin`, `new_display_name` or `webhook_configuration`."""
    fields = request.fields()
    if "webhook_configuration" in fields:
        return change_phone_override(sim, phone, as_object(fields["webhook_configuration"]))
    if "pin" in fields:
        _set_pin(phone, str(fields["pin"]))
        sim.emit(
            phone.waba_id,
            "security",
            {"display_phone_number": phone.number, "event": "PIN_CHANGED", "requester": "71234567890123"},
        )
    elif fields.get("new_display_name"):
        _count_attempt(sim, phone, "name", NAME_CHANGES_MAX, NAME_CHANGES_SECONDS)
        phone.name_status = "PENDING_REVIEW"
        delay = sim.dice(phone.id, fields["new_display_name"]).between(0, *sim.settings.review_delay)
        sim.timers.after(delay, approve_name, sim, phone, str(fields["new_display_name"]))
    else:
        raise invalid("Nothing to change: pin, new_display_name or webhook_configuration")
    return Response.of({"success": True})


def _set_pin(phone: Phone, pin: str) -> None:
    if len(pin) != 6 or not pin.isdigit():
        raise invalid("Param pin must be 6 characters long.")
    phone.pin = pin


def _count_attempt(sim: Simulator, phone: Phone, what: str, most: int, seconds: float) -> None:
    now = sim.now()
    recent = [at for at in phone.attempts.get(what, []) if at > now - seconds]
    phone.attempts[what] = recent
    if len(recent) >= most:
        raise GraphError(133016, "There have been too many attempts for this phone number. Try again later.")
    recent.append(now)


def request_code(sim: Simulator, phone: Phone, request: Request) -> Response:
    fields = request.fields()
    if fields.get("code_method") not in {"SMS", "VOICE"} or not fields.get("language"):
        raise invalid("code_method (SMS or VOICE) and language are required")
    if phone.code_status == "VERIFIED":
        raise GraphError(136024, "The phone number is already verified.")
    phone.verification_code = f"{int(sim.dice(phone.id, 'code', sim.now()).roll(0) * 1_000_000):06d}"
    return Response.of({"success": True})


def verify_code(sim: Simulator, phone: Phone, request: Request) -> Response:
    code = str(request.fields().get("code", "")).replace("-", "")
    if not phone.verification_code or code != phone.verification_code:
        raise GraphError(136025, "The code is wrong or has expired.")
    phone.code_status, phone.verification_code = "VERIFIED", ""
    return Response.of({"success": True})


def register(sim: Simulator, phone: Phone, request: Request) -> Response:
    fields = request.fields()
    if fields.get("messaging_product") != "whatsapp":
        raise invalid("The parameter messaging_product is required and must be whatsapp.")
    pin = str(fields.get("pin", ""))
    region = fields.get("data_localization_region")
    if len(pin) != 6 or not pin.isdigit():
        raise invalid("Param pin must be 6 characters long.")
    if region is not None and region not in REGIONS:
        raise invalid(f"data_localization_region must be one of {', '.join(sorted(REGIONS))}")
    _count_attempt(sim, phone, "register", ATTEMPTS_MAX, ATTEMPTS_SECONDS)
    if phone.code_status != "VERIFIED":
        raise GraphError(133006, "Phone number needs to be verified before registering.")
    if phone.pin and phone.pin != pin:
        raise GraphError(133005, "Two step verification PIN mismatch.")
    phone.pin, phone.registered, phone.status = pin, True, "CONNECTED"
    phone.quality = "GREEN" if phone.quality == "UNKNOWN" else phone.quality
    return Response.of({"success": True})


def deregister(sim: Simulator, phone: Phone, request: Request) -> Response:
    _count_attempt(sim, phone, "deregister", ATTEMPTS_MAX, ATTEMPTS_SECONDS)
    if not phone.registered:
        raise GraphError(133010, "Account not registered")
    phone.registered, phone.status = False, "DISCONNECTED"
    return Response.of({"success": True})


def show_settings(sim: Simulator, phone: Phone, request: Request) -> Response:
    base: Json = {
        "calling": {"status": "DISABLED"},
        "user_identity_change": {"enable_identity_key_check": False},
        "storage_configuration": {"status": "DEFAULT"},
    }
    return Response.of({**base, **phone.settings})


def change_settings(sim: Simulator, phone: Phone, request: Request) -> Response:
    fields = request.fields()
    unknown = set(fields) - {
        "calling",
        "user_identity_change",
        "storage_configuration",
        "payload_encryption",
        "access_token",
    }
    if unknown:
        raise invalid(f"unknown settings: {', '.join(sorted(unknown))}")
    if "calling" in fields:
        raise GraphError(138015, "Calls are not simulated.")
    storage = as_object(fields.get("storage_configuration"))
    if storage:
        if phone.registered:
            raise invalid("storage_configuration can be changed only while the number is not registered")
        no_storage = storage.get("status") == "NO_STORAGE_ENABLED"
        if no_storage and storage.get("retention_minutes", 60) != 60:
            raise invalid("retention_minutes must be 60")
        phone.retention_minutes = 60 if no_storage else 0
    phone.settings.update({name: value for name, value in fields.items() if name != "access_token"})
    return Response.of({"success": True})
