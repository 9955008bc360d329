"""Names of other encodings and with control characters; names that look alike."""

import os
import pickle

import pytest

from datasets.errors import BenchError, DatasetMissing
from datasets.names import printable, same_form


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoë 日本 👩‍🚀", "Zoë 日本 👩‍🚀"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("Zo\udcc3\udcab", "Zoë"),  # as Python reads UTF-8 in a locale of ASCII
        ("\ud800", "\\ud800"),
        ("abc\u202edcba\u2066\u200b\ufeff\ufffe", "abc\\u202edcba\\u2066\\u200b\\ufeff\\ufffe"),
        ("two\nlines\t\x1b[31m\u2028", "two\\nlines\\t\\x1b[31m\\u2028"),
    ],
)
def test_what_is_shown_is_one_line_that_can_be_encoded(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert len(printable(name).encode().splitlines()) == 1


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert same_form("Zoe\u0308") == same_form("Zo\u00eb") == "Zo\u00eb"
    assert same_form("Zo\udcc3\udcab") == "Zo\u00eb", "as Python reads it in a locale of ASCII"
    assert same_form("caf\udce9") == "caf\udce9"


def test_an_error_is_one_line_whatever_it_names() -> None:
    error = DatasetMissing("no folder " + os.fsdecode(b"two\n\xe9"))
    assert str(error) == "no folder two\\n\\xe9"
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, BenchError)
    assert str(again) == str(error)


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    short = "wrong: " + "x" * 900 + ": do this"
    assert str(BenchError(short)) == short
    text = str(BenchError("wrong: " + "x" * 19_000 + "\x1b: do this"))
    assert len(text) < 1000
    assert text.startswith("wrong: xxx")
    assert text.endswith("x\\x1b: do this")
    assert "characters ...]" in text
