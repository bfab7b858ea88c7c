"""Ids carry their moment and their bucket."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from sojourn.kit import ids

MOMENT = datetime(2026, 3, 3, 8, tzinfo=UTC)


@example(0, datetime(2038, 1, 19, 3, 15, 0, 1000))
@example(0, datetime(1960, 1, 1))
@given(st.integers(0, 255), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_an_id_carries_its_bucket_and_sorts_by_time(bucket: int, moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    id_ = ids.new_id(aware, bucket)
    assert ids.bucket_of(id_) == bucket
    assert id_.version == 7
    assert id_.variant == "specified in RFC 4122"
    assert ids.first_id(aware) <= id_
    assert aware.year < 1970 or id_ < ids.first_id(aware + timedelta(milliseconds=1))


@given(st.uuids())
def test_a_short_id_reads_back(id_: UUID) -> None:
    text = ids.short_id(id_)
    assert len(text) == 26
    assert ids.from_short_id(text) == id_


@given(st.text(max_size=40))
def test_any_text_is_a_short_id_or_none(text: str) -> None:
    found = ids.from_short_id(text)
    assert found is None or ids.short_id(found)[:25] == text.lower()[:25]


def test_a_key_always_falls_into_the_same_bucket() -> None:
    assert ids.bucket_of_key("phone:+447700900101") == ids.bucket_of_key("phone:+447700900101")
    assert len({ids.bucket_of_key(str(n)) for n in range(5000)}) == ids.BUCKETS
