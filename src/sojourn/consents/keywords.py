"""Recognises the words by which people stop, start or ask for help. Pure; the words are data, a file a language.

A word counts as a whole message, whatever its case, accents and punctuation. Words that are ordinary answers ("yes",
"cancel", "fine") count only while no question is open. Own words are added to these and never take one away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import yaml

LONGEST_TEXT = 1000  # characters that are looked at
UNCLEAR_WORDS_MAX = 8  # a longer text that merely contains "stop" is about something else
UNCLEAR_WORDS_MAX_IN_QUESTION = 4
SPELLED_SHORTEST = 3  # letters
FUZZY_SHORTEST = 8  # letters; shorter words are too close to others ("stop", "shop", "step")


class KeywordKind(StrEnum):
    """What a whole message means for consent."""

    STOP = "stop"
    STOP_ALL = "stop_all"
    START = "start"
    HELP = "help"
    DECLINE = "decline"
    NEAR_STOP_CLEAR = "near_stop_clear"
    NEAR_STOP_UNCLEAR = "near_stop_unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeywordMatch:
    """What was recognised, in which language, how surely (0–1), and whether the word is also an ordinary answer."""

    kind: KeywordKind
    language: str
    confidence: float
    is_ordinary: bool = False


@dataclass(frozen=True, slots=True)
class _Language:
    code: str
    near_clear: tuple[re.Pattern[str], ...]
    not_meant: tuple[re.Pattern[str], ...]
    stems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Book:
    clear: Mapping[str, tuple[tuple[KeywordKind, str], ...]]
    squeezed: Mapping[str, tuple[tuple[KeywordKind, str], ...]]
    ordinary: Mapping[str, tuple[tuple[KeywordKind, str], ...]]
    languages: tuple[_Language, ...]


def recognise(
    text: str | None,
    *,
    question_open: bool = False,
    extra: Mapping[str, Sequence[str]] | None = None,
    languages: Sequence[str] = (),
) -> KeywordMatch | None:
    """What a whole message or caption means for consent, or None.

    `extra` maps a kind (`stop`, `stop_all`, `start`, `help`) to own words. `languages` are the languages that the
    person may be writing, best first: words that are ordinary answers count only in these and in English; clear words
    count in every language we know.
    """
    plain = normalise(text or "")
    if not plain:
        return None
    hints = tuple(language.replace("-", "_").split("_")[0].lower() for language in languages)
    return (
        _find_clear(plain, hints)
        or _find_spelled(plain, hints)
        or _find_extra(plain, extra or {}, hints)
        or (None if question_open else _find_ordinary(plain, hints))
        or _find_near(plain, hints, question_open=question_open)
    )


def normalise(text: str) -> str:
    """Lower case without accents, punctuation, symbols and needless spaces; what words are compared by."""
    letters: list[str] = []
    base_takes_marks = True
    for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text[:LONGEST_TEXT]).casefold()):
        category = unicodedata.category(char)
        if category in {"Mn", "Me"}:
            if not base_takes_marks and char != "\u093c":
                letters.append(char)
        elif char in _APOSTROPHES or category == "Cf" or char == "\u0640":
            continue
        elif category[0] in "LNM":
            base_takes_marks = not ("\u0900" <= char <= "\u0dff")
            letters.append(_SAME_LETTERS.get(char, char))
        else:
            letters.append(" ")
    return " ".join("".join(letters).split())


_APOSTROPHES = frozenset("'’‘`´ʼ")
_SAME_LETTERS = {
    "ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ё": "е",
    "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي",
}  # fmt: skip


def _find_clear(plain: str, hints: Sequence[str]) -> KeywordMatch | None:
    book = _book()
    once = _without_repeats(plain)
    alike = book.squeezed.get(_squeeze(once))
    if alike is None:
        return None
    exact = book.clear.get(once)
    if exact is None:
        return _match(alike, hints, 0.95)
    # "stopp" is German, and a held letter in every language that has "stop": the likeliest language is meant.
    kind = _match(exact, hints, 1.0).kind
    return _match([meaning for meaning in alike if meaning[0] is kind], hints, 1.0)


def _find_spelled(plain: str, hints: Sequence[str]) -> KeywordMatch | None:
    """A clear stop word in single letters, `S T O P` or `s.t.o.p`; no other word is spelled, nor part of a message."""
    letters = plain.split()
    if len(letters) < SPELLED_SHORTEST or any(len(letter) > 1 for letter in letters):
        return None
    found = _book().clear.get("".join(letters), ())
    stops = [meaning for meaning in found if meaning[0] in {KeywordKind.STOP, KeywordKind.STOP_ALL}]
    return _match(stops, hints, 0.95) if stops else None


def _find_extra(plain: str, extra: Mapping[str, Sequence[str]], hints: Sequence[str]) -> KeywordMatch | None:
    language = hints[0] if hints else "en"
    for kind, words in extra.items():
        if plain in {normalise(word) for word in words}:
            return KeywordMatch(kind=KeywordKind(kind), language=language, confidence=1.0)
    return None


def _find_ordinary(plain: str, hints: Sequence[str]) -> KeywordMatch | None:
    found = tuple(
        (kind, language)
        for kind, language in _book().ordinary.get(_without_repeats(plain), ())
        if not hints or language in hints or language == "en"
    )
    return _match(found, hints, 0.9, is_ordinary=True) if found else None


def _find_near(plain: str, hints: Sequence[str], *, question_open: bool) -> KeywordMatch | None:
    book = _book()
    if any(pattern.search(plain) for language in book.languages for pattern in language.not_meant):
        return None
    for language in book.languages:
        if any(pattern.search(plain) for pattern in language.near_clear):
            return KeywordMatch(kind=KeywordKind.NEAR_STOP_CLEAR, language=language.code, confidence=0.9)
    misspelt = _find_misspelt(plain, hints)
    if misspelt is not None:
        return misspelt
    if len(plain.split()) > (UNCLEAR_WORDS_MAX_IN_QUESTION if question_open else UNCLEAR_WORDS_MAX):
        return None
    padded = f" {plain} "
    holders = [language.code for language in book.languages if any(f" {stem} " in padded for stem in language.stems)]
    if not holders:
        return None
    return KeywordMatch(kind=KeywordKind.NEAR_STOP_UNCLEAR, language=_choose(holders, hints), confidence=0.5)


def _find_misspelt(plain: str, hints: Sequence[str]) -> KeywordMatch | None:
    """A long clear stop word with up to two slips, or a short one with two neighbouring letters swapped."""
    letters = plain.translate(_LEET) if " " not in plain and not plain.isdigit() else plain
    for word, meanings in _book().clear.items():
        if meanings[0][0] is not KeywordKind.STOP or abs(len(word) - len(letters)) > 2:
            continue
        limit = 2 if len(word) >= FUZZY_SHORTEST else 0
        if letters == word or _is_swapped(letters, word) or (limit and _distance(letters, word, limit) <= limit):
            language = _choose([language for _, language in meanings], hints)
            return KeywordMatch(kind=KeywordKind.NEAR_STOP_CLEAR, language=language, confidence=0.8)
    return None


_LEET = str.maketrans({"0": "o", "5": "s", "1": "i", "3": "e", "7": "t"})


def _match(
    found: Sequence[tuple[KeywordKind, str]], hints: Sequence[str], confidence: float, *, is_ordinary: bool = False
) -> KeywordMatch:
    """Of several meanings the stopping one; of several languages the likeliest."""
    order = {kind: place for place, kind in enumerate(_STRICTEST_FIRST)}
    kind = min((kind for kind, _ in found), key=order.__getitem__)
    language = _choose([language for other, language in found if other is kind], hints)
    return KeywordMatch(kind=kind, language=language, confidence=confidence, is_ordinary=is_ordinary)


_STRICTEST_FIRST = (
    KeywordKind.STOP_ALL,
    KeywordKind.STOP,
    KeywordKind.DECLINE,
    KeywordKind.HELP,
    KeywordKind.START,
    KeywordKind.NEAR_STOP_CLEAR,
    KeywordKind.NEAR_STOP_UNCLEAR,
)


def _choose(languages: Sequence[str], hints: Sequence[str]) -> str:
    return next((hint for hint in hints if hint in languages), "en" if "en" in languages else languages[0])


def _without_repeats(plain: str) -> str:
    """`stop stop stop` is `stop`."""
    words = plain.split()
    return words[0] if len(set(words)) == 1 else plain


def _squeeze(plain: str) -> str:
    """Letters that are held down count once: `stooopp` is `stop`."""
    return re.sub(r"(.)\1+", r"\1", plain)


def _is_swapped(one: str, other: str) -> bool:
    """Whether two neighbouring letters changed places, and nothing else."""
    if len(one) != len(other) or len(one) < 4:
        return False
    at = [place for place in range(len(one)) if one[place] != other[place]]
    return len(at) == 2 and at[1] == at[0] + 1 and one[at[0]] == other[at[1]] and one[at[1]] == other[at[0]]


def _distance(one: str, other: str, limit: int) -> int:
    """Insertions, deletions and replacements between two words; more than `limit` is all the same."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
        if min(row) > limit:
            return limit + 1
    return row[-1]


