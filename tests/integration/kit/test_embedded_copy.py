"""Programs that the database's user cannot read where they lie are copied, and still find their libraries."""

from __future__ import annotations

from pathlib import Path

from sojourn.kit import embedded_binaries


def test_a_copy_of_the_programs_finds_its_libraries(tmp_path: Path) -> None:
    folder, _ = embedded_binaries.candidates()[0]
    copy = embedded_binaries._copied(folder, tmp_path)
    assert copy.is_relative_to(tmp_path)
    nobody_special = embedded_binaries.RunAs()
    for name in ("postgres", "initdb", "pg_ctl"):
        found = embedded_binaries.Binaries(copy, 0, "copy").run(name, "--version", run_as=nobody_special)
        assert "PostgreSQL" in found
    assert embedded_binaries._copied(folder, tmp_path) == copy
