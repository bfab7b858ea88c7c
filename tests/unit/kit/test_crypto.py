"""Envelopes open only under their key, in their place, unchanged."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.kit import crypto
from sojourn.kit.crypto import KeyRing, UnreadableSecret

OLD, NEW = b"o" * 32, b"n" * 32


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens_again(plain: bytes) -> None:
    keys = KeyRing([NEW])
    assert keys.decrypt(keys.encrypt(plain, context="senders.token"), context="senders.token") == plain


def test_an_envelope_opens_in_no_other_place() -> None:
    keys = KeyRing([NEW])
    with pytest.raises(UnreadableSecret):
        keys.decrypt(keys.encrypt(b"x", context="senders.token"), context="senders.secret")


def test_a_changed_envelope_does_not_open() -> None:
    keys = KeyRing([NEW])
    sealed = bytearray(keys.encrypt(b"x", context="c"))
    sealed[-1] ^= 1
    with pytest.raises(UnreadableSecret):
        keys.decrypt(bytes(sealed), context="c")


def test_rotation_keeps_old_envelopes_readable_and_hashes_stable() -> None:
    before, after = KeyRing([OLD]), KeyRing([NEW, OLD])
    sealed = before.encrypt(b"x", context="c")
    assert after.decrypt(sealed, context="c") == b"x"
    assert not after.is_current(sealed)
    assert after.is_current(after.encrypt(b"x", context="c"))
    assert before.keyed_hash("+44", purpose="p") == after.keyed_hash("+44", purpose="p")
    assert before.keyed_hash("+44", purpose="p") != before.keyed_hash("+44", purpose="q")


def test_a_persons_key_can_be_stored_and_lost() -> None:
    keys = KeyRing([NEW])
    key = crypto.new_data_key()
    sealed = key.encrypt(b"evidence", context="c")
    stored = crypto.wrap_data_key(keys, key)
    assert crypto.unwrap_data_key(keys, stored).decrypt(sealed, context="c") == b"evidence"
    with pytest.raises(UnreadableSecret):
        crypto.new_data_key().decrypt(sealed, context="c")


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    assert crypto.find_key_ring(None, tmp_path) is None
    assert (crypto.make_key_file(tmp_path), crypto.make_key_file(tmp_path)) == (True, False)
    first, second = crypto.find_key_ring(None, tmp_path), crypto.find_key_ring(None, tmp_path)
    assert first is not None
    assert second is not None
    assert second.decrypt(first.encrypt(b"x", context="c"), context="c") == b"x"
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_an_empty_key_file_is_not_taken_for_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("\n")
    with pytest.raises(ValueError, match="empty"):
        crypto.find_key_ring(None, tmp_path)


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too short"):
        crypto.find_key_ring("hunter2", tmp_path)
