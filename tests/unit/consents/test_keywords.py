"""The words by which people stop, start and ask for help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.consents.keywords import KeywordKind, load_languages, normalise, recognise

STOP, STOP_ALL, START, HELP, DECLINE = (
    KeywordKind.STOP,
    KeywordKind.STOP_ALL,
    KeywordKind.START,
    KeywordKind.HELP,
    KeywordKind.DECLINE,
)
CLEAR, UNCLEAR = KeywordKind.NEAR_STOP_CLEAR, KeywordKind.NEAR_STOP_UNCLEAR


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("STOP", STOP),
        ("Stopp!!", STOP),
        (" s t o p ", STOP),
        ("S.T.O.P.", STOP),
        ("s-t-o-p", STOP),
        ("B A J A", STOP),
        ("s t o p the s h o p", None),
        ("s h o p", None),
        ("s t a r t", None),
        ("y e s", None),
        ("a b", None),
        ("stoooop", STOP),
        ("stop stop STOP", STOP),
        ("Arrêt", STOP),
        ("ARRET.", STOP),
        ("opt-out", STOP),
        ("Opt out!", STOP),
        ("baja", STOP),
        ("unsubscribe", STOP),
        ("Afmelden", STOP),
        ("desinscrição", None),
        ("Çıkış", STOP),
        ("durdur", STOP),
        ("berhenti", STOP),
        ("बंद करो", STOP),
        ("إيقاف", STOP),
        ("إلغاء الاشتراك", STOP),
        ("wypisz mnie", STOP),
        ("cancelar inscrição", STOP),
        ("basta", STOP),
        ("СТОП", STOP),
        ("stop all", STOP_ALL),
        ("Alles stoppen", STOP_ALL),
        ("START", START),
        ("unstop", START),
        ("yes", START),
        ("Ja, graag", START),
        ("sí", START),
        ("cancel", STOP),
        ("help", HELP),
        ("Hilfe?", HELP),
        ("nee", DECLINE),
        ("stop it pls", CLEAR),
        ("please stop sending me these", CLEAR),
        ("Please stop this", CLEAR),
        ("don't text me", CLEAR),
        ("no more messages please", CLEAR),
        ("stpo", CLEAR),
        ("st0p", CLEAR),
        ("unsuscribe", CLEAR),
        ("Bitte keine Nachrichten mehr schicken", CLEAR),
        ("arrêtez de m'envoyer des messages", CLEAR),
        ("ik wil geen berichten meer ontvangen", CLEAR),
        ("por favor paren", CLEAR),
        ("non mi scrivete più", CLEAR),
        ("proszę przestać", CLEAR),
        ("lütfen mesaj göndermeyin", CLEAR),
        ("jangan kirim pesan lagi", CLEAR),
        ("لا ترسلوا لي رسائل", CLEAR),
        ("कृपया बंद करें ये संदेश", CLEAR),
        ("can you stop", UNCLEAR),
        ("how do i stop", UNCLEAR),
        ("kannst du stoppen oder stop", UNCLEAR),
        ("where is the bus stop", None),
        ("please stop by at 5", None),
        ("my grinder stopped working", None),
        ("Leave with neighbour", None),
        ("Hi, my grinder leaks", None),
        ("red", None),
        ("shop", None),
        ("step", None),
        ("5", None),
        ("", None),
        (None, None),
        ("👍", None),
    ],
)
def test_a_message_means_what_people_mean(text: str | None, kind: KeywordKind | None) -> None:
    match = recognise(text)
    assert (match.kind if match else None) == kind


@pytest.mark.parametrize(
    "word", ["yes", "no", "cancel", "end", "fine", "help", "info", "continue", "ja", "nein", "oui"]
)
def test_ordinary_answers_do_not_count_inside_an_open_question(word: str) -> None:
    assert recognise(word, question_open=True) is None


@pytest.mark.parametrize("word", ["stop", "unsubscribe", "opt out", "stopp", "arrêt", "baja", "stop it pls"])
def test_clear_words_count_inside_an_open_question(word: str) -> None:
    match = recognise(word, question_open=True)
    assert match is not None
    assert match.kind in {STOP, CLEAR}


def test_an_ordinary_word_of_another_language_is_not_a_stop() -> None:
    assert recognise("fine", languages=["en_GB"]) is None
    assert recognise("fine", languages=["it"]) is not None


def test_own_words_add_and_never_take_away() -> None:
    extra = {"stop": ["genug jetzt"], "start": ["stop", "kaffee bitte"]}
    assert recognise("Genug, jetzt!", extra=extra).kind is STOP  # type: ignore[union-attr]
    assert recognise("Kaffee bitte", extra=extra).kind is START  # type: ignore[union-attr]
    assert recognise("STOP", extra=extra).kind is STOP  # type: ignore[union-attr]


def test_at_least_ten_languages_are_built_in_and_complete() -> None:
    languages = load_languages()
    assert len(languages) >= 12
    for data in languages:
        assert data["stop"], data["language"]
        assert data["stop_all"], data["language"]
        assert data["start"], data["language"]
        assert data["near_clear"], data["language"]


def test_every_built_in_stop_word_is_recognised_as_one() -> None:
    for data in load_languages():
        for word in data["stop"]:
            match = recognise(word, question_open=True)
            assert match is not None, word
            assert match.kind is STOP, word


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    recognise(text)
    assert normalise(normalise(text)) == normalise(text)


@given(st.sampled_from([w for d in load_languages() for w in d["stop"]]), st.sampled_from(["", "!", " !!", "…", "."]))
def test_case_and_punctuation_do_not_matter(word: str, tail: str) -> None:
    for spelling in (word.upper(), word.title(), word):
        match = recognise(f" {spelling}{tail}", question_open=True)
        assert match is not None
        assert match.kind is STOP
