"""`sojourn journey` without an installation."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from sojourn.journeys.cli import journey_app
from sojourn.journeys.interpreter.schema import journey_schema

EXAMPLE = str(Path(__file__).parents[3] / "examples" / "journeys" / "order-to-door.yaml")
ORDER = '{"order_id": "B-1"}'


def invoke(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(journey_app, list(args), env={"COLUMNS": "200", "TERM": "dumb"})
    return result.exit_code, result.stdout, result.stderr


def test_a_valid_file_is_called_valid() -> None:
    code, said, _ = invoke("validate", EXAMPLE)
    assert code == 0
    assert "order-to-door: 13 nodes" in said


def test_a_file_with_mistakes_fails_with_lines_and_paths(tmp_path: Path) -> None:
    file = tmp_path / "j.yaml"
    file.write_text(
        "key: x\nname: x\nnodes:\n  start: {type: event_trigger, event: a, next: gone}\n  b: {type: nope}\n"
    )
    code, _, complaints = invoke("validate", str(file))
    flat = complaints.replace("\n", "")
    assert code == 1
    assert f"{file}:4: error nodes.start.next (unknown_node)" in flat
    assert f"{file}:5: error nodes.b.type (node_type)" in flat
    assert invoke("run", str(file))[0] == 1
    assert invoke("publish", str(file), "--key", "x")[0] == 1


def test_a_person_is_walked_through_with_every_step_and_message() -> None:
    code, said, _ = invoke(
        "run", EXAMPLE, "--event", f"order.confirmed={ORDER}", "--wait", "1d",
        f"--event=order.out_for_delivery={ORDER}", "--tap", "neighbour", "--event", f"order.delivered={ORDER}",
        "--answer", "tell_shop=null",
    )  # fmt: skip
    assert code == 0
    for line in (
        "template order_confirmed",
        "[ neighbour ]",
        "tell_shop (call_url) → failed",
        "Noted",
        "the run ends: delivered",
    ):
        assert line in said
    assert "Wed 09:00:00  person taps [neighbour]" in said


def test_what_cannot_happen_is_refused() -> None:
    for args in (["--jump", "x"], ["--event"], ["--wait", "soon"], ["--event", "a={"], ["--start", "soon"]):
        code, _, _ = invoke("run", EXAMPLE, *args)
        assert code != 0


def test_the_schema_is_printed() -> None:
    code, said, _ = invoke("schema")
    assert code == 0
    assert json.loads(said) == journey_schema()


def test_publishing_without_a_key_or_an_installation_says_so() -> None:
    assert invoke("publish", EXAMPLE)[0] == 2
    code, _, complaints = invoke("publish", EXAMPLE, "--key", "sk_x", "--url", "http://127.0.0.1:9")
    assert code == 1
    assert "cannot be reached" in complaints
