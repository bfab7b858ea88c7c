"""The hosted opt-in page: plain HTML, no script, a strict content security policy. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from html import escape

from sojourn.consents.forms import FormContent, wording_for


class PageState(StrEnum):
    """What the page says beside the form."""

    OPEN = "open"
    DONE = "done"
    CLOSED = "closed"
    BAD_PHONE = "bad_phone"
    NOT_AGREED = "not_agreed"
    CHANGED = "changed"
    TOO_MANY = "too_many"


STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.0625rem/1.5 system-ui,sans-serif;margin:0;padding:1.5rem}"
    "main{max-width:32rem;margin:0 auto}"
    "label,legend{font-weight:600}"
    "fieldset{border:0;padding:0;margin:1.25rem 0}"
    ".choice{display:flex;gap:.6rem;align-items:baseline;margin:.5rem 0}"
    ".choice label{font-weight:400}"
    "input[type=tel]{display:block;font:inherit;width:100%;box-sizing:border-box;padding:.6rem;margin:.3rem 0 0}"
    "input[type=checkbox]{width:1.2rem;height:1.2rem;flex:none}"
    "button{font:inherit;font-weight:600;padding:.7rem 1.4rem;margin-top:1rem}"
    "[role=alert]{border-left:.3rem solid #b00020;padding:.2rem 0 .2rem .8rem}"
    ".trap{position:absolute;left:-100vw}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Messages from {business}",
        "phone": "Your WhatsApp number",
        "hint": "With the country code, for example +44 7700 900303",
        "topics": "What would you like to receive?",
        "agree": "I agree",
        "submit": "Sign up",
        "privacy": "Privacy notice",
        "trap": "Leave this field empty",
        "done": "Thank you. If we need you to confirm, a message is on its way to your phone.",
        "closed": "This form is not in use.",
        "bad_phone": "Please check the number: it is not a phone number.",
        "not_agreed": "Please tick the box if you agree.",
        "changed": "The text has changed. Please read it again.",
        "too_many": "Too many tries. Please come back later.",
    },
    "nl": {
        "title": "Berichten van {business}",
        "phone": "Je WhatsApp-nummer",
        "hint": "Met landnummer, bijvoorbeeld +31 6 12345678",
        "topics": "Wat wil je ontvangen?",
        "agree": "Ik ga akkoord",
        "submit": "Aanmelden",
        "privacy": "Privacyverklaring",
        "trap": "Laat dit veld leeg",
        "done": "Dank je wel. Als je nog moet bevestigen, komt er een bericht op je telefoon.",
        "closed": "Dit formulier is niet in gebruik.",
        "bad_phone": "Controleer het nummer: dit is geen telefoonnummer.",
        "not_agreed": "Vink het vakje aan als je akkoord gaat.",
        "changed": "De tekst is veranderd. Lees hem nog eens.",
        "too_many": "Te veel pogingen. Probeer het later nog eens.",
    },
    "de": {
        "title": "Nachrichten von {business}",
        "phone": "Ihre WhatsApp-Nummer",
        "hint": "Mit Landesvorwahl, zum Beispiel +49 1512 3456789",
        "topics": "Was möchten Sie erhalten?",
        "agree": "Ich stimme zu",
        "submit": "Anmelden",
        "privacy": "Datenschutzhinweise",
        "trap": "Dieses Feld leer lassen",
        "done": "Vielen Dank. Falls Sie noch bestätigen müssen, kommt eine Nachricht auf Ihr Telefon.",
        "closed": "Dieses Formular ist nicht in Gebrauch.",
        "bad_phone": "Bitte prüfen Sie die Nummer: Das ist keine Telefonnummer.",
        "not_agreed": "Bitte setzen Sie das Häkchen, wenn Sie zustimmen.",
        "changed": "Der Text hat sich geändert. Bitte lesen Sie ihn noch einmal.",
        "too_many": "Zu viele Versuche. Bitte später noch einmal.",
    },
}
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
ALERTS = frozenset({PageState.BAD_PHONE, PageState.NOT_AGREED, PageState.CHANGED, PageState.TOO_MANY})


def choose_language(content: FormContent, asked: str | None, accepted: str | None) -> str:
    """The language of the page: the one asked for, else the browser's first that the form has, else its first."""
    known = [wording.language for wording in content.wordings]
    wishes = [asked or "", *((part.split(";")[0].strip()) for part in (accepted or "").split(","))]
    for wish in wishes:
        short = wish.replace("_", "-").split("-")[0].lower()
        if short in known:
            return short
    return known[0]


