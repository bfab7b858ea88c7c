"""What makes a template creatable (reference 3.1 to 3.3). Refusals are subcodes of 100."""

import re

from cloudsim.graph.errors import management_error
from cloudsim.graph.template_send import PLACEHOLDER
from cloudsim.jsontypes import Json, as_list, as_object

NAME = re.compile(r"[a-z0-9_]{1,512}$")
LANGUAGES = frozenset(
    [
        "af",
        "sq",
        "ar",
        "ar_EG",
        "ar_AE",
        "ar_LB",
        "ar_MA",
        "ar_QA",
        "az",
        "be_BY",
        "bn",
        "bn_IN",
        "bg",
        "ca",
        "zh_CN",
        "zh_HK",
        "zh_TW",
        "hr",
        "cs",
        "da",
        "prs_AF",
        "nl",
        "nl_BE",
        "en",
        "en_GB",
        "en_US",
        "en_AE",
        "en_AU",
        "en_CA",
        "en_GH",
        "en_IE",
        "en_IN",
        "en_JM",
        "en_MY",
        "en_NZ",
        "en_QA",
        "en_SG",
        "en_UG",
        "en_ZA",
        "et",
        "fil",
        "fi",
        "fr",
        "fr_BE",
        "fr_CA",
        "fr_CH",
        "fr_CI",
        "fr_MA",
        "ka",
        "de",
        "de_AT",
        "de_CH",
        "el",
        "gu",
        "ha",
        "he",
        "hi",
        "hu",
        "id",
        "ga",
        "it",
        "ja",
        "kn",
        "kk",
        "rw_RW",
        "ko",
        "ky_KG",
        "lo",
        "lv",
        "lt",
        "mk",
        "ms",
        "ml",
        "mr",
        "nb",
        "ps_AF",
        "fa",
        "pl",
        "pt_BR",
        "pt_PT",
        "pa",
        "ro",
        "ru",
        "sr",
        "si_LK",
        "sk",
        "sl",
        "es",
        "es_AR",
        "es_CL",
        "es_CO",
        "es_CR",
        "es_DO",
        "es_EC",
        "es_HN",
        "es_MX",
        "es_PA",
        "es_PE",
        "es_ES",
        "es_UY",
        "sw",
        "sv",
        "ta",
        "te",
        "th",
        "tr",
        "uk",
        "ur",
        "uz",
        "vi",
        "zu",
    ]
)
CATEGORIES = frozenset({"MARKETING", "UTILITY", "AUTHENTICATION"})
HEADER_MAX, BODY_MAX, OFFER_BODY_MAX, CARD_BODY_MAX, FOOTER_MAX = 60, 1024, 600, 160, 60
BUTTON_TEXT_MAX, URL_MAX, PHONE_MAX, CODE_MAX, BUTTONS_MAX = 25, 2000, 20, 20, 10
BUTTON_COUNTS = {
    "QUICK_REPLY": 10,
    "URL": 2,
    "PHONE_NUMBER": 1,
    "COPY_CODE": 1,
    "CATALOG": 1,
    "MPM": 1,
    "SPM": 1,
    "FLOW": 1,
    "OTP": 1,
    "VOICE_CALL": 1,
    "REQUEST_CONTACT_INFO": 1,
    "ORDER_DETAILS": 1,
    "APP": 1,
}
HEADER_FORMATS = frozenset({"TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT", "GIF"})
POSITIONAL = re.compile(r"[1-9][0-9]*$")
NAMED = re.compile(r"[a-z_][a-z0-9_]*$")
BRACES = re.compile(r"\{\{[^{}]*\}\}")
WORD = re.compile(r"\w+")
ADJACENT = re.compile(r"\}\}\s*\{\{")
TTL = {"AUTHENTICATION": (30, 900), "UTILITY": (30, 43_200), "MARKETING": (43_200, 2_592_000)}


def body_error(text: str, title: str = "Body format is incorrect") -> Exception:
    return management_error(2388072, title, text)


