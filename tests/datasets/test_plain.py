"""Values as JSON has them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datasets.errors import BenchError, described
from datasets.plain import number, plain


def test_numbers_of_numpy_are_numbers_and_tuples_lists() -> None:
    given = {
        "n": np.int64(3),
        "x": [np.float32(0.5), (np.bool_(True), None)],
        "text": np.str_("a"),
        "l": np.longdouble(2),
    }
    found = plain(given, "details")
    assert json.loads(json.dumps(found)) == {"n": 3, "x": [0.5, [True, None]], "text": "a", "l": 2.0}
    assert [type(found["n"]), type(found["x"][0]), type(found["text"])] == [int, float, str]


def test_text_that_cannot_be_encoded_is_escaped_and_keeps_its_lines() -> None:
    assert plain({"a\udce9": "x\ud800\ny"}, "details") == {"a\\udce9": "x\\ud800\ny"}


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"worst": float("nan")}, "details.worst is nan: expected a finite number"),
        ({"a": [1, {"b": np.float32("inf")}]}, r"details.a\[1\].b is .*inf"),
        ({"a": np.arange(3)}, r"details.a is a ndarray, which is no JSON .*\.tolist\(\)"),
        ({"a": torch.zeros(2)}, "details.a is a Tensor, which is no JSON"),
        ({"a": {1, 2}}, "details.a is a set"),
        ({"a": Path("x")}, "details.a is a .*Path"),
        ({1: "a"}, "details has the key 1: expected text"),
        ({"a": 10**5000}, "details.a is a int that cannot be shown: expected a finite number"),
        ({"a": endless()}, "more than 100 levels"),
    ],
)
def test_what_is_no_json_is_one_line_with_its_place(value: object, message: str) -> None:
    with pytest.raises(BenchError, match=message) as caught:
        plain(value, "details")
    assert "\n" not in str(caught.value)


def test_a_number_may_be_an_array_of_no_dimension_but_nothing_else() -> None:
    assert [number(value, "x") for value in (np.float32(0.5), np.array(2), torch.tensor(0.25))] == [0.5, 2, 0.25]
    for wrong in (None, "1", True, np.arange(1), torch.zeros(1), 1j):
        with pytest.raises(BenchError, match=r"^x is .*expected a number"):
            number(wrong, "x")


def test_errors_of_others_are_described_in_one_line() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert described(ValueError("first\nsecond")) == "ValueError: first"
    assert described(MemoryError()) == "MemoryError"
    assert described(SystemExit(3)) == "SystemExit: 3"
    assert described(Silent()) == "Silent"
    assert described(ValueError("caf\udce9")) == "ValueError: caf\\xe9"
    assert len(described(ValueError("x" * 10_000))) < 600
