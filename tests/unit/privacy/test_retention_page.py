"""The manual's page of periods is the list in the code."""

from pathlib import Path

from sojourn.privacy.model import CLASSES, manual_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "retention.md"


def test_the_page_is_made_from_the_list() -> None:
    assert PAGE.read_text() == manual_page()


def test_a_table_belongs_to_one_class() -> None:
    tables = [table for entry in CLASSES for table in entry.tables]
    assert len(tables) == len(set(tables))
