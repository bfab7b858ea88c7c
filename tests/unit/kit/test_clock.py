"""The product clock: system time plus what a file says."""

from datetime import timedelta
from pathlib import Path

import pytest

from sojourn.kit.clock import Clock, system_now


def test_without_a_file_it_is_the_system_time() -> None:
    assert abs(Clock().now() - system_now()) < timedelta(seconds=1)
    with pytest.raises(RuntimeError, match="cannot be pushed"):
        Clock().push(timedelta(hours=1))


def test_a_push_reaches_every_reader_of_the_file(tmp_path: Path) -> None:
    one, other = Clock(tmp_path / "clock"), Clock(tmp_path / "clock")
    assert other.offset() == timedelta(0)
    one.push(timedelta(days=-200))
    other._checked = -1.0
    assert other.offset() == timedelta(days=-200)
    assert one.offset() == timedelta(days=-200)


def test_the_offset_is_there_before_the_first_question(tmp_path: Path) -> None:
    Clock(tmp_path / "clock").push(timedelta(days=-200))
    clock = Clock(tmp_path / "clock")
    clock._checked = float("inf")  # somebody else is about to read the file
    assert clock.offset() == timedelta(days=-200)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"offset_seconds": "soon"}', '{"seconds": 3}', "null"])
def test_a_broken_file_changes_nothing(tmp_path: Path, text: str) -> None:
    clock = Clock(tmp_path / "clock")
    (tmp_path / "clock").write_text(text)
    assert clock.offset() == timedelta(0)
