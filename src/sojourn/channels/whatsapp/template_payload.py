"""The `template` object of a send, checked component by component.

What the template itself defines (how many variables, which buttons) is known to `templates`; here stands what holds
for every template. Source: Cloud API reference, sections 2.19, 3.7 and 3.13.
"""

import re
from collections.abc import Callable
from typing import Any

from sojourn.channels import content as c
from sojourn.channels.whatsapp import limits
from sojourn.channels.whatsapp.checks import Checks

_NAME = re.compile(r"^[a-z0-9_]+$")
_LANGUAGE = re.compile(r"^[a-z]{2,3}(_[A-Z]{2})?$")
_PARAMETER_NAME = re.compile(r"^[a-z0-9_]+$")
_COUPON = re.compile(r"^[A-Za-z0-9]+$")
_BAD_SPACING = re.compile(r"[\n\r\t]| {5,}")  # one more than TEMPLATE_SPACES_MAX
_SUB_TYPES = ("url", "quick_reply", "copy_code", "catalog", "mpm", "flow", "voice_call", "order_details")
_MEDIA = ("image", "video", "document", "gif")


def build_template(content: c.TemplateContent, checks: Checks) -> tuple[str, dict[str, Any]]:
    """Return ("template", object); components without parameters are left out, as the API wants it."""
    name = checks.key("name", content.name, limits.TEMPLATE_NAME_MAX)
    if name and not _NAME.match(name):
        checks.fail("name", "not_a_name", "a template name has lower-case letters, digits and underscores only")
    if not _LANGUAGE.match(content.language):
        checks.fail("language", "not_a_language", "language must be a code such as en or en_GB")
    value: dict[str, Any] = {"name": name, "language": {"code": content.language}}
    components = _components("components", content.components, checks, in_card=False)
    if content.category == "authentication":
        _check_codes(content.components, checks)
    if components:
        value["components"] = components
    return "template", value


def _components(field: str, components: list[Any], checks: Checks, *, in_card: bool) -> list[dict[str, Any]]:
    built = []
    seen: set[tuple[str, str]] = set()
    for index, component in enumerate(components):
        at = f"{field}[{index}]"
        if not isinstance(component, dict):
            checks.fail(at, "not_an_object", f"{at} must be an object")
            continue
        kind = str(component.get("type", "")).lower()
        identity = (kind, str(component.get("index", "")) if kind == "button" else "")
        if identity in seen:
            checks.fail(at, "not_unique", f"{at} repeats a component")
        seen.add(identity)
        value = _component(at, kind, component, checks, in_card=in_card)
        if value is not None:
            built.append(value)
    return built


def _component(
    at: str, kind: str, component: dict[str, Any], checks: Checks, *, in_card: bool
) -> dict[str, Any] | None:
    if kind == "carousel" and not in_card:
        return {"type": "carousel", "cards": _cards(f"{at}.cards", component.get("cards"), checks)}
    allowed = ("header", "body", "button") if in_card else tuple(_COMPONENT_PARAMETERS)
    if kind not in allowed:
        checks.one_of(f"{at}.type", kind, allowed)
        return None
    parameters = component.get("parameters") or []
    if not isinstance(parameters, list):
        checks.fail(f"{at}.parameters", "not_a_list", f"{at}.parameters must be a list")
        return None
    if not parameters:
        return None
    value: dict[str, Any] = {"type": kind}
    wanted = _COMPONENT_PARAMETERS[kind]
    if kind == "button":
        sub_type = str(component.get("sub_type", "")).lower()
        checks.one_of(f"{at}.sub_type", sub_type, _SUB_TYPES)
        value["sub_type"] = sub_type
        value["index"] = _button_index(f"{at}.index", component.get("index"), checks)
        wanted = _BUTTON_PARAMETERS.get(sub_type, ())
    if kind in ("header", "limited_time_offer", "tap_target_configuration"):
        checks.count(f"{at}.parameters", parameters, 1, 1)
    value["parameters"] = [
        _parameter(f"{at}.parameters[{index}]", parameter, wanted, checks) for index, parameter in enumerate(parameters)
    ]
    if kind == "header":
        _check_header_text(at, value["parameters"], checks)
    return value


