"""The rules of interactive messages, type by type (reference 2.9 to 2.18 and 10.2)."""

from collections.abc import Callable

from cloudsim.graph.errors import GraphError, invalid
from cloudsim.jsontypes import Json, as_list, as_object

MediaList = list[tuple[str, Json]]

HEADER_MAX = FOOTER_MAX = 60
BODY_MAX, LIST_BODY_MAX, CARD_BODY_MAX = 1024, 4096, 160
BUTTON_TITLE_MAX, BUTTON_ID_MAX = 20, 256
ROW_ID_MAX, ROW_TITLE_MAX, ROW_TEXT_MAX, SECTION_TITLE_MAX, ROWS_MAX = 200, 24, 72, 24, 10
FLOW_CTA_MAX = 30
MEDIA_HEADERS = frozenset({"image", "video", "document"})


def text_of(value: object, where: str, most: int, *, required: bool = True) -> str:
    """The text, or a refusal that names the place."""
    if value is None or value == "":
        if required:
            raise GraphError(131008, f"{where} is required")
        return ""
    if not isinstance(value, str):
        raise invalid(f"{where} must be a string")
    if len(value) > most:
        raise GraphError(131009, f"{where} must be at most {most} characters long")
    return value


def check(interactive: Json, media: MediaList, *, country: str) -> None:
    """Raise GraphError for what the platform refuses; media headers are collected into `media`."""
    kind = interactive.get("type")
    rule = RULES.get(str(kind))
    if rule is None:
        raise invalid(f"interactive.type must be one of {', '.join(RULES)}")
    action = as_object(interactive.get("action"))
    most = LIST_BODY_MAX if kind == "list" else BODY_MAX
    body = as_object(interactive.get("body")).get("text")
    text_of(body, "interactive.body.text", most, required=kind not in {"product", "call_permission_request"})
    text_of(as_object(interactive.get("footer")).get("text"), "interactive.footer.text", FOOTER_MAX, required=False)
    _check_header(str(kind), as_object(interactive.get("header")), media)
    rule(interactive, action)
    if kind == "carousel":
        _check_carousel(action, media)
    if kind == "address_message" and country != "IN":
        raise GraphError(131009, "address_message can be sent to users in India only")


def _check_header(kind: str, header: Json, media: MediaList) -> None:
    if not header:
        if kind == "product_list":
            raise GraphError(131008, "interactive.header is required for product_list")
        return
    header_kind = header.get("type")
    allowed = {"list": {"text"}, "product_list": {"text"}}.get(kind, MEDIA_HEADERS | {"text"})
    if kind in {"location_request_message", "carousel", "product", "catalog_message"} or header_kind not in allowed:
        raise invalid(f"interactive.header.type {header_kind!r} is not supported for {kind}")
    if header_kind == "text":
        text_of(header.get("text"), "interactive.header.text", HEADER_MAX)
    else:
        media.append((str(header_kind), _medium(header, str(header_kind), "interactive.header")))


def _medium(holder: Json, kind: str, where: str) -> Json:
    medium = as_object(holder.get(kind))
    if bool(medium.get("id")) == bool(medium.get("link")):
        raise invalid(f"{where}.{kind} needs exactly one of id and link")
    return medium


def _check_buttons(interactive: Json, action: Json) -> None:
    buttons = as_list(action.get("buttons"))
    if not 1 <= len(buttons) <= 3:
        raise invalid("interactive.action.buttons must hold 1 to 3 buttons")
    titles, ids = set(), set()
    for button in buttons:
        reply = as_object(as_object(button).get("reply"))
        title = text_of(reply.get("title"), "button title", BUTTON_TITLE_MAX)
        button_id = text_of(reply.get("id"), "button id", BUTTON_ID_MAX)
        if button_id != button_id.strip():
            raise GraphError(131009, "button ids must not begin or end with spaces")
        titles.add(title)
        ids.add(button_id)
    if len(titles) != len(buttons) or len(ids) != len(buttons):
        raise GraphError(131009, "button titles and ids must be unique")


def _check_list(interactive: Json, action: Json) -> None:
    text_of(action.get("button"), "interactive.action.button", BUTTON_TITLE_MAX)
    sections = as_list(action.get("sections"))
    if not 1 <= len(sections) <= ROWS_MAX:
        raise invalid("interactive.action.sections must hold 1 to 10 sections")
    ids: list[str] = []
    for section in sections:
        text_of(section.get("title"), "section title", SECTION_TITLE_MAX, required=len(sections) > 1)
        rows = as_list(section.get("rows"))
        if not rows:
            raise GraphError(131008, "every section needs at least one row")
        for row in rows:
            ids.append(text_of(row.get("id"), "row id", ROW_ID_MAX))
            text_of(row.get("title"), "row title", ROW_TITLE_MAX)
            text_of(row.get("description"), "row description", ROW_TEXT_MAX, required=False)
    if len(ids) > ROWS_MAX:
        raise GraphError(131009, f"Total row count exceed max allowed count: {ROWS_MAX}")
    if len(set(ids)) != len(ids):
        raise GraphError(131009, "row ids must be unique")


