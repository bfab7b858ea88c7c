"""The demo's own data are good input: what it ships would pass for anybody's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sojourn.demo import shop
from sojourn.demo.door import Notes
from sojourn.demo.order import next_customer, tell
from sojourn.demo.people import COUNT, as_csv, people
from sojourn.imports.model import Row
from sojourn.imports.reading import read_rows
from sojourn.journeys.interpreter.validate import validate_text
from sojourn.preferences.actions import REPLY_IDS
from sojourn.workspaces.model import WorkspaceSettings

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def test_there_are_500_people_the_same_every_time_each_with_a_number_of_their_own() -> None:
    crowd = list(people())
    assert len(crowd) == len({person.phone for person in crowd}) == COUNT == 500
    assert crowd == list(people())
    assert sum(not person.purposes for person in crowd) == 20


def test_every_row_of_the_customers_file_would_be_imported() -> None:
    rows = list(read_rows(as_csv().encode(), region="GB"))
    assert [row for row in rows if not isinstance(row, Row)] == []
    assert sum(isinstance(row, Row) and row.consent is not None for row in rows) == 480


@pytest.mark.parametrize("file", sorted((EXAMPLES / "journeys").glob("*.yaml")), ids=lambda file: file.name)
def test_example_journeys_are_valid(file: Path) -> None:
    definition, problems = validate_text(file.read_text())
    assert definition is not None, problems
    assert problems == []


def test_the_examples_are_what_the_demo_uses() -> None:
    journey = "order-updates.yaml"
    assert (EXAMPLES / "journeys" / journey).read_text() == (shop.DATA / journey).read_text()
    for template in json.loads((shop.DATA / "templates.json").read_text()):
        assert json.loads((EXAMPLES / "templates" / f"{template['name']}.json").read_text()) == template


def test_the_demo_can_ask_to_confirm_an_opt_in() -> None:
    drafts = {draft["name"]: draft for draft in json.loads((shop.DATA / "templates.json").read_text())}
    question = drafts[WorkspaceSettings().opt_in_question_template]
    assert question["purpose"] == "consent_request"
    for variant in question["variants"]:
        [buttons] = [part["buttons"] for part in variant["components"] if part["type"] == "BUTTONS"]
        assert [button["id"] for button in buttons] == list(REPLY_IDS.values())
    assert shop.missing_templates([{"name": name} for name in drafts]) == []
    assert shop.missing_templates([{"name": "order_shipped"}]) == [name for name in drafts if name != "order_shipped"]


def test_the_example_customers_can_be_read() -> None:
    rows = list(read_rows((EXAMPLES / "customers.csv").read_bytes(), region="GB"))
    assert len(rows) == 3
    assert all(isinstance(row, Row) for row in rows)


def test_customers_of_played_orders_take_turns_and_all_agreed() -> None:
    crowd = [next_customer(Notes(orders=number)) for number in range(12)]
    assert len({person.phone for person in crowd}) == 12
    assert all("transactional" in person.purposes for person in crowd)


def test_an_order_that_nobody_saw_arrive_says_where_to_look() -> None:
    assert "doctor" in tell(next_customer(Notes()), "B-1", [])[-1]
