"""Which passwords are accepted, and how they are kept."""

from __future__ import annotations

import pytest

from sojourn.kit.errors import InvalidInput
from sojourn.workspaces import passwords


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "too_short"), ("nine char", "too_short"), ("x" * 201, "too_long"), ("ann.berg@example.com", "is_email"),
        ("Ann.Berg@Example.com", "is_email"), ("ann.berg2026!", "is_email"), ("1234567890", "too_common"),
        ("Password123", "too_common"), ("welkom12345", "too_common"), ("aaaaaaaaaaaa", "too_common"),
        ("ababababababab", "too_common"),
    ],
)  # fmt: skip
def test_what_anybody_would_guess_is_refused(password, code):
    with pytest.raises(InvalidInput) as refused:
        passwords.check_password(password, email="ann.berg@example.com")
    assert refused.value.errors[0]["code"] == code
    assert password == "" or password not in str(refused.value.errors)


@pytest.mark.parametrize("password", ["a quiet harbour", "correct horse", "日本語のパスワードです", "x9$kQ2!mZp"])
def test_anything_else_of_ten_characters_is_accepted(password):
    passwords.check_password(password, email="ann@example.com")


def test_the_list_holds_only_what_is_long_enough():
    assert len(passwords.commonest()) > 300
    assert min(map(len, passwords.commonest())) >= passwords.SHORTEST


async def test_a_password_is_kept_as_argon2id_and_matches_only_itself():
    digest = await passwords.digest_of("a quiet harbour")
    assert digest.startswith("$argon2id$")
    assert await passwords.matches(digest, "a quiet harbour")
    assert not await passwords.matches(digest, "a quiet harbour ")
    assert not await passwords.matches(None, "nobody has this password")
    assert not await passwords.matches("not a digest", "a quiet harbour")
