"""What the runner of the suite takes for a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import suite
from tests.suite import NO_TESTS_COLLECTED, PARTS, SOAK, Part, is_broken


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_of_the_default_run_without_tests_fails(part: Part) -> None:
    assert is_broken(part, NO_TESTS_COLLECTED)
    assert is_broken(part, 1)
    assert not is_broken(part, 0)


def test_the_long_matrix_may_find_no_test_but_not_break() -> None:
    assert not is_broken(SOAK, NO_TESTS_COLLECTED)
    assert is_broken(SOAK, 1)


@pytest.mark.parametrize("content", [None, "def test_it():\n    pass\n"], ids=["no file", "all deselected"])
def test_a_part_whose_folder_yields_no_test_ends_the_run_with_an_error(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    part = Part("empty", ("tests/empty",), processes=0, marker="no_such_marker")
    (tmp_path / "tests" / "empty").mkdir(parents=True)
    if content is not None:
        (tmp_path / "tests" / "empty" / "test_it.py").write_text(content)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the inner run needs none, and starts in half the time
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "RESULTS", tmp_path / "build")
    monkeypatch.setattr(suite, "PARTS", (part,))
    assert suite.main([]) == 1
    assert "(in empty)" in capsys.readouterr().out


def test_a_misspelt_part_is_an_error_and_not_an_empty_success() -> None:
    assert suite.main(["unti"]) == 2
