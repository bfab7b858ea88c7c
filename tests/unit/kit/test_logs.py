"""No number, body or row of a table reaches a log, from our own lines or from a library's traceback."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from sojourn.kit.logs import configure_logs, mask, without_people

FAILED = (
    'psycopg.errors.NotNullViolation: null value in column "profile_id" violates not-null constraint\n'
    "DETAIL:  Failing row contains (Zebedee, answer-+447700900321, null).\n\nThe above exception was the direct cause"
)


def test_details_of_the_database_go_and_the_rest_of_a_traceback_stays() -> None:
    left = without_people(FAILED)
    assert "Zebedee" not in left
    assert left.startswith("psycopg.errors.NotNullViolation: null value in column")
    assert left.endswith("The above exception was the direct cause")


def test_fields_are_masked_and_ids_stay() -> None:
    event = mask(None, "", {"event": "x", "phone": "1", "error": FAILED, "job_id": "12345678901"})
    assert event["phone"] == "***"
    assert "Zebedee" not in event["error"] and "447700900321" not in event["error"]
    assert event["job_id"] == "12345678901"


def test_both_ways_into_the_log_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    before, level = logging.root.handlers[:], logging.root.level
    try:
        configure_logs()
        for log in (lambda error: structlog.get_logger().error("failed", exc_info=error),
                    lambda error: logging.getLogger("uvicorn.error").error("in +447700900321", exc_info=error)):  # fmt: skip
            try:
                raise ValueError(FAILED)
            except ValueError as error:
                log(error)
        written = capsys.readouterr().err
    finally:
        logging.root.handlers[:] = before
        logging.root.setLevel(level)
        structlog.reset_defaults()
    assert "Zebedee" not in written and "447700900321" not in written
    assert json.loads(written.splitlines()[0])["event"] == "failed"
    assert "ERROR uvicorn.error in ***" in written
