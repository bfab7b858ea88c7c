"""The manual's page of keywords is what the data says."""

from __future__ import annotations

from pathlib import Path

from sojourn.consents.keyword_page import page


def test_the_page_is_up_to_date() -> None:
    written = Path(__file__).parents[3] / "docs/reference/keywords.md"
    assert written.read_text(encoding="utf-8") == page(), "run: python -m sojourn.consents.keyword_page > that file"