@cache
def _book() -> _Book:
    clear: dict[str, list[tuple[KeywordKind, str]]] = {}
    ordinary: dict[str, list[tuple[KeywordKind, str]]] = {}
    languages: list[_Language] = []
    for data in load_languages():
        code = data["language"]
        for kind in ("stop", "stop_all", "start", "help"):
            for word in data.get(kind, []):
                clear.setdefault(normalise(word), []).append((KeywordKind(kind), code))
            for word in data.get("ordinary", {}).get(kind, []):
                ordinary.setdefault(normalise(word), []).append((KeywordKind(kind), code))
        for word in data.get("yes", []):
            ordinary.setdefault(normalise(word), []).append((KeywordKind.START, code))
        for word in data.get("no", []):
            ordinary.setdefault(normalise(word), []).append((KeywordKind.DECLINE, code))
        languages.append(
            _Language(
                code=code,
                near_clear=tuple(re.compile(pattern) for pattern in data.get("near_clear", [])),
                not_meant=tuple(re.compile(pattern) for pattern in data.get("not_meant", [])),
                stems=tuple(normalise(stem) for stem in data.get("stems", [])),
            )
        )
    frozen = {word: tuple(meanings) for word, meanings in clear.items()}
    squeezed: dict[str, tuple[tuple[KeywordKind, str], ...]] = {}
    for word, meanings in frozen.items():
        squeezed[_squeeze(word)] = (*squeezed.get(_squeeze(word), ()), *meanings)
    return _Book(frozen, squeezed, {word: tuple(found) for word, found in ordinary.items()}, tuple(languages))


def load_languages() -> list[dict[str, Any]]:
    """The built-in words, a mapping a language, English first and then by code."""
    folder = resources.files("sojourn.consents") / "data" / "keywords"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    loaded = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    return sorted(loaded, key=lambda data: (data["language"] != "en", data["language"]))
