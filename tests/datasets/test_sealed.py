"""Sealed files: what was changed is found, whatever it is."""

import copy
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from datasets.sealed import (
    Damaged,
    check_files,
    digests,
    file_digest,
    find_sealed,
    read_array,
    read_sealed,
    write_sealed,
)

VALUE = {"accuracy": 0.1 + 0.2, "name": "Zoë", "nested": {"b": [1, None], "a": True}}


def test_a_sealed_file_is_json_that_tells_its_own_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_sealed(path, VALUE)
    assert read_sealed(path) == VALUE
    text = path.read_text(encoding="utf-8")
    seal = json.loads(text)["seal"]
    assert {**VALUE, "seal": seal} == json.loads(text)
    assert hashlib.sha256(text.replace(f'  "seal": "{seal}",\n', "").encode()).hexdigest() == seal
    assert list(tmp_path.iterdir()) == [path]


def test_every_flipped_bit_and_every_cut_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_sealed(path, VALUE)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for damaged in (
            whole[:place],
            whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :],
        ):
            path.write_bytes(damaged)
            with pytest.raises(Damaged, match=r"a\.json is damaged"):
                read_sealed(path)


def test_names_that_are_not_in_utf_8_can_be_read_again(tmp_path: Path) -> None:
    write_sealed(tmp_path / "a.json", {"caf\udce9": ["\ud83d"]})
    assert read_sealed(tmp_path / "a.json") == {"caf\\udce9": ["\\ud83d"]}


def test_the_error_goes_from_process_to_process(tmp_path: Path) -> None:
    error = Damaged.of(tmp_path, "cut")
    assert str(copy.copy(error)) == str(error) == f"{tmp_path} is damaged (cut)"


def test_what_bears_no_seal_is_damaged_and_what_is_not_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(VALUE))
    with pytest.raises(Damaged, match="bears no seal"):
        read_sealed(path)
    assert find_sealed(tmp_path / "b.json") is None
    with pytest.raises(FileNotFoundError):
        read_sealed(tmp_path / "b.json")
    (tmp_path / "c.json").mkdir()
    with pytest.raises(Damaged, match="directory"):
        read_sealed(tmp_path / "c.json")


def test_files_are_compared_with_their_digests(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    expected = digests(tmp_path.iterdir())
    assert expected == {"a": hashlib.sha256(b"one").hexdigest(), "b": hashlib.sha256(b"two").hexdigest()}
    check_files(tmp_path, expected)
    (tmp_path / "b").write_bytes(b"twO")
    with pytest.raises(Damaged, match=r"b is damaged \(its content is not what was written"):
        check_files(tmp_path, expected)
    (tmp_path / "b").unlink()
    with pytest.raises(Damaged, match="No such file"):
        check_files(tmp_path, expected)


def test_a_file_is_hashed_again_only_after_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before, read, hashed = file_digest(path), hashlib.file_digest, []

    def counted(handle, name):
        hashed.append(name)
        return read(handle, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    assert file_digest(path) == before
    assert hashed == []
    path.write_bytes(b"longer")
    assert file_digest(path) != before
    assert hashed == ["sha256"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\1\0v\0{'descr': ('",
        b"\x93NUMPY\1\0\x46\0{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }  \n",
        b"\x80\x04K\x01.",
        b"no array",
    ],
)
def test_an_odd_array_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(Damaged, match=r"a\.npy is damaged") as caught:
        read_array(tmp_path / "a.npy")
    assert "\n" not in str(caught.value)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(Damaged):
        read_array(tmp_path / "a.npy")