def _check_header_text(at: str, parameters: list[dict[str, Any]], checks: Checks) -> None:
    for parameter in parameters:
        if parameter.get("type") == "text":
            checks.text(f"{at}.parameters[0].text", parameter.get("text"), limits.HEADER_TEXT_MAX)


def _button_index(field: str, index: object, checks: Checks) -> int:
    """A place from 0 to 9; the API accepts numbers and numeric strings, we send a number."""
    text = str(index)
    if isinstance(index, bool) or not text.isascii() or not text.isdigit():
        checks.fail(field, "not_a_number", f"{field} must be the place of the button, from 0 on")
        return 0
    checks.number(field, int(text), 0, limits.TEMPLATE_BUTTON_INDEX_MAX)
    return int(text)


def _cards(field: str, cards: object, checks: Checks) -> list[dict[str, Any]]:
    if not isinstance(cards, list):
        checks.fail(field, "required", f"{field} must be a list of cards")
        return []
    checks.count(field, cards, 1, limits.CARDS_MAX)
    built = []
    for index, card in enumerate(cards):
        at = f"{field}[{index}]"
        if not isinstance(card, dict) or not isinstance(card.get("components"), list):
            checks.fail(at, "invalid_shape", f"{at} must be an object with components")
            continue
        place = card.get("card_index", index)
        checks.number(f"{at}.card_index", place, 0, limits.CARDS_MAX - 1)
        components = _components(f"{at}.components", card["components"], checks, in_card=True)
        built.append({"card_index": place, "components": components})
    checks.unique(f"{field}.card_index", [str(card["card_index"]) for card in built])
    return built


def _parameter(at: str, parameter: object, wanted: tuple[str, ...], checks: Checks) -> dict[str, Any]:
    if not isinstance(parameter, dict):
        checks.fail(at, "not_an_object", f"{at} must be an object")
        return {}
    kind = str(parameter.get("type", "")).lower()
    if wanted and kind not in wanted:
        checks.one_of(f"{at}.type", kind, wanted)
        return parameter
    check = _PARAMETERS.get(kind)
    return check(at, parameter, checks) if check is not None else parameter