def _check_cta(interactive: Json, action: Json) -> None:
    _named(action, "cta_url")
    parameters = as_object(action.get("parameters"))
    text_of(parameters.get("display_text"), "display_text", BUTTON_TITLE_MAX)
    url = text_of(parameters.get("url"), "url", 2000)
    if not url.startswith(("http://", "https://")):
        raise GraphError(131009, "url must begin with http:// or https://")


def _check_flow(interactive: Json, action: Json) -> None:
    _named(action, "flow")
    parameters = as_object(action.get("parameters"))
    if bool(parameters.get("flow_id")) == bool(parameters.get("flow_name")):
        raise GraphError(131009, "exactly one of flow_id and flow_name is required")
    text_of(parameters.get("flow_cta"), "flow_cta", FLOW_CTA_MAX)
    if str(parameters.get("flow_message_version")) != "3":
        raise GraphError(131009, "flow_message_version must be 3")
    if parameters.get("mode", "published") not in {"draft", "published"}:
        raise GraphError(131009, "mode must be draft or published")
    flow_action = parameters.get("flow_action", "navigate")
    payload = parameters.get("flow_action_payload")
    if flow_action not in {"navigate", "data_exchange"} or (payload and flow_action != "navigate"):
        raise GraphError(131009, "flow_action_payload goes with flow_action navigate")
    if payload is not None and "data" in as_object(payload) and not as_object(payload)["data"]:
        raise GraphError(131009, "flow_action_payload.data must not be empty")


def _check_products(interactive: Json, action: Json) -> None:
    text_of(action.get("catalog_id"), "catalog_id", 100)
    sections = as_list(action.get("sections"))
    items = [item for section in sections for item in as_list(as_object(section).get("product_items"))]
    if not 1 <= len(sections) <= 10 or not 1 <= len(items) <= 30:
        raise GraphError(131009, "1 to 10 sections with 1 to 30 products in total")
    for section in sections:
        text_of(section.get("title"), "section title", SECTION_TITLE_MAX, required=len(sections) > 1)


def _check_product(interactive: Json, action: Json) -> None:
    text_of(action.get("catalog_id"), "catalog_id", 100)
    text_of(action.get("product_retailer_id"), "product_retailer_id", 200)


def _check_address(interactive: Json, action: Json) -> None:
    _named(action, "address_message")
    text_of(as_object(action.get("parameters")).get("country"), "country", 2)


def _check_cards(interactive: Json, action: Json) -> None:
    cards = as_list(action.get("cards"))
    if not 2 <= len(cards) <= 10:
        raise GraphError(131009, "a carousel has 2 to 10 cards")
    if len({card.get("card_index") for card in cards}) != len(cards):
        raise GraphError(131009, "card_index must be unique")


def _check_carousel(action: Json, media: MediaList) -> None:
    kinds, with_body = set(), 0
    cards = as_list(action.get("cards"))
    for card in cards:
        if card.get("type") == "product":
            _check_product(card, as_object(card.get("action")))
            kinds.add("product")
            continue
        header = as_object(card.get("header"))
        if header.get("type") not in {"image", "video"}:
            raise GraphError(131009, "card headers are images or videos")
        kinds.add(header["type"])
        media.append((header["type"], _medium(header, header["type"], "card.header")))
        body = text_of(as_object(card.get("body")).get("text"), "card body", CARD_BODY_MAX, required=False)
        with_body += bool(body)
        if body.count("\n") > 2:
            raise GraphError(131009, "card body has more than 2 line breaks")
        action_of_card = as_object(card.get("action"))
        if card.get("type") == "cta_url":
            _check_cta(card, action_of_card)
        elif not as_list(action_of_card.get("buttons")):
            raise GraphError(131008, "every card needs a button")
    if len(kinds) > 1:
        raise GraphError(131009, "all cards must have the same header type")
    if with_body not in {0, len(cards)}:
        raise GraphError(131009, "either all cards have a body or none")


def _named(action: Json, name: str) -> None:
    if action.get("name") != name:
        raise GraphError(131009, f"interactive.action.name must be {name}")


def _only_name(name: str) -> Callable[[Json, Json], None]:
    return lambda interactive, action: _named(action, name)


RULES: dict[str, Callable[[Json, Json], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_cta,
    "flow": _check_flow,
    "location_request_message": _only_name("send_location"),
    "address_message": _check_address,
    "request_contact_info": _only_name("request_contact_info"),
    "product": _check_product,
    "product_list": _check_products,
    "catalog_message": _only_name("catalog_message"),
    "carousel": _check_cards,
    "call_permission_request": _only_name("call_permission_request"),
    "voice_call": _only_name("voice_call"),
}