def check(components: list[Json], *, category: str, named: bool, words_per_variable: int) -> None:
    """Raises GraphError 100 with the subcode of the first rule that is broken."""
    kinds = [str(component.get("type", "")).upper() for component in components]
    if kinds.count("BODY") != 1:
        raise body_error("A template needs exactly one body.")
    for kind in set(kinds):
        if kinds.count(kind) > 1:
            raise management_error(2388040, "Component is repeated", f"{kind} may appear once.")
    offer = "LIMITED_TIME_OFFER" in kinds
    if category == "AUTHENTICATION":
        _check_authentication(components)
        return
    for component, kind in zip(components, kinds, strict=True):
        if kind == "HEADER":
            _check_header(component, named=named, category=category)
        elif kind == "BODY":
            most = OFFER_BODY_MAX if offer else BODY_MAX
            _check_body(component, most, named=named, words_per_variable=words_per_variable)
        elif kind == "FOOTER":
            _check_footer(component)
        elif kind == "BUTTONS":
            _check_buttons(as_list(component.get("buttons")))
        elif kind == "CAROUSEL":
            _check_carousel(component, category, named=named)
        elif kind == "LIMITED_TIME_OFFER":
            _check_offer(component, kinds, category)
        elif kind != "CALL_PERMISSION_REQUEST":
            raise management_error(2388040, "Unknown component", f"Unknown component {kind}.")


def check_ttl(category: str, seconds: object) -> None:
    if seconds is None or seconds == -1:
        return
    low, high = TTL[category]
    if not isinstance(seconds, int) or not low <= seconds <= high:
        raise management_error(2388040, "Time to live is out of range", f"message_send_ttl_seconds: {low} to {high}.")


def _check_header(header: Json, *, named: bool, category: str) -> None:
    form = str(header.get("format", "")).upper()
    if form not in HEADER_FORMATS:
        raise management_error(2388047, "Header format is incorrect", f"Unknown header format {form!r}.")
    if form == "LOCATION" and category == "AUTHENTICATION":
        raise management_error(2388047, "Header format is incorrect", "Location headers: UTILITY or MARKETING only.")
    if form in {"IMAGE", "VIDEO", "DOCUMENT", "GIF"} and not as_object(header.get("example")).get("header_handle"):
        raise management_error(2388047, "Header format is incorrect", "A media header needs example.header_handle.")
    if form != "TEXT":
        return
    text = str(header.get("text", ""))
    if not 1 <= len(text) <= HEADER_MAX or "\n" in text or "*" in text:
        raise management_error(2388047, "Header format is incorrect", "1 to 60 characters on one line, no formatting.")
    names = _variables(text, named=named)
    if len(names) > 1:
        raise management_error(2388047, "Header format is incorrect", "A header takes at most one variable.")
    _need_examples(names, header, "header_text", "header_text_named_params", named=named)


def _check_body(body: Json, most: int, *, named: bool, words_per_variable: int) -> None:
    text = str(body.get("text", ""))
    if not text:
        raise body_error("The body needs a text.")
    if len(text) > most:
        raise management_error(2388040, "Character limit exceeded", f"The body may have {most} characters.")
    names = _variables(text, named=named)
    if not names:
        return
    stripped = text.strip()
    if stripped.startswith("{{") or stripped.endswith("}}"):
        raise management_error(
            2388299,
            "Variables can't be at the start or end of the template",
            "The template has leading or trailing parameters.",
        )
    if ADJACENT.search(text):
        raise body_error("Variables may not be next to each other.")
    words = len(WORD.findall(PLACEHOLDER.sub(" ", text)))
    if words_per_variable and words < words_per_variable * len(names) + 1:
        raise management_error(
            2388293,
            "Too many variables for the length of the text",
            "This template has too many variable parameters relative to its length.",
        )
    _need_examples(names, body, "body_text", "body_text_named_params", named=named)


def _check_footer(footer: Json) -> None:
    text = str(footer.get("text", ""))
    if not 1 <= len(text) <= FOOTER_MAX or BRACES.search(text):
        raise management_error(2388073, "Footer format is incorrect", "1 to 60 characters and no variables.")


