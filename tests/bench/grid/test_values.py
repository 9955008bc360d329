"""Values as they are typed: numbers that computers hold, lists, and text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.grid.values import parse_value
from datasets.errors import BenchError


@pytest.mark.parametrize("text", ["1e400", "-1e999", "Infinity", "NaN", "[1, 1e400]", "9" * 5000, "[" * 3000])
def test_what_is_no_usable_number_is_one_line(text: str) -> None:
    with pytest.raises(BenchError) as error:
        parse_value(text)
    assert len(str(error.value)) < 200
    assert "\n" not in str(error.value)


def outcome(text: str) -> object:
    """The value, or the error's text."""
    try:
        return parse_value(text)
    except BenchError as error:
        return str(error)


@given(st.text())
def test_any_text_is_a_value_or_a_short_error(text: str) -> None:
    found = outcome(text)
    assert not (isinstance(found, str) and found.startswith("value ") and len(found) > 400) or found == text
