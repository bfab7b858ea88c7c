"""Interactive messages: buttons, lists, links, requests, products, Flows, carousels.

Source: Cloud API reference, sections 2.9 to 2.18 and 10.2.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sojourn.channels import content as c
from sojourn.channels.whatsapp import limits
from sojourn.channels.whatsapp.checks import Checks

Built = tuple[str, dict[str, Any]]
_ADDRESS_FIELDS = (
    "name",
    "phone_number",
    "in_pin_code",
    "house_number",
    "floor_number",
    "tower_number",
    "building_name",
    "address",
    "landmark_area",
    "city",
    "state",
)


def _interactive(kind: str, action: dict[str, Any], **parts: Any) -> Built:
    value: dict[str, Any] = {"type": kind}
    value.update({name: part for name, part in parts.items() if part is not None})
    value["action"] = action
    return "interactive", value


def build_header(header: c.Header | None, checks: Checks, *, kinds: Sequence[str]) -> dict[str, Any] | None:
    """Return the Graph header object; `kinds` are the ones that the message type allows."""
    if header is None:
        return None
    checks.one_of("header.kind", header.kind, kinds)
    if header.kind == "text":
        if header.media is not None or header.filename is not None:
            checks.fail("header.media", "not_allowed", "a text header carries no media")
        return {"type": "text", "text": checks.line("header.text", header.text, limits.HEADER_TEXT_MAX)}
    if header.text is not None:
        checks.fail("header.text", "not_allowed", "a media header carries no text")
    if header.media is None:
        checks.fail("header.media", "required", "header.media must be given")
        return None
    media = checks.media("header.media", header.media)
    if header.filename is not None:
        if header.kind != "document":
            checks.fail("header.filename", "not_allowed", "only a document header has a filename")
        media["filename"] = checks.key("header.filename", header.filename, limits.FILENAME_MAX)
    return {"type": header.kind, header.kind: media}


_ANY_HEADER = ("text", "image", "video", "document")


def _body(text: str | None, checks: Checks, limit: int = limits.INTERACTIVE_BODY_MAX) -> dict[str, Any]:
    return {"text": checks.text("body", text, limit)}


def _footer(text: str | None, checks: Checks) -> dict[str, Any] | None:
    return None if text is None else {"text": checks.line("footer", text, limits.FOOTER_MAX)}


def _buttons(content: c.Buttons, checks: Checks) -> Built:
    checks.count("buttons", content.buttons, 1, limits.BUTTONS_MAX)
    buttons = []
    for index, button in enumerate(content.buttons):
        id_ = checks.key(f"buttons[{index}].id", button.id, limits.BUTTON_ID_MAX)
        title = checks.key(f"buttons[{index}].title", button.title, limits.BUTTON_TITLE_MAX)
        buttons.append({"type": "reply", "reply": {"id": id_, "title": title}})
    checks.unique("buttons.id", [button.id for button in content.buttons])
    checks.unique("buttons.title", [button.title for button in content.buttons])
    return _interactive(
        "button",
        {"buttons": buttons},
        header=build_header(content.header, checks, kinds=_ANY_HEADER),
        body=_body(content.body, checks),
        footer=_footer(content.footer, checks),
    )


def _list(content: c.ListMessage, checks: Checks) -> Built:
    checks.count("sections", content.sections, 1, limits.LIST_SECTIONS_MAX)
    rows = [row for section in content.sections for row in section.rows]
    checks.count("sections.rows", rows, 1, limits.LIST_ROWS_MAX)
    checks.unique("sections.rows.id", [row.id for row in rows])
    sections = [
        _list_section(f"sections[{index}]", section, len(content.sections) > 1, checks)
        for index, section in enumerate(content.sections)
    ]
    return _interactive(
        "list",
        {"button": checks.key("button", content.button, limits.LIST_BUTTON_MAX), "sections": sections},
        header=build_header(content.header, checks, kinds=("text",)),
        body=_body(content.body, checks, limits.LIST_BODY_MAX),
        footer=_footer(content.footer, checks),
    )


def _section_title(field: str, title: str | None, required: bool, checks: Checks) -> dict[str, Any]:
    if title is None and not required:
        return {}
    return {"title": checks.key(f"{field}.title", title, limits.SECTION_TITLE_MAX)}


def _list_section(field: str, section: c.ListSection, titled: bool, checks: Checks) -> dict[str, Any]:
    value = _section_title(field, section.title, titled, checks)
    checks.count(f"{field}.rows", section.rows, 1, limits.LIST_ROWS_MAX)
    value["rows"] = []
    for index, row in enumerate(section.rows):
        at = f"{field}.rows[{index}]"
        item = {
            "id": checks.key(f"{at}.id", row.id, limits.ROW_ID_MAX),
            "title": checks.key(f"{at}.title", row.title, limits.ROW_TITLE_MAX),
        }
        if row.description is not None:
            item["description"] = checks.line(f"{at}.description", row.description, limits.ROW_DESCRIPTION_MAX)
        value["rows"].append(item)
    return value


def _cta_url(content: c.CtaUrl, checks: Checks) -> Built:
    parameters = {
        "display_text": checks.key("display_text", content.display_text, limits.CTA_TEXT_MAX),
        "url": checks.url("url", content.url),
    }
    return _interactive(
        "cta_url",
        {"name": "cta_url", "parameters": parameters},
        header=build_header(content.header, checks, kinds=_ANY_HEADER),
        body=_body(content.body, checks),
        footer=_footer(content.footer, checks),
    )


def _location_request(content: c.LocationRequest, checks: Checks) -> Built:
    return _interactive("location_request_message", {"name": "send_location"}, body=_body(content.body, checks))


def _contact_info_request(content: c.ContactInfoRequest, checks: Checks) -> Built:
    return _interactive("request_contact_info", {"name": "request_contact_info"}, body=_body(content.body, checks))


def _call_permission(content: c.CallPermission, checks: Checks) -> Built:
    body = None if content.body is None else _body(content.body, checks)
    return _interactive("call_permission_request", {"name": "call_permission_request"}, body=body)


def _voice_call(content: c.VoiceCall, checks: Checks) -> Built:
    action: dict[str, Any] = {"name": "voice_call"}
    parameters: dict[str, Any] = {}
    if content.display_text is not None:
        parameters["display_text"] = checks.key("display_text", content.display_text, limits.CTA_TEXT_MAX)
    if content.ttl_minutes is not None:
        checks.number("ttl_minutes", content.ttl_minutes, 1, limits.CALL_TTL_MINUTES_MAX)
        parameters["ttl_minutes"] = content.ttl_minutes
    if content.payload is not None:
        parameters["payload"] = checks.key("payload", content.payload, limits.CALL_PAYLOAD_MAX)
    if parameters:
        action["parameters"] = parameters
    return _interactive("voice_call", action, body=_body(content.body, checks))


def _address_request(content: c.AddressRequest, checks: Checks) -> Built:
    checks.one_of("country", content.country, ("IN",))
    parameters: dict[str, Any] = {"country": content.country}
    if content.values is not None:
        parameters["values"] = _address("values", content.values, checks)
    if content.saved_addresses is not None:
        parameters["saved_addresses"] = [
            _saved_address(f"saved_addresses[{index}]", item, checks)
            for index, item in enumerate(content.saved_addresses)
        ]
    if content.validation_errors is not None:
        for name, message in content.validation_errors.items():
            checks.one_of("validation_errors", name, _ADDRESS_FIELDS)
            checks.text(f"validation_errors.{name}", message, limits.CAPTION_MAX)
        parameters["validation_errors"] = content.validation_errors
    return _interactive(
        "address_message",
        {"name": "address_message", "parameters": parameters},
        header=build_header(content.header, checks, kinds=_ANY_HEADER),
        body=_body(content.body, checks),
        footer=_footer(content.footer, checks),
    )


def _saved_address(field: str, item: dict[str, Any], checks: Checks) -> dict[str, Any]:
    if not isinstance(item.get("value"), dict) or item.keys() - {"id", "value"}:
        checks.fail(field, "invalid_shape", f"{field} must be an object with id and value")
        return item
    return {
        "id": checks.key(f"{field}.id", item.get("id"), limits.BUTTON_ID_MAX),
        "value": _address(f"{field}.value", item["value"], checks),
    }


def _address(field: str, values: dict[str, Any], checks: Checks) -> dict[str, Any]:
    for name, value in values.items():
        if name not in _ADDRESS_FIELDS:
            checks.fail(f"{field}.{name}", "unknown_field", f"{field} has no field {name}")
        else:
            checks.line(f"{field}.{name}", value, limits.PIN_CODE_MAX if name == "in_pin_code" else limits.CAPTION_MAX)
    return values


def _product(content: c.Product, checks: Checks) -> Built:
    action = {
        "catalog_id": checks.key("catalog_id", content.catalog_id, limits.PRODUCT_ID_MAX),
        "product_retailer_id": checks.key("product_retailer_id", content.product_retailer_id, limits.PRODUCT_ID_MAX),
    }
    body = None if content.body is None else _body(content.body, checks)
    return _interactive("product", action, body=body, footer=_footer(content.footer, checks))


def _product_list(content: c.ProductList, checks: Checks) -> Built:
    checks.count("sections", content.sections, 1, limits.PRODUCT_SECTIONS_MAX)
    products = [id_ for section in content.sections for id_ in section.product_retailer_ids]
    checks.count("sections.product_retailer_ids", products, 1, limits.PRODUCTS_MAX)
    sections = []
    for index, section in enumerate(content.sections):
        at = f"sections[{index}]"
        value = _section_title(at, section.title, len(content.sections) > 1, checks)
        checks.count(f"{at}.product_retailer_ids", section.product_retailer_ids, 1, limits.PRODUCTS_MAX)
        value["product_items"] = [
            {"product_retailer_id": checks.key(f"{at}.product_retailer_ids[{place}]", id_, limits.PRODUCT_ID_MAX)}
            for place, id_ in enumerate(section.product_retailer_ids)
        ]
        sections.append(value)
    return _interactive(
        "product_list",
        {"catalog_id": checks.key("catalog_id", content.catalog_id, limits.PRODUCT_ID_MAX), "sections": sections},
        header=build_header(content.header, checks, kinds=("text",)),
        body=_body(content.body, checks),
        footer=_footer(content.footer, checks),
    )


def _catalog(content: c.CatalogMessage, checks: Checks) -> Built:
    action: dict[str, Any] = {"name": "catalog_message"}
    if content.thumbnail_product_retailer_id is not None:
        id_ = checks.key("thumbnail_product_retailer_id", content.thumbnail_product_retailer_id, limits.PRODUCT_ID_MAX)
        action["parameters"] = {"thumbnail_product_retailer_id": id_}
    body = _body(content.body, checks)
    return _interactive("catalog_message", action, body=body, footer=_footer(content.footer, checks))


def _flow(content: c.FlowMessage, checks: Checks) -> Built:
    parameters: dict[str, Any] = {"flow_message_version": "3"}
    if (content.flow_id is None) == (content.flow_name is None):
        checks.fail("flow_id", "one_of", "exactly one of flow_id and flow_name must be given", 1)
    for name in ("flow_id", "flow_name", "flow_token"):
        value = getattr(content, name)
        if value is not None:
            parameters[name] = checks.key(name, value, limits.FLOW_TOKEN_MAX)
    parameters["flow_cta"] = checks.key("cta", content.cta, limits.FLOW_CTA_MAX)
    if content.mode == "draft":
        parameters["mode"] = "draft"
    parameters["flow_action"] = content.action
    payload = _flow_payload(content, checks)
    if payload:
        parameters["flow_action_payload"] = payload
    return _interactive(
        "flow",
        {"name": "flow", "parameters": parameters},
        header=build_header(content.header, checks, kinds=_ANY_HEADER),
        body=_body(content.body, checks),
        footer=_footer(content.footer, checks),
    )


def _flow_payload(content: c.FlowMessage, checks: Checks) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    if content.action == "data_exchange" and (content.screen is not None or content.data is not None):
        checks.fail("screen", "not_allowed", "screen and data belong to the action navigate")
        return payload
    if content.screen is not None:
        payload["screen"] = checks.key("screen", content.screen, limits.FLOW_TOKEN_MAX)
    if content.data is not None:
        if not content.data:
            checks.fail("data", "too_few", "data must not be empty when it is given", 1)
        if content.screen is None:
            checks.fail("screen", "required", "data needs the screen that it fills")
        payload["data"] = content.data
    return payload


def _carousel(content: c.Carousel, checks: Checks) -> Built:
    checks.count("cards", content.cards, limits.CARDS_MIN, limits.CARDS_MAX)
    if len({card.product is not None for card in content.cards}) > 1:
        checks.fail("cards", "mixed", "cards must be all media cards or all product cards")
    built = [_card(index, card, checks) for index, card in enumerate(content.cards)]
    _check_alike(content.cards, checks)
    return _interactive("carousel", {"cards": built}, body=_body(content.body, checks))


def _check_alike(cards: list[c.Card], checks: Checks) -> None:
    """All cards of a carousel must have the same parts (section 2.18)."""
    same: tuple[tuple[str, set[Any]], ...] = (
        ("cards.header", {card.header.kind if card.header else None for card in cards}),
        ("cards.body", {card.body is not None for card in cards}),
        ("cards.buttons", {len(card.buttons) if card.buttons is not None else None for card in cards}),
        ("cards.product.catalog_id", {card.product.catalog_id if card.product else None for card in cards}),
    )
    for field, kinds in same:
        if len(kinds) > 1:
            checks.fail(field, "mixed", f"{field} must be alike on every card")


def _card(index: int, card: c.Card, checks: Checks) -> dict[str, Any]:
    at = f"cards[{index}]"
    if card.product is not None:
        if card.header or card.body or card.link or card.buttons:
            checks.fail(at, "mixed", f"{at} shows a product: it has no header, body or buttons of its own")
        action = {
            "catalog_id": checks.key(f"{at}.product.catalog_id", card.product.catalog_id, limits.PRODUCT_ID_MAX),
            "product_retailer_id": checks.key(
                f"{at}.product.product_retailer_id", card.product.product_retailer_id, limits.PRODUCT_ID_MAX
            ),
        }
        return {"card_index": index, "type": "product", "action": action}
    # Source for the card type of quick replies: third-party client libraries of 2026 only.
    value: dict[str, Any] = {"card_index": index, "type": "button" if card.buttons else "cta_url"}
    value["header"] = _card_header(at, card.header, checks)
    if card.body is not None:
        value["body"] = {"text": checks.text(f"{at}.body", card.body, limits.CARD_BODY_MAX)}
        if card.body.count("\n") > limits.CARD_LINE_BREAKS_MAX:
            checks.fail(f"{at}.body", "line_break", f"{at}.body has too many line breaks", limits.CARD_LINE_BREAKS_MAX)
    value["action"] = _card_action(at, card, checks)
    return value


def _card_header(at: str, header: c.Header | None, checks: Checks) -> dict[str, Any]:
    if header is None or header.media is None:
        checks.fail(f"{at}.header", "required", f"{at}.header must be a picture or a film")
        return {}
    checks.one_of(f"{at}.header.kind", header.kind, ("image", "video"))
    return {"type": header.kind, header.kind: checks.media(f"{at}.header.media", header.media)}


def _card_action(at: str, card: c.Card, checks: Checks) -> dict[str, Any]:
    if (card.link is None) == (card.buttons is None):
        checks.fail(at, "one_of", f"{at} needs exactly one of link and buttons", 1)
        return {}
    if card.link is not None:
        parameters = {
            "display_text": checks.key(f"{at}.link.display_text", card.link.display_text, limits.CTA_TEXT_MAX),
            "url": checks.url(f"{at}.link.url", card.link.url),
        }
        return {"name": "cta_url", "parameters": parameters}
    buttons = card.buttons or []
    checks.count(f"{at}.buttons", buttons, 1, limits.CARD_BUTTONS_MAX)
    checks.unique(f"{at}.buttons.id", [button.id for button in buttons])
    checks.unique(f"{at}.buttons.title", [button.title for button in buttons])
    replies = []
    for place, button in enumerate(buttons):
        id_ = checks.key(f"{at}.buttons[{place}].id", button.id, limits.BUTTON_ID_MAX)
        title = checks.key(f"{at}.buttons[{place}].title", button.title, limits.BUTTON_TITLE_MAX)
        replies.append({"type": "quick_reply", "quick_reply": {"id": id_, "title": title}})
    return {"buttons": replies}


BUILDERS: dict[type[Any], Callable[[Any, Checks], Built]] = {
    c.Buttons: _buttons,
    c.ListMessage: _list,
    c.CtaUrl: _cta_url,
    c.LocationRequest: _location_request,
    c.AddressRequest: _address_request,
    c.ContactInfoRequest: _contact_info_request,
    c.CallPermission: _call_permission,
    c.VoiceCall: _voice_call,
    c.Product: _product,
    c.ProductList: _product_list,
    c.CatalogMessage: _catalog,
    c.FlowMessage: _flow,
    c.Carousel: _carousel,
}