def _variables(text: str, *, named: bool) -> list[str]:
    """The names in order. Raises for unbalanced braces, bad names, and positions that skip a number."""
    outside = BRACES.sub("", text)
    if "{{" in outside or "}}" in outside:
        raise body_error("The braces of a variable are not balanced.")
    names = [match[2:-2].strip() for match in BRACES.findall(text)]
    rule = NAMED if named else POSITIONAL
    if any(not rule.match(name) for name in names):
        raise body_error("Variables are {{1}}, {{2}}, … or, when named, lower-case letters, digits and underscores.")
    unique = list(dict.fromkeys(names))
    if not named and sorted(map(int, unique)) != list(range(1, len(unique) + 1)):
        raise body_error("Positional variables start at 1 and leave no number out.")
    return unique


def _need_examples(names: list[str], component: Json, key: str, named_key: str, *, named: bool) -> None:
    if not names:
        return
    example = as_object(component.get("example"))
    if named:
        given = {str(as_object(item).get("param_name")) for item in as_list(example.get(named_key))}
        complete = set(names) <= given
    else:
        values = example.get(key)
        row = values[0] if isinstance(values, list) and values and isinstance(values[0], list) else values
        complete = len(row if isinstance(row, list) else [row] if row else []) >= len(names)
    if not complete:
        raise body_error("Every variable needs an example.", "Sample is missing")


def _check_buttons(buttons: list[Json], *, most: int = BUTTONS_MAX) -> None:
    if not 1 <= len(buttons) <= most:
        raise management_error(2388040, "Number of buttons is incorrect", f"1 to {most} buttons.")
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    for kind in set(kinds):
        if kind not in BUTTON_COUNTS:
            raise management_error(2388040, "Unknown button", f"Unknown button type {kind!r}.")
        if kinds.count(kind) > BUTTON_COUNTS[kind]:
            raise management_error(2388040, "Too many buttons", f"At most {BUTTON_COUNTS[kind]} of type {kind}.")
    quick = [index for index, kind in enumerate(kinds) if kind == "QUICK_REPLY"]
    grouped = quick == list(range(quick[0], quick[0] + len(quick))) if quick else True
    if not grouped or (quick and quick[0] != 0 and quick[-1] != len(kinds) - 1):
        raise management_error(
            2388040, "Buttons are not grouped", "Quick replies stand together, before or after the rest."
        )
    for button, kind in zip(buttons, kinds, strict=True):
        _check_button(button, kind)


def _check_button(button: Json, kind: str) -> None:
    text = str(button.get("text", ""))
    if kind not in {"COPY_CODE", "REQUEST_CONTACT_INFO", "OTP"} and not 1 <= len(text) <= BUTTON_TEXT_MAX:
        raise management_error(
            2388040, "Character limit exceeded", f"Button texts have 1 to {BUTTON_TEXT_MAX} characters."
        )
    if kind == "URL":
        url = str(button.get("url", ""))
        names = BRACES.findall(url)
        if not url.startswith(("http://", "https://")) or len(url) > URL_MAX:
            raise management_error(2388040, "URL is incorrect", "An absolute URL of at most 2000 characters.")
        if len(names) > 1 or (names and not url.endswith(names[0])):
            raise management_error(2388040, "URL is incorrect", "One variable, at the end.")
        if names and not button.get("example"):
            raise management_error(2388040, "Sample is missing", "A URL with a variable needs an example.")
    elif kind == "PHONE_NUMBER" and not 1 <= len(str(button.get("phone_number", ""))) <= PHONE_MAX:
        raise management_error(2388040, "Phone number is incorrect", f"1 to {PHONE_MAX} characters.")
    elif kind == "COPY_CODE":
        example = button.get("example")
        code = str(example[0] if isinstance(example, list) and example else example or "")
        if not code.isalnum() or len(code) > CODE_MAX:
            raise management_error(2388040, "Code is incorrect", f"Alphanumeric, at most {CODE_MAX} characters.")


