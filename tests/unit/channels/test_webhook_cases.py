"""Every webhook body of the reference parses to the updates in its case file.

After a change of the parser: `SOJOURN_REWRITE_CASES=1 pytest tests/unit/channels/test_webhook_cases.py`, then read the
difference.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from sojourn.channels.whatsapp.webhook import parse_webhook

CASES = Path(__file__).parents[2] / "cases" / "whatsapp"
RECEIVED = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
FILES = sorted(CASES.glob("*.json"))


def read_updates(body: bytes) -> list[dict[str, object]]:
    return msgspec.to_builtins(parse_webhook(body, received_at=RECEIVED).updates)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_webhook_body_parses_to_the_expected_updates(file: Path) -> None:
    case = json.loads(file.read_text(encoding="utf-8"))
    found = read_updates(json.dumps(case["body"]).encode())
    if os.environ.get("SOJOURN_REWRITE_CASES"):
        case["expected"] = found
        file.write_text(json.dumps(case, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == case["expected"]


def test_there_is_a_case_for_every_body_of_the_reference() -> None:
    assert len(FILES) == 88


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_careful_road_reads_the_same_as_the_fast_one(file: Path) -> None:
    """A NUL anywhere sends the whole body down the careful road."""
    body = json.loads(file.read_text(encoding="utf-8"))["body"]
    careful = json.dumps({**body, "ignored": "\x00"}).encode()
    assert read_updates(careful) == read_updates(json.dumps(body).encode())


def test_no_body_of_the_reference_is_unknown() -> None:
    for file in FILES:
        body = json.dumps(json.loads(file.read_text(encoding="utf-8"))["body"]).encode()
        kinds = {update["update"] for update in read_updates(body)}
        assert "unknown" not in kinds, file.stem
