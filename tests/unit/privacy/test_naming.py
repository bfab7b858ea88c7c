"""What is about one person goes out of a job, and nothing else."""

from __future__ import annotations

from sojourn.kit import json
from sojourn.privacy.naming import needles_of, spellings_of, without_person, words_of

ANN = spellings_of("+447700900101")
REPORT = {
    "wa_id": "447700900101",
    "user_id": "GB.1",
    "provider_message_id": "wamid.x",
    "status": "read",
    "attempt_id": "1",
}
OTHER = {**REPORT, "wa_id": "447700900102", "user_id": "GB.2"}


def test_numbers_are_known_with_and_without_their_plus() -> None:
    assert spellings_of("447700900101") == ANN == {"447700900101", "+447700900101"}
    assert needles_of({"GB.1"}) == [b'"GB.1"']


def test_a_job_about_somebody_else_stays_as_it_is() -> None:
    payload = json.encode({"message": {"wa_id": "447700900102", "text": "447700900101 is in here"}})
    assert without_person(payload, ANN) == payload


def test_what_a_person_said_goes() -> None:
    assert without_person(json.encode({"message": {"wa_id": "447700900101"}}), ANN) is None


def test_of_several_reports_only_theirs_are_touched_and_ours_still_count() -> None:
    left = without_person(json.encode({"updates": [REPORT, OTHER]}), ANN)
    assert left is not None
    mine, other = json.decode(left)["updates"]
    assert other == OTHER
    assert (mine["wa_id"], mine["user_id"], mine["provider_message_id"]) == (None, None, "")
    assert (mine["attempt_id"], mine["status"]) == ("1", "read")


def test_a_report_that_names_no_attempt_of_ours_goes() -> None:
    nameless = {**REPORT, "attempt_id": None}
    assert without_person(json.encode({"updates": [nameless]}), ANN) is None
    left = without_person(json.encode({"updates": [nameless, OTHER]}), ANN)
    assert left is not None
    assert json.decode(left)["updates"] == [OTHER]


def test_words_are_those_of_every_value() -> None:
    assert words_of([{"name": "Ann Lee", "tags": ["Vip"], "age": 3}]) == ["ann", "ann lee", "lee", "vip"]