def render_page(
    content: FormContent | None,
    *,
    language: str,
    state: PageState,
    fields: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The whole page. `fields` are what was sent in, to be shown again beside an error."""
    words = TEXTS.get(language, TEXTS["en"])
    if content is None or state is PageState.CLOSED:
        return _document(language, words["closed"], f"<p>{escape(words['closed'])}</p>")
    title = words["title"].format(business=content.business_name)
    if state is PageState.DONE:
        return _document(language, title, f'<h1>{escape(title)}</h1><p role="status">{escape(words["done"])}</p>')
    alert = f'<p role="alert" id="error">{escape(words[state])}</p>' if state in ALERTS else ""
    form = _form(content, words, language=language, state=state, fields=fields or {})
    return _document(language, title, f"<h1>{escape(title)}</h1>{alert}{form}")


def _form(
    content: FormContent,
    words: Mapping[str, str],
    *,
    language: str,
    state: PageState,
    fields: Mapping[str, Sequence[str]],
) -> str:
    wording = wording_for(content, language)
    phone = escape(next(iter(fields.get("phone", [])), ""))
    invalid = ' aria-invalid="true" aria-describedby="hint error"' if state is PageState.BAD_PHONE else ""
    described = invalid or ' aria-describedby="hint"'
    privacy = ""
    if content.privacy_notice_url:
        privacy = f'<p><a href="{escape(content.privacy_notice_url)}">{escape(words["privacy"])}</a></p>'
    return (
        '<form method="post">'
        f'<input type="hidden" name="lang" value="{escape(language)}">'
        f'<input type="hidden" name="wording" value="{escape(wording.name())}">'
        f'<p><label for="phone">{escape(words["phone"])}</label> <small id="hint">{escape(words["hint"])}</small>'
        f'<input id="phone" name="phone" type="tel" autocomplete="tel" required value="{phone}"{described}></p>'
        f"{_topics(content, words, language, fields)}"
        f'<p id="wording">{escape(wording.text)}</p>{privacy}'
        '<p class="choice"><input id="agree" name="agree" type="checkbox" value="yes" required'
        f' aria-describedby="wording"><label for="agree">{escape(words["agree"])}</label></p>'
        f'<p class="trap" aria-hidden="true"><label for="website">{escape(words["trap"])}</label>'
        '<input id="website" name="website" tabindex="-1" autocomplete="off"></p>'
        f'<button type="submit">{escape(words["submit"])}</button></form>'
    )


def _topics(content: FormContent, words: Mapping[str, str], language: str, fields: Mapping[str, Sequence[str]]) -> str:
    if not content.topics:
        return ""
    chosen = set(fields.get("topic", []))
    choices = "".join(
        f'<p class="choice"><input id="topic-{place}" name="topic" type="checkbox" value="{escape(topic.key)}"'
        f"{' checked' if topic.key in chosen else ''}>"
        f'<label for="topic-{place}">{escape(topic.label(language))}</label></p>'
        for place, topic in enumerate(content.topics)
    )
    return f"<fieldset><legend>{escape(words['topics'])}</legend>{choices}</fieldset>"


def _document(language: str, title: str, body: str) -> str:
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    return (
        f'<!doctype html><html lang="{escape(language)}" dir="{direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
