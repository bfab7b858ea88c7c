"""Ready to be spread over machines: what the schema and the statements must keep, so that tables can be split by bucket.

Nothing here says that it runs on a distributed database; it says that nothing stands in the way.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sojourn.kit.database import Conn, fetch_all
from tests.support.tables import HOT, OF_A_KEY, OF_A_PERSON, OF_THE_INSTALLATION

SOURCES = Path(__file__).resolve().parents[2] / "src" / "sojourn"

# --- the schema -----------------------------------------------------------------------------------------------------


async def test_every_table_is_of_one_kind(conn: Conn) -> None:
    found = await fetch_all(
        conn,
        """
        SELECT relname AS name FROM pg_class
         WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
        """,
    )
    tables = {row["name"] for row in found}
    assert not (OF_A_PERSON & OF_A_KEY or HOT & OF_THE_INSTALLATION)
    assert tables - HOT - OF_THE_INSTALLATION == set(), "say above of which kind a new table is"
    assert tables == HOT | OF_THE_INSTALLATION


async def test_hot_tables_carry_a_bucket(conn: Conn) -> None:
    found = await fetch_all(
        conn,
        """
        SELECT table_name AS name FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name = 'bucket' AND data_type = 'smallint' AND is_nullable = 'NO'
        """,
    )
    assert HOT - {row["name"] for row in found} == set()


async def test_hot_tables_have_a_primary_key_and_every_unique_index_has_the_bucket(conn: Conn) -> None:
    found = await fetch_all(
        conn,
        """
        SELECT c.relname AS name, i.indexrelid::regclass::text AS index, i.indisprimary AS is_primary,
               bool_or(a.attname = 'bucket') AS has_bucket
          FROM pg_index i
          JOIN pg_class c ON c.oid = i.indrelid
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
         WHERE (i.indisunique OR i.indisexclusion) AND c.relname = ANY(%(hot)s)
         GROUP BY 1, 2, 3
        """,
        {"hot": sorted(HOT)},
    )
    assert [row["index"] for row in found if not row["has_bucket"]] == []
    assert {row["name"] for row in found if row["is_primary"]} == HOT


async def test_hot_tables_point_at_no_configuration(conn: Conn) -> None:
    found = await fetch_all(
        conn,
        """
        SELECT k.conrelid::regclass::text AS name, k.confrelid::regclass::text AS target,
               bool_or(a.attname = 'bucket') AS has_bucket
          FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.conrelid
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)
         WHERE k.contype = 'f' AND c.relname = ANY(%(hot)s)
         GROUP BY 1, 2
        """,
        {"hot": sorted(HOT)},
    )
    assert [row for row in found if row["target"] not in HOT or not row["has_bucket"]] == []


async def test_nothing_points_at_hot_tables_from_outside(conn: Conn) -> None:
    found = await fetch_all(
        conn,
        """
        SELECT k.conrelid::regclass::text AS name FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.confrelid
          JOIN pg_class s ON s.oid = k.conrelid
         WHERE k.contype = 'f' AND c.relname = ANY(%(hot)s) AND NOT (s.relname = ANY(%(hot)s) OR s.relispartition)
        """,
        {"hot": sorted(HOT)},
    )
    assert found == []


async def test_no_sequences_triggers_rules_or_own_functions(conn: Conn) -> None:
    found = await fetch_all(
        conn,
        """
        SELECT 'sequence ' || relname AS name FROM pg_class WHERE relkind = 'S'
         UNION ALL
        SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
         UNION ALL
        SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = 'public'
         UNION ALL
        SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        """,
    )
    assert [row["name"] for row in found] == []


async def test_no_column_takes_its_value_from_the_databases_clock_or_dice(conn: Conn) -> None:
    found = await fetch_all(
        conn,
        """
        SELECT c.relname || '.' || a.attname AS name, pg_get_expr(d.adbin, d.adrelid) AS value
          FROM pg_attrdef d
          JOIN pg_class c ON c.oid = d.adrelid
          JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
         WHERE c.relnamespace = 'public'::regnamespace
        """,
    )
    assert [row["name"] for row in found if OF_THE_DATABASE.search(row["value"])] == []


async def test_what_waits_is_claimed_along_an_index_of_its_time(conn: Conn) -> None:
    found = await fetch_all(
        conn,
        "SELECT tablename AS name, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef ~ '[( ]due_at'",
    )
    assert {"outbox", "runs", "jobs"} <= {row["name"] for row in found}


# --- the statements -------------------------------------------------------------------------------------------------

VERB = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|COPY|LOCK|ALTER|CREATE|DROP|TRUNCATE|VALUES)\b")
OF_THE_DATABASE = re.compile(
    r"\bnow\(\)|\bcurrent_(timestamp|date|time)\b|\blocaltime(stamp)?\b|\b(clock|statement|transaction)_timestamp\(|"
    r"\btimeofday\(|\brandom\(|\bgen_random_uuid\(|\buuidv[47]\(|\bnextval\(",
    re.IGNORECASE,
)
GLOBAL_LOCK = re.compile(r"\bpg_(try_)?advisory", re.IGNORECASE)
MAY_LOCK_ALL = {"kit/migrate.py", "kit/partitions.py"}  # one at a time, away from the road of messages


def statements() -> Iterator[tuple[str, int, str]]:
    """Every SQL text in our sources: file, line, text."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and VERB.match(node.value):
                yield path, node.lineno, node.value


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCES.rglob("*.py")):
        yield path.relative_to(SOURCES).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_there_are_statements_to_look_at() -> None:
    assert len(list(statements())) > 200


