"""Checks of a template when it is sent, and its text with the parameters filled in (reference 3.7)."""

import re
from dataclasses import dataclass, field

from cloudsim.graph.errors import GraphError
from cloudsim.jsontypes import Json, as_list, as_object
from cloudsim.world import Template

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
HYDRATED_MAX = 1024
LONG_HYDRATED_MAX = 32768  # a template that is its body alone
BAD_TEXT = re.compile(r"[\n\t]| {5,}")
MEDIA_HEADERS = frozenset({"image", "video", "document", "gif"})
COUPON_MAX = 20
OTP_MAX = 15
# Button kinds that must be given a parameter when sent, and what it is called.
NEEDS = {"COPY_CODE": "coupon_code", "OTP": "text", "MPM": "action", "ORDER_DETAILS": "action"}
SUB_TYPES = {
    "QUICK_REPLY": "quick_reply",
    "URL": "url",
    "PHONE_NUMBER": "phone_number",
    "COPY_CODE": "copy_code",
    "OTP": "url",
    "CATALOG": "catalog",
    "MPM": "mpm",
    "SPM": "spm",
    "FLOW": "flow",
    "VOICE_CALL": "voice_call",
    "ORDER_DETAILS": "order_details",
    "REQUEST_CONTACT_INFO": "request_contact_info",
    "APP": "app",
}


@dataclass(slots=True)
class Button:
    kind: str
    text: str
    needs: str = ""  # the parameter it must be given: text, coupon_code, action
    url: str = ""
    phone: str = ""


@dataclass(slots=True)
class Shape:
    """What a template wants, worked out once from its components."""

    header: str = ""  # text, image, video, document, gif, location, product
    header_text: str = ""
    header_names: list[str] = field(default_factory=list)
    body: str = ""
    body_names: list[str] = field(default_factory=list)
    body_length: int = 0  # without the placeholders
    body_max: int = HYDRATED_MAX
    footer: str = ""
    buttons: list[Button] = field(default_factory=list)
    cards: list["Shape"] = field(default_factory=list)
    offer: Json | None = None
    authentication: bool = False
    flow_id: str = ""


def shape_of(template: Template) -> Shape:
    if not isinstance(template.shape, Shape):
        template.shape = _shape(template.components, authentication=template.category == "AUTHENTICATION")
    return template.shape


def _shape(components: list[Json], *, authentication: bool = False) -> Shape:
    shape = Shape(authentication=authentication)
    for component in components:
        match str(component.get("type", "")).upper():
            case "HEADER":
                shape.header = str(component.get("format", "TEXT")).lower()
                shape.header_text = str(component.get("text", ""))
                shape.header_names = _names(shape.header_text)
            case "BODY":
                shape.body = str(component.get("text", ""))
                shape.body_names = _names(shape.body)
                shape.body_length = len(PLACEHOLDER.sub("", shape.body))
            case "FOOTER":
                shape.footer = str(component.get("text", ""))
            case "LIMITED_TIME_OFFER":
                shape.offer = as_object(component.get("limited_time_offer"))
            case "CAROUSEL":
                shape.cards = [_shape(as_list(card.get("components"))) for card in as_list(component.get("cards"))]
            case "BUTTONS":
                shape.buttons = [_button(button) for button in as_list(component.get("buttons"))]
                shape.flow_id = next(
                    (
                        str(button.get("flow_id", ""))
                        for button in component["buttons"]
                        if str(button.get("type")).upper() == "FLOW"
                    ),
                    "",
                )
    if len(components) == 1:
        shape.body_max = LONG_HYDRATED_MAX
    return shape


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def _button(button: Json) -> Button:
    kind = str(button.get("type", "")).upper()
    url = str(button.get("url", ""))
    needs = NEEDS.get(kind, "")
    if kind == "URL" and (PLACEHOLDER.search(url) or button.get("otp_type")):
        needs = "text"
    return Button(kind, str(button.get("text", "")), needs, url, str(button.get("phone_number", "")))


@dataclass(slots=True)
class Filled:
    """The parameters of one send, by place. `media` as in `validation.Checked`."""

    media: list[tuple[str, Json]] = field(default_factory=list)
    header: Json = field(default_factory=dict)
    header_values: dict[str, str] = field(default_factory=dict)
    body_values: dict[str, str] = field(default_factory=dict)
    buttons: dict[int, Json] = field(default_factory=dict)
    cards: list["Filled"] = field(default_factory=list)
    offer: Json | None = None


def fill(template: Template, components: object) -> Filled:
    """Match what is sent with what the template wants. Raises GraphError 132000, 132005, 132012, 132018, 131008."""
    return _fill(shape_of(template), components, named=template.parameter_format == "NAMED")


