"""Mistakes in the buttons of a template. Pure. Source: Cloud API reference, sections 3.1 to 3.3 (read 2026-11)."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sojourn.kit.errors import FieldError
from sojourn.templates.model import Category, TemplateDraft
from sojourn.templates.placeholders import names_in

BUTTONS_MAX = 10
TEXT_MAX = 25
URL_MAX = 2000
PHONE_MAX = 20
COPY_CODE_MAX = 20
REPLY_ID_MAX = 200  # the delivery's own id goes in front, 256 are allowed together
# How many of a kind one template may have.
MOST = {
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
    "ORDER_DETAILS": 1,
    "REQUEST_CONTACT_INFO": 1,
    "APP": 1,
}
WITHOUT_TEXT = ("COPY_CODE", "OTP", "REQUEST_CONTACT_INFO")
OTP_TYPES = ("COPY_CODE", "ONE_TAP", "ZERO_TAP")
SIGNATURE = re.compile(r"[A-Za-z0-9+/=]{11}")
PACKAGE = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+")


def check_buttons(buttons: object, draft: TemplateDraft, path: str, *, most: int = BUTTONS_MAX) -> list[FieldError]:
    """Every mistake of a row of buttons."""
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= most:
        return [{"field": path, "code": "count", "limit": most, "message": f"1 to {most} buttons"}]
    kinds = [str(button.get("type", "")).upper() if isinstance(button, Mapping) else "" for button in buttons]
    errors: list[FieldError] = []
    for index, (kind, button) in enumerate(zip(kinds, buttons, strict=True)):
        if kind not in MOST:
            errors.append({"field": f"{path}[{index}].type", "code": "unknown_button", "limit": list(MOST)})
        else:
            errors += _check_button(kind, button, draft, f"{path}[{index}]")
    for kind, number in Counter(kinds).items():
        if number > MOST.get(kind, number):
            errors.append({"field": path, "code": "too_many_buttons", "limit": MOST[kind], "message": kind})
    errors += _check_order(kinds, path)
    texts = Counter(str(button.get("text", "")).strip() for button in buttons if isinstance(button, Mapping))
    errors += [
        {"field": path, "code": "button_twice", "message": text} for text, times in texts.items() if text and times > 1
    ]
    return errors


def _check_order(kinds: list[str], path: str) -> Iterator[FieldError]:
    """Quick replies stand together: all before or all after the others."""
    changes = sum((one == "QUICK_REPLY") != (two == "QUICK_REPLY") for one, two in itertools.pairwise(kinds))
    if changes > 1:
        message = "quick replies stand together, before or after the other buttons"
        yield {"field": path, "code": "buttons_mixed", "message": message}


def _check_button(kind: str, button: Mapping[str, Any], draft: TemplateDraft, field: str) -> Iterator[FieldError]:
    text = str(button.get("text") or "")
    if kind not in WITHOUT_TEXT and not 1 <= len(text) <= TEXT_MAX:
        yield {"field": f"{field}.text", "code": "length", "limit": TEXT_MAX, "message": f"1 to {TEXT_MAX} characters"}
    is_misplaced = (kind == "OTP") != (draft.category is Category.AUTHENTICATION)
    is_code_link = kind == "URL" and "code" in str(button.get("url", ""))  # how the provider gives a code button back
    if is_misplaced and kind in ("OTP", "URL", "QUICK_REPLY") and not is_code_link:
        yield {"field": f"{field}.type", "code": "not_allowed", "message": f"{kind} in {draft.category}"}
    if kind == "URL":
        yield from _check_url(button, f"{field}.url")
    elif kind == "PHONE_NUMBER" and not 1 <= len(str(button.get("phone_number") or "")) <= PHONE_MAX:
        yield {"field": f"{field}.phone_number", "code": "length", "limit": PHONE_MAX}
    elif kind == "QUICK_REPLY" and len(str(button.get("id") or "")) > REPLY_ID_MAX:
        yield {"field": f"{field}.id", "code": "length", "limit": REPLY_ID_MAX}
    elif kind == "COPY_CODE" and not 1 <= len(str(button.get("example") or "")) <= COPY_CODE_MAX:
        yield {"field": f"{field}.example", "code": "length", "limit": COPY_CODE_MAX, "message": "a sample code"}
    elif kind == "FLOW" and not any(button.get(name) for name in ("flow_id", "flow_name", "flow_json")):
        yield {"field": f"{field}.flow_id", "code": "required", "message": "the flow that opens"}
    elif kind == "OTP":
        yield from _check_code(button, field)


def _check_url(button: Mapping[str, Any], field: str) -> Iterator[FieldError]:
    url = str(button.get("url") or "")
    if not url.startswith(("https://", "http://")) or len(url) > URL_MAX:
        yield {
            "field": field,
            "code": "invalid_url",
            "limit": URL_MAX,
            "message": "an address of up to 2000 characters",
        }
    names = names_in(url)
    if len(names) > 1:
        yield {"field": field, "code": "too_many_variables", "limit": 1, "message": "one variable, at the end"}
    elif names and not url.endswith("}}"):
        yield {"field": field, "code": "variable_not_at_end", "message": "the variable stands at the end"}


def _check_code(button: Mapping[str, Any], field: str) -> Iterator[FieldError]:
    kind = str(button.get("otp_type", "")).upper()
    if kind not in OTP_TYPES:
        yield {"field": f"{field}.otp_type", "code": "unknown_type", "limit": list(OTP_TYPES)}
        return
    if kind == "ZERO_TAP" and button.get("zero_tap_terms_accepted") is not True:
        yield {"field": f"{field}.zero_tap_terms_accepted", "code": "required", "message": "must be true"}
    apps = button.get("supported_apps") or []
    if kind != "COPY_CODE" and not 1 <= len(apps) <= 5:
        yield {"field": f"{field}.supported_apps", "code": "count", "limit": 5, "message": "1 to 5 apps"}
    for index, app in enumerate(apps):
        at = f"{field}.supported_apps[{index}]"
        if not PACKAGE.fullmatch(str(app.get("package_name", ""))) or len(str(app["package_name"])) > 224:
            yield {"field": f"{at}.package_name", "code": "invalid_package", "limit": 224}
        if not SIGNATURE.fullmatch(str(app.get("signature_hash", ""))):
            yield {"field": f"{at}.signature_hash", "code": "invalid_signature", "limit": 11}
