"""Whom references mean: the plan, without a database."""

from __future__ import annotations

from uuid import UUID

from sojourn.profiles.model import Identity, ProfileId, ProfileRef, Scheme, StoredIdentity
from sojourn.profiles.resolution import ambiguous_owners, keyed, plan

A, B, C = (ProfileId(UUID(int=number)) for number in (1, 2, 3))


def ref(portfolio=None, **identities):
    return keyed(
        ProfileRef(
            identities=tuple(Identity(Scheme(name), value) for name, value in identities.items()),
            portfolio_id=portfolio,
        )
    )


def stored(profile, key, scheme, value, portfolio=None):
    return StoredIdentity(
        key=key, profile_id=profile, scheme=Scheme(scheme), value=value, wa_id=None, portfolio_id=portfolio
    )


def make_plan(refs, rows):
    owners = {row.key: row for row in rows}
    strong = {
        owner: [row for row in rows if row.profile_id == owner and row.scheme in ("external_id", "bsuid")]
        for owner in ambiguous_owners(refs, owners)
    }
    numbers = iter(range(100, 200))
    return plan(refs, owners, strong, lambda: ProfileId(UUID(int=next(numbers))))


def test_the_same_new_person_twice_in_a_batch_is_made_once():
    found = make_plan([ref(phone="+447700900101"), ref(wa_id="447700900101"), ref(phone="+447700900101")], [])
    assert len(found.fresh) == 1
    assert {one.profile_id for one in found.resolutions} == set(found.fresh)
    [row] = found.inserts.values()
    assert (row.scheme, row.value, row.wa_id) == (Scheme.PHONE, "+447700900101", "447700900101")


def test_a_lead_who_signs_in_keeps_the_profile():
    rows = [stored(A, "tel:447700900101", "wa_id", "447700900101")]
    found = make_plan([ref(external_id="u1", phone="+447700900101")], rows)
    assert [one.profile_id for one in found.resolutions] == [A]
    assert not found.fresh
    assert set(found.inserts) == {"external_id:u1"}
    assert found.spellings["tel:447700900101"].scheme is Scheme.PHONE


def test_a_lead_and_a_known_person_become_one():
    rows = [stored(A, "external_id:u1", "external_id", "u1"), stored(B, "tel:4477", "wa_id", "4477")]
    found = make_plan([ref(external_id="u1", wa_id="4477")], rows)
    assert found.merges == {B: A}


def test_two_customers_with_one_number_stay_two():
    rows = [
        stored(A, "external_id:u1", "external_id", "u1"),
        stored(B, "external_id:u2", "external_id", "u2"),
        stored(B, "tel:4477", "phone", "+4477"),
    ]
    found = make_plan([ref(external_id="u1", phone="+4477")], rows)
    assert not found.merges
    assert found.resolutions[0].profile_id == A
    assert found.resolutions[0].conflicts == (Scheme.PHONE,)


def test_a_new_customer_with_a_taken_number_is_a_new_person():
    rows = [stored(A, "external_id:u1", "external_id", "u1"), stored(A, "tel:4477", "phone", "+4477")]
    found = make_plan([ref(external_id="u2", phone="+4477")], rows)
    assert found.resolutions[0].is_new
    assert found.resolutions[0].conflicts == (Scheme.PHONE,)


def test_a_line_with_another_business_scoped_id_has_a_new_owner():
    rows = [stored(A, "tel:4477", "phone", "+4477", None), stored(A, "bsuid:GB.1", "bsuid", "GB.1", "p1")]
    found = make_plan([ref("p1", wa_id="4477", bsuid="GB.2")], rows)
    assert found.resolutions[0].is_new
    assert found.moves["tel:4477"][1] == found.resolutions[0].profile_id
    assert not found.merges


def test_another_portfolio_knows_the_same_person_by_another_id():
    rows = [stored(A, "tel:4477", "phone", "+4477", None), stored(A, "bsuid:GB.1", "bsuid", "GB.1", "p1")]
    found = make_plan([ref("p2", wa_id="4477", bsuid="GB.2")], rows)
    assert found.resolutions[0].profile_id == A
    assert not found.moves


def test_a_visitor_made_and_merged_inside_one_batch_is_never_written():
    rows = [stored(A, "external_id:u1", "external_id", "u1")]
    found = make_plan([ref(anonymous_id="z"), ref(anonymous_id="z", external_id="u1")], rows)
    assert not found.fresh
    assert not found.merges
    assert found.inserts["anonymous_id:z"].profile_id == A
    assert [one.profile_id for one in found.resolutions] == [A, A]


def test_two_people_on_one_browser_stay_two():
    rows = [stored(A, "external_id:u1", "external_id", "u1"), stored(A, "anonymous_id:z", "anonymous_id", "z")]
    found = make_plan([ref(anonymous_id="z", external_id="u2")], rows)
    assert found.resolutions[0].is_new
