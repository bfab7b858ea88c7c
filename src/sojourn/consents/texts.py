"""What we answer about consent, in the languages whose words we recognise. Pure; the texts are data.

They are Liquid: `{{ business }}` is the name that people know, `{{ channel }}` the name of the channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import yaml

CHANNEL_NAMES = {"whatsapp": "WhatsApp", "sms": "SMS", "email": "email", "push": "push", "inapp": "in-app"}
FALLBACK = "en"


def text_of(key: str, languages: Sequence[str | None]) -> str:
    """The text in the first of these languages that we have, else in English. Raises KeyError for an unknown key."""
    return _texts()[language_of(languages)][key]


def language_of(languages: Sequence[str | None]) -> str:
    """The first of these languages that we have texts in, else English."""
    for language in languages:
        short = (language or "").replace("-", "_").split("_")[0].lower()
        if short in _texts():
            return short
    return FALLBACK


def channel_name(channel: str) -> str:
    """How people call a channel."""
    return CHANNEL_NAMES.get(channel, channel)


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    folder = resources.files("sojourn.consents") / "data" / "texts"
    loaded = [
        yaml.safe_load(file.read_text(encoding="utf-8")) for file in folder.iterdir() if file.name.endswith(".yaml")
    ]
    return {data["language"]: data for data in loaded}