def _fill(shape: Shape, components: object, *, named: bool) -> Filled:
    if components is not None and not isinstance(components, list):
        raise GraphError(132012, "template.components must be a list")
    filled = Filled()
    header: list[Json] = []
    body: list[Json] = []
    cards: list[Json] = []
    for component in components or ():
        if not isinstance(component, dict):
            raise GraphError(132012, "template.components must hold objects")
        kind = str(component.get("type", "")).lower()
        if kind == "header":
            header = as_list(component.get("parameters"))
        elif kind == "body":
            body = as_list(component.get("parameters"))
        elif kind == "button":
            _fill_button(shape, component, filled)
        elif kind == "carousel":
            cards = as_list(component.get("cards"))
        elif kind == "limited_time_offer":
            filled.offer = _fill_offer(component)
        elif kind not in {"footer", "tap_target_configuration", "order_status"}:
            raise GraphError(132012, f"unknown component type {kind!r}")
    _fill_header(shape, header, filled, named=named)
    filled.body_values = _values("body", shape.body_names, body, named=named)
    length = shape.body_length + sum(map(len, filled.body_values.values()))
    if length > shape.body_max:
        raise GraphError(132005, f"Translated text too long: {length} characters, at most {shape.body_max}")
    if shape.authentication and any(len(value) > OTP_MAX for value in filled.body_values.values()):
        raise GraphError(132005, f"authentication parameters are at most {OTP_MAX} characters long")
    for index, button in enumerate(shape.buttons):
        if button.needs and index not in filled.buttons:
            raise GraphError(
                131008, f"buttons: Button at index {index} of type {button.kind.title()} requires a parameter"
            )
    if shape.offer is not None and shape.offer.get("has_expiration") and filled.offer is None:
        raise GraphError(131008, "limited_time_offer requires expiration_time_ms")
    _fill_cards(shape, cards, filled, named=named)
    return filled


def _fill_header(shape: Shape, parameters: list[Json], filled: Filled, *, named: bool) -> None:
    if shape.header in {"", "text"}:
        filled.header_values = _values("header", shape.header_names, parameters, named=named)
        return
    if shape.header == "product" and not parameters:
        raise GraphError(132012, "header: Format mismatch, expected PRODUCT, received UNKNOWN")
    if len(parameters) != 1:
        raise (
            GraphError(132000, _count_details("header", len(parameters), 1))
            if len(parameters) > 1
            else GraphError(132012, f"header: Format mismatch, expected {shape.header.upper()}, received UNKNOWN")
        )
    parameter = parameters[0]
    kind = str(parameter.get("type", "")).lower()
    if kind != shape.header:
        raise GraphError(132012, f"header: Format mismatch, expected {shape.header.upper()}, received {kind.upper()}")
    value = as_object(parameter.get(kind))
    if kind in MEDIA_HEADERS:
        if bool(value.get("id")) == bool(value.get("link")):
            raise GraphError(132012, f"header: {kind} needs exactly one of id and link")
        filled.media.append(("video" if kind == "gif" else kind, value))
    elif not value:
        raise GraphError(132012, f"header: {kind} is required")
    filled.header = parameter


def _fill_button(shape: Shape, component: Json, filled: Filled) -> None:
    try:
        index = int(component.get("index", -1))
    except (TypeError, ValueError):
        index = -1
    if not 0 <= index < len(shape.buttons):
        raise GraphError(132000, f"buttons: there is no button at index {component.get('index')}")
    button = shape.buttons[index]
    sub_type = str(component.get("sub_type", "")).lower()
    if sub_type != SUB_TYPES.get(button.kind, button.kind.lower()):
        raise GraphError(132012, f"buttons: button at index {index} is not of type {sub_type}")
    parameters = as_list(component.get("parameters"))
    if button.needs:
        if len(parameters) != 1:
            raise GraphError(132000, _count_details(f"buttons[{index}]", len(parameters), 1))
        parameter = as_object(parameters[0])
        value = parameter.get(button.needs)
        if value in (None, "", {}):
            raise GraphError(
                131008, f"buttons: Button at index {index} of type {button.kind.title()} requires a parameter"
            )
        if button.needs == "coupon_code" and (len(str(value)) > COUPON_MAX or not str(value).isalnum()):
            raise GraphError(132012, f"coupon_code must be alphanumeric and at most {COUPON_MAX} characters long")
    elif button.kind == "URL" and parameters:
        raise GraphError(132000, _count_details(f"buttons[{index}]", len(parameters), 0))
    filled.buttons[index] = as_object(parameters[0]) if parameters else {}


