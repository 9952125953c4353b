"""A folder of keys: which one signs, which are published, and what a rotation leaves behind."""

import stat
from pathlib import Path

import pytest

from quantrac.io.jws import SigningKey
from quantrac.io.signing_keys import SigningKeys, rotate_keys

KIND = "example+json"


def test_the_first_rotation_makes_a_folder_that_only_its_owner_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    key = rotate_keys(folder)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SigningKey.from_pem(file.read_bytes()).public.id == key.id


def test_the_newest_key_signs_and_the_private_part_of_those_before_it_is_gone(tmp_path: Path) -> None:
    first = rotate_keys(tmp_path)
    keys = SigningKeys(tmp_path)
    before = keys.sign(b"1", KIND)
    second = rotate_keys(tmp_path)
    after = keys.sign(b"2", KIND)
    assert [key.id for key in keys.public] == [second.id, first.id]
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".pem", ".pub"]
    published = keys.public
    assert (published.verify(before, KIND), published.verify(after, KIND)) == (b"1", b"2")
    assert [key.id for key in SigningKeys(tmp_path).public] == [second.id, first.id]


def test_a_key_of_any_name_is_retired_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "zz of the year 2099.pem").write_bytes(SigningKey.generate().to_pem())
    newest = rotate_keys(tmp_path)
    assert next(iter(SigningKeys(tmp_path).public)).id == newest.id
    newest = rotate_keys(tmp_path)
    assert next(iter(SigningKeys(tmp_path).public)).id == newest.id
    assert len(SigningKeys(tmp_path).public) == 3


def test_a_rotation_that_was_cut_off_before_the_old_key_went_loses_nothing(tmp_path: Path) -> None:
    first = rotate_keys(tmp_path)
    (private,) = tmp_path.iterdir()
    pem = private.read_bytes()
    second = rotate_keys(tmp_path)
    private.write_bytes(pem)
    assert [key.id for key in SigningKeys(tmp_path).public] == [second.id, first.id]
    third = rotate_keys(tmp_path)
    assert [key.id for key in SigningKeys(tmp_path).public] == [third.id, second.id, first.id]


def test_a_folder_without_a_key_that_signs_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"{tmp_path} has no private key \(\*\.pem\)"):
        SigningKeys(tmp_path)
    (tmp_path / "a.pem").write_text("secret text")
    with pytest.raises(ValueError, match=r"a\.pem is no private Ed25519 key \(PEM\)") as caught:
        SigningKeys(tmp_path)
    assert "secret text" not in str(caught.value)


def test_a_file_that_is_no_key_does_not_stop_a_door_that_signs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = rotate_keys(tmp_path)
    keys = SigningKeys(tmp_path)
    (tmp_path / "zzz.pem").write_text("no key")
    assert keys.public.verify(keys.sign(b"1", KIND), KIND) == b"1"
    assert [key.id for key in keys.public] == [first.id]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