def _check_offer(component: Json, kinds: list[str], category: str) -> None:
    text = str(as_object(component.get("limited_time_offer")).get("text", ""))
    if category != "MARKETING" or "FOOTER" in kinds or not 1 <= len(text) <= 16:
        raise management_error(
            2388040, "Offer is incorrect", "MARKETING only, no footer, a text of at most 16 characters."
        )


def _check_carousel(component: Json, category: str, *, named: bool) -> None:
    cards = as_list(component.get("cards"))
    if category != "MARKETING" or not 2 <= len(cards) <= 10:
        raise management_error(2388040, "Carousel is incorrect", "MARKETING only, 2 to 10 cards.")
    shapes = set()
    for card in cards:
        parts = as_list(as_object(card).get("components"))
        shapes.add(tuple(sorted(str(part.get("type", "")).upper() for part in parts)))
        for part in parts:
            kind = str(part.get("type", "")).upper()
            if kind == "HEADER":
                _check_header(part, named=named, category=category)
            elif kind == "BODY":
                _check_body(part, CARD_BODY_MAX, named=named, words_per_variable=0)
            elif kind == "BUTTONS":
                _check_buttons(as_list(part.get("buttons")), most=2)
            else:
                raise management_error(2388040, "Carousel is incorrect", f"A card has no {kind}.")
    if len(shapes) != 1:
        raise management_error(2388040, "Carousel is incorrect", "All cards have the same components.")


def _check_authentication(components: list[Json]) -> None:
    buttons: list[Json] = []
    for component in components:
        kind = str(component.get("type", "")).upper()
        if kind == "BODY" and component.get("text") and "{{1}}" not in str(component["text"]):
            raise body_error("The body of an authentication template is fixed.")
        if kind == "FOOTER" and not 1 <= int(component.get("code_expiration_minutes") or 0) <= 90:
            raise management_error(2388073, "Footer format is incorrect", "code_expiration_minutes: 1 to 90.")
        if kind == "BUTTONS":
            buttons = as_list(component.get("buttons"))
        if kind not in {"BODY", "FOOTER", "BUTTONS"}:
            raise management_error(2388040, "Unknown component", "Authentication: body, footer, one OTP button.")
    if len(buttons) != 1 or (str(buttons[0].get("type")).upper() != "OTP" and not buttons[0].get("otp_type")):
        raise management_error(2388040, "Button is incorrect", "An authentication template needs one OTP button.")
    otp = str(buttons[0].get("otp_type", "")).upper()
    if otp not in {"COPY_CODE", "ONE_TAP", "ZERO_TAP"}:
        raise management_error(2388040, "Button is incorrect", "otp_type: COPY_CODE, ONE_TAP or ZERO_TAP.")
    apps = as_list(buttons[0].get("supported_apps"))
    if otp != "COPY_CODE":
        bad = not 1 <= len(apps) <= 5 or any(
            str(app.get("package_name", "")).count(".") < 1
            or not re.fullmatch(r"[A-Za-z0-9+/=]{11}", str(app.get("signature_hash", "")))
            for app in apps
        )
        if bad:
            raise management_error(2388040, "Button is incorrect", "supported_apps: 1 to 5 with name and hash.")
    if otp == "ZERO_TAP" and buttons[0].get("zero_tap_terms_accepted") is not True:
        raise management_error(2388040, "Button is incorrect", "zero_tap_terms_accepted must be true.")


PROMOTIONAL = re.compile(
    r"\b(sale|discounts?|offers?|coupons?|promo\w*|% off|save \d|deal|special price|korting|aanbieding|rabatt|soldes|"
    r"shop now|buy now|limited time)\b|\d+\s?% ",
    re.IGNORECASE,
)


def is_promotional(components: list[Json]) -> bool:
    """Whether a reviewer would call this marketing: a word list stands in for the reviewer."""
    texts = [str(component.get("text", "")) for component in components]
    return any(PROMOTIONAL.search(text) for text in texts)