def test_statements_ask_neither_clock_nor_dice() -> None:
    """Moments about people come from the product clock, as parameters; ids are made by `kit/ids.py`."""
    assert [f"{path}:{line}" for path, line, sql in statements() if OF_THE_DATABASE.search(sql)] == []


def test_no_lock_is_global() -> None:
    found = {path for path, _, sql in statements() if GLOBAL_LOCK.search(sql)}
    assert found <= MAY_LOCK_ALL


def test_statements_are_never_put_together_from_values() -> None:
    """No f-string, no `%`, no `format`; adding constants to each other is all that may be done."""
    found = [
        f"{path}:{getattr(node, 'lineno', 0)}" for path, tree in trees() for node in ast.walk(tree) if _is_built(node)
    ]
    assert found == []


def _is_built(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return bool(node.values) and _is_sql(node.values[0])
    if isinstance(node, ast.BinOp) and _is_sql(node.left):
        is_constant = isinstance(node.right, ast.Constant) or (
            isinstance(node.right, ast.Name) and node.right.id.isupper()
        )
        return not (isinstance(node.op, ast.Add) and is_constant)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "replace"}:
        return _is_sql(node.func.value)
    return False


def _is_sql(node: ast.AST) -> bool:
    """A text that begins like a statement, a constant that is named as one, or a sum that begins with one."""
    if isinstance(node, ast.BinOp):
        return _is_sql(node.left)
    if isinstance(node, ast.Name):
        return node.id.startswith("SQL_")
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(VERB.match(node.value))


HOT_LIST = "|".join(sorted(HOT))


def test_conflicts_on_hot_tables_name_the_bucket() -> None:
    wrong = [
        f"{path}:{line}"
        for path, line, sql in statements()
        if re.search(rf"INSERT INTO ({HOT_LIST})\b", sql)
        for target in re.findall(r"ON CONFLICT\s*\(([^)]*)\)", sql)
        if "bucket" not in target
    ]
    assert wrong == []


def test_buckets_are_never_changed() -> None:
    wrong = [
        f"{path}:{line}"
        for path, line, sql in statements()
        for change in re.findall(rf"\bUPDATE (?:{HOT_LIST})\b.*?\bSET\b(.*?)(?:\bFROM\b|\bWHERE\b|$)", sql, re.DOTALL)
        if re.search(r"(?:^|,)\s*bucket\s*=", change)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "name"), [("deliveries/store/outbox.py", "outbox"), ("journeys/store/runs.py", "runs")]
)
def test_claims_take_a_list_of_buckets_and_skip_what_is_held(path: str, name: str) -> None:
    texts = [sql for where, _, sql in statements_and_tails() if where == path and "SKIP LOCKED" in sql]
    claims = [sql for sql in texts if "due_at <= %(now)s" in sql]
    assert claims, name
    assert all("bucket = ANY(%(buckets)s" in sql for sql in claims)


def statements_and_tails() -> Iterator[tuple[str, int, str]]:
    """Statements, and the constants that are added to them."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "SKIP LOCKED" in node.value:
                yield path, node.lineno, node.value