def _fill_offer(component: Json) -> Json:
    parameters = as_list(component.get("parameters"))
    offer = as_object(as_object(parameters[0]).get("limited_time_offer")) if parameters else {}
    if not isinstance(offer.get("expiration_time_ms"), int):
        raise GraphError(132012, "limited_time_offer.expiration_time_ms must be a number of milliseconds")
    return offer


def _fill_cards(shape: Shape, cards: list[Json], filled: Filled, *, named: bool) -> None:
    if not shape.cards:
        if cards:
            raise GraphError(132012, "the template has no carousel")
        return
    products = shape.cards[0].header == "product"
    if products and not 2 <= len(cards) <= 10:
        raise GraphError(132000, _count_details("carousel", len(cards), len(shape.cards)))
    if not products and len(cards) != len(shape.cards):
        raise GraphError(132000, _count_details("carousel", len(cards), len(shape.cards)))
    for position, card in enumerate(cards):
        index = position if products else int(card.get("card_index", position))
        if not products and not 0 <= index < len(shape.cards):
            raise GraphError(132012, f"card_index {index} is out of range")
        part = _fill(shape.cards[0 if products else index], card.get("components"), named=named)
        filled.cards.append(part)
        filled.media.extend(part.media)


def _values(where: str, names: list[str], parameters: list[Json], *, named: bool) -> dict[str, str]:
    if len(parameters) != len(names):
        raise GraphError(132000, _count_details(where, len(parameters), len(names)))
    values: dict[str, str] = {}
    for position, parameter in enumerate(parameters):
        if not isinstance(parameter, dict):
            raise GraphError(132012, f"{where}: parameters must be objects")
        if named:
            name = parameter.get("parameter_name")
            if not name or name not in names or name in values:
                raise GraphError(132012, f"{where}: Parameter name is missing, unknown or repeated: {name!r}")
        else:
            name = names[position]
        values[str(name)] = _text(where, parameter)
    return values


def _text(where: str, parameter: Json) -> str:
    kind = parameter.get("type")
    if kind == "text":
        value = parameter.get("text")
        if not isinstance(value, str) or not value:
            raise GraphError(131008, f"{where}: Parameter of type text is missing text value")
        if BAD_TEXT.search(value):
            raise GraphError(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
        return value
    if kind in {"currency", "date_time"}:
        return str(as_object(parameter.get(str(kind))).get("fallback_value", ""))
    raise GraphError(132012, f"{where}: Format mismatch, expected TEXT, received {str(kind).upper()}")


def _count_details(where: str, found: int, wanted: int) -> str:
    return f"{where}: number of localizable_params ({found}) does not match the expected number of params ({wanted})"


def substitute(text: str, values: dict[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values.get(match.group(1), match.group(0)), text)


def render(template: Template, components: object) -> Json:
    """What the person sees: header, body, footer, buttons with their payloads and URLs, cards."""
    try:
        filled = fill(template, components)
    except GraphError:
        filled = Filled()  # the template was edited after the message left
    return _render(shape_of(template), filled)


def _render(shape: Shape, filled: Filled) -> Json:
    seen: Json = {"body": substitute(shape.body, filled.body_values)}
    if shape.header == "text":
        seen["header"] = {"type": "text", "text": substitute(shape.header_text, filled.header_values)}
    elif shape.header:
        seen["header"] = filled.header or {"type": shape.header}
    if shape.footer:
        seen["footer"] = shape.footer
    if shape.offer is not None:
        seen["offer"] = {**shape.offer, **(filled.offer or {})}
    seen["buttons"] = [
        _render_button(button, filled.buttons.get(index, {}), index) for index, button in enumerate(shape.buttons)
    ]
    if filled.cards:
        cards = shape.cards if shape.cards[0].header != "product" else [shape.cards[0]] * len(filled.cards)
        seen["cards"] = [_render(card, part) for card, part in zip(cards, filled.cards, strict=False)]
    return seen


def _render_button(button: Button, parameter: Json, index: int) -> Json:
    found: Json = {"index": index, "type": button.kind.lower(), "text": button.text}
    match button.kind:
        case "QUICK_REPLY":
            found["payload"] = str(parameter.get("payload") or button.text)
        case "URL":
            found["url"] = PLACEHOLDER.sub(lambda _: str(parameter.get("text", "")), button.url)
        case "PHONE_NUMBER":
            found["phone_number"] = button.phone
        case "COPY_CODE":
            found["code"] = str(parameter.get("coupon_code", ""))
        case "OTP":
            found["code"] = str(parameter.get("text", ""))
        case "FLOW":
            found["flow_token"] = str(as_object(parameter.get("action")).get("flow_token", "unused"))
    return found
