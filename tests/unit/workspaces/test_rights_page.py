"""The manual's page of rights is the tables in the code."""

from sojourn.workspaces.rights_page import PAGE, make_page


def test_the_page_of_rights_is_made_from_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == make_page(), "python -m sojourn.workspaces.rights_page"
