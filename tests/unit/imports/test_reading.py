"""A CSV file of people, as good rows and named mistakes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.consents.model import Purpose
from sojourn.imports.model import Row, RowError, UnreadableFile
from sojourn.imports.reading import read_rows, read_value
from sojourn.profiles.model import Identity, Scheme

HEAD = "phone,first_name,consent_purpose,consent_state,consent_at,consent_source\n"


def read(text: str, **options: object) -> list[Row | list[RowError]]:
    return list(read_rows(text.encode(), **options))  # type: ignore[arg-type]


def mistakes(text: str) -> list[tuple[int, str, str]]:
    return [(error.line, error.field, error.code) for entry in read(text) if isinstance(entry, list) for error in entry]


def test_a_row_is_a_person_with_attributes_and_consent() -> None:
    [row] = read(HEAD + '+44 7700 900101,"Anna, B.",marketing|transactional,granted,2026-02-10,form co-7\n')
    assert isinstance(row, Row)
    assert row.identities == (Identity(Scheme.PHONE, "+447700900101"),)
    assert row.attributes == {"first_name": "Anna, B."}
    assert row.consent is not None
    assert row.consent.purposes == (Purpose.MARKETING, Purpose.TRANSACTIONAL)
    assert row.consent.effective_at == datetime(2026, 2, 10, tzinfo=UTC)
    assert row.consent.collected_by == "form co-7"


def test_a_grant_without_date_or_source_is_rejected_with_its_line() -> None:
    text = HEAD + (
        "+447700900101,A,marketing,granted,2026-02-10,form\n"
        "+447700900102,B,marketing,granted,,form\n"
        "+447700900103,C,marketing,granted,2026-02-10,\n"
        "+447700900104,D,marketing,,,\n"
    )
    assert mistakes(text) == [
        (3, "consent_at", "required"),
        (4, "consent_source", "required"),
        (5, "consent_source", "required"),
        (5, "consent_at", "required"),
    ]


def test_an_opt_out_needs_neither_date_nor_source() -> None:
    [row] = read(HEAD + "+447700900101,A,marketing,opted_out,,\n")
    assert isinstance(row, Row)
    assert row.consent is not None
    assert (row.consent.state, row.consent.effective_at) == ("withdrawn", None)


def test_a_row_without_consent_columns_brings_only_the_person() -> None:
    [row] = read("email;city\nA@Example.com;Utrecht\n")
    assert isinstance(row, Row)
    assert row.consent is None
    assert row.identities == (Identity(Scheme.EMAIL, "a@example.com"),)


def test_all_mistakes_of_a_row_are_named_at_once() -> None:
    text = HEAD + "12,A,marketng,maybe,tomorrow,\n"
    assert {field for _, field, _ in mistakes(text)} == {"phone", "consent_purpose", "consent_state", "consent_at"}


def test_a_line_is_counted_as_an_editor_counts_it() -> None:
    text = HEAD + '+447700900101,"two\nlines",marketing,granted,2026-02-10,form\nx,B,marketing,granted,,\n'
    assert {line for line, _, _ in mistakes(text)} == {4}


def test_a_mapping_renames_the_columns_of_other_systems() -> None:
    [row] = read(
        "Tel.,Junk,Ort\n0171 2345678,x,Bonn\n", mapping={"Tel.": "phone", "Junk": "", "Ort": "city"}, region="DE"
    )
    assert isinstance(row, Row)
    assert row.identities[0].value == "+491712345678"
    assert row.attributes == {"city": "Bonn"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\xff\x00\xfe", "not UTF-8"),
        (b"a,b\n1,2\n", "no column names a person"),
        (b"phone,phone\n1,2\n", "occur twice"),
        (b"phone,consent_puprose\n1,2\n", "unknown consent columns"),
        (b'phone\n"+44', "line"),
        (b"phone\n\x00", "zero bytes"),
        (b"phone," + b",".join(b"c%d" % number for number in range(500)), "501 columns"),
        (b"phone," * 40_000, "40,001 columns"),
        (b"phone\n" + b"x," * 600_000, "line 2: a row is longer than 1,000,000 characters"),
        (b"phone\n" + b'"\n",' * 300_000, "a row is longer than 1,000,000 characters"),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        list(read_rows(data))
    assert says in caught.value.data["detail"]


def test_as_many_columns_as_we_read_are_read() -> None:
    header = ["phone", *(f"c{number}" for number in range(499))]
    cells = ["+447700900101", *(str(number) for number in range(499))]
    [row] = read(",".join(header) + "\n" + ",".join(cells))
    assert isinstance(row, Row)
    assert len(row.attributes) == 499


@pytest.mark.parametrize(
    "data",
    [
        "phone\n+447700900101\n".encode("utf-8-sig"),
        "phone\r\n+447700900101\r\n".encode("utf-16"),
        b"phone\n+447700900101",
    ],
)
def test_what_spreadsheets_save_is_read(data: bytes) -> None:
    assert len([row for row in read_rows(data) if isinstance(row, Row)]) == 1


@pytest.mark.parametrize(
    ("cell", "value"),
    [("7", 7), ("-1.50", -1.5), ("007", "007"), ("+44", "+44"), ("TRUE", True), ("1e5", "1e5"), ("12,5", "12,5")],
)
def test_a_cell_becomes_what_it_plainly_is(cell: str, value: object) -> None:
    assert read_value(cell) == value
    assert type(read_value(cell)) is type(value)


@given(st.binary(max_size=400))
def test_any_bytes_are_rows_mistakes_or_a_clear_refusal(data: bytes) -> None:
    try:
        entries = list(read_rows(data))
    except UnreadableFile as error:
        assert error.data["detail"]
    else:
        assert all(isinstance(entry, Row) or entry for entry in entries)


@given(st.lists(st.text(max_size=12), min_size=6, max_size=6))
def test_any_cells_are_a_row_or_mistakes(cells: list[str]) -> None:
    line = ",".join('"' + cell.replace('"', '""').replace("\x00", "") + '"' for cell in cells)
    for entry in read(HEAD + line.encode("utf-8", "replace").decode() + "\n"):
        assert isinstance(entry, Row) or entry


def test_a_topic_is_read_as_the_api_reads_it() -> None:
    head = "phone,consent_state,consent_topic\n"
    [row] = read(head + "+447700900101,withdrawn,OFFERS\n")
    assert isinstance(row, Row)
    assert row.consent is not None
    assert row.consent.topic == "offers"
    assert mistakes(head + "+447700900101,withdrawn,daily offers\n") == [(2, "consent_topic", "invalid_topic")]
