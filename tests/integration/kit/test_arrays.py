"""Every list comes back from PostgreSQL as it went in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from sojourn.kit.database import Conn, fetch_value

MOMENT = datetime(2026, 3, 3, 8, 0, 1, 250, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT %(v)s::uuid[]", [UUID(int=1), None, UUID(int=2**127)]),
        ("SELECT %(v)s::uuid[]", [UUID(int=7)] * 3),
        ("SELECT %(v)s::int[]", [1, -2, None, 2**31 - 1]),
        ("SELECT %(v)s::smallint[]", [0, 255]),
        ("SELECT %(v)s::bigint[]", [2**40, None]),
        ("SELECT %(v)s::timestamptz[]", [MOMENT, None]),
        (
            "SELECT %(v)s::text[]",
            ["plain", "", "NULL", "null", "a b", 'q"uote', "back\\slash", "{brace}", "a,b", "é\u2003\n", None],
        ),
        ("SELECT %(v)s::bytea[]", [b"", b"\x00\xff'\\\"", None]),
        ("SELECT %(v)s::float8[]", [0.5, None]),
        ("SELECT %(v)s::boolean[]", [True, False, None]),
        ("SELECT %(v)s::text[]", []),
        ("SELECT %(v)s::uuid[]", [None]),
    ],
)
async def test_a_list_survives_the_way_there_and_back(conn: Conn, sql: Any, values: list[Any]) -> None:
    assert await fetch_value(conn, sql, {"v": values}) == values