def _text(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    text = checks.text(f"{at}.text", parameter.get("text"), limits.TEMPLATE_TEXT_MAX)
    if _BAD_SPACING.search(text):
        checks.fail(
            f"{at}.text",
            "spacing",
            f"{at}.text must have no line break, no tab and at most {limits.TEMPLATE_SPACES_MAX} spaces in a row",
            limits.TEMPLATE_SPACES_MAX,
        )
    name = parameter.get("parameter_name")
    if name is not None and not (isinstance(name, str) and _PARAMETER_NAME.match(name)):
        checks.fail(f"{at}.parameter_name", "not_a_name", f"{at}.parameter_name must be a variable of the template")
    return parameter


def _media(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    kind = str(parameter["type"]).lower()
    given = parameter.get(kind)
    if not isinstance(given, dict):
        checks.fail(f"{at}.{kind}", "required", f"{at}.{kind} must be an object")
        return parameter
    ref = c.MediaRef(id=given.get("id"), link=given.get("link"), asset_id=given.get("asset_id"))
    media = checks.media(f"{at}.{kind}", ref)
    if "filename" in given:
        if kind != "document":
            checks.fail(f"{at}.{kind}.filename", "not_allowed", "only a document has a filename")
        media["filename"] = checks.key(f"{at}.{kind}.filename", given["filename"], limits.FILENAME_MAX)
    return {"type": kind, kind: media}


def _location(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    place = parameter.get("location")
    if not isinstance(place, dict):
        checks.fail(f"{at}.location", "required", f"{at}.location must be an object")
        return parameter
    for name, most in (("latitude", 90.0), ("longitude", 180.0)):
        try:
            degrees: object = float(place[name])
        except (KeyError, TypeError, ValueError):
            degrees = place.get(name)
        checks.number(f"{at}.location.{name}", degrees, -most, most)
    for name in ("name", "address"):
        checks.text(f"{at}.location.{name}", place.get(name), limits.CAPTION_MAX)
    return parameter


def _product(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    product = parameter.get("product")
    if not isinstance(product, dict):
        checks.fail(f"{at}.product", "required", f"{at}.product must be an object")
        return parameter
    for name in ("product_retailer_id", "catalog_id"):
        checks.key(f"{at}.product.{name}", product.get(name), limits.PRODUCT_ID_MAX)
    return parameter


def _payload(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    checks.key(f"{at}.payload", parameter.get("payload"), limits.TEMPLATE_PAYLOAD_MAX)
    return parameter


def _coupon(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    code = checks.key(f"{at}.coupon_code", parameter.get("coupon_code"), limits.COUPON_CODE_MAX)
    if code and not _COUPON.match(code):
        checks.fail(f"{at}.coupon_code", "not_a_code", f"{at}.coupon_code must have letters and digits only")
    return parameter


def _offer(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    offer = parameter.get("limited_time_offer")
    moment = offer.get("expiration_time_ms") if isinstance(offer, dict) else None
    if not isinstance(moment, int) or isinstance(moment, bool) or moment <= 0:
        checks.fail(f"{at}.limited_time_offer.expiration_time_ms", "required", "the end must be given in milliseconds")
    return parameter


def _action(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    action = parameter.get("action")
    if not isinstance(action, dict):
        checks.fail(f"{at}.action", "required", f"{at}.action must be an object")
        return parameter
    for index, section in enumerate(action.get("sections", ())):
        field = f"{at}.action.sections[{index}]"
        items = section.get("product_items") if isinstance(section, dict) else None
        if not isinstance(items, list):
            checks.fail(field, "invalid_shape", f"{field} must be an object with product_items")
            continue
        checks.count(f"{field}.product_items", items, 1, limits.PRODUCTS_MAX)
        checks.key(f"{field}.title", section.get("title"), limits.SECTION_TITLE_MAX)
    return parameter


def _fallback(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    kind = str(parameter["type"]).lower()
    value = parameter.get(kind)
    fallback = value.get("fallback_value") if isinstance(value, dict) else None
    checks.text(f"{at}.{kind}.fallback_value", fallback, limits.TEMPLATE_TEXT_MAX)
    if kind == "currency" and isinstance(value, dict):
        checks.key(f"{at}.currency.code", value.get("code"), 3)
        checks.number(f"{at}.currency.amount_1000", value.get("amount_1000"), -(2**53), 2**53)
    return parameter


def _minutes(at: str, parameter: dict[str, Any], checks: Checks) -> dict[str, Any]:
    checks.number(f"{at}.ttl_minutes", parameter.get("ttl_minutes"), 1, limits.CALL_TTL_MINUTES_MAX)
    return parameter


def _check_codes(components: list[dict[str, Any]], checks: Checks) -> None:
    """One-time codes have at most 15 characters (section 3.3)."""
    for index, component in enumerate(components):
        for place, parameter in enumerate(component.get("parameters") or []):
            text = parameter.get("text") if isinstance(parameter, dict) else None
            if isinstance(text, str) and len(text) > limits.OTP_CODE_MAX:
                field = f"components[{index}].parameters[{place}].text"
                checks.fail(field, "too_long", "a one-time code is too long", limits.OTP_CODE_MAX)


_COMPONENT_PARAMETERS: dict[str, tuple[str, ...]] = {
    "header": ("text", *_MEDIA, "location", "product"),
    "body": ("text", "currency", "date_time", "group_id"),
    "button": (),
    "limited_time_offer": ("limited_time_offer",),
    "tap_target_configuration": ("tap_target_configuration",),
}
_BUTTON_PARAMETERS: dict[str, tuple[str, ...]] = {
    "url": ("text",),
    "quick_reply": ("payload",),
    "copy_code": ("coupon_code",),
    "catalog": ("action",),
    "mpm": ("action",),
    "flow": ("action",),
    "voice_call": ("ttl_minutes", "payload"),
    "order_details": ("action",),
}
_PARAMETERS: dict[str, Callable[[str, dict[str, Any], Checks], dict[str, Any]]] = {
    "text": _text,
    **dict.fromkeys(_MEDIA, _media),
    "location": _location,
    "product": _product,
    "payload": _payload,
    "coupon_code": _coupon,
    "limited_time_offer": _offer,
    "action": _action,
    "currency": _fallback,
    "date_time": _fallback,
    "ttl_minutes": _minutes,
}
