"""Weights of any file: wrapped, of other types, with values that no training should have left."""

from pathlib import Path

import pytest
import torch

from datasets.errors import BenchError
from methods.weight_files import as_wanted, check_finite, plain_names


def test_the_prefix_of_a_wrapper_is_taken_off() -> None:
    assert plain_names({"module.a": 1, "module.b": 2}) == {"a": 1, "b": 2}
    assert plain_names({"module._orig_mod.a": 1}) == {"a": 1}, "compiled, then wrapped"
    assert plain_names({"module.a": 1, "b": 2}) == {"module.a": 1, "b": 2}, "not a wrapper's"
    assert plain_names({}) == {}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn])
def test_floats_of_another_precision_are_taken(dtype: torch.dtype) -> None:
    found = as_wanted(torch.ones(3).to(dtype), torch.float32, "w")
    assert found.dtype == torch.float32
    assert found.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("value", "wanted", "said"),
    [
        (torch.zeros(2, dtype=torch.int8), torch.float32, "w is of int8: expected float32"),
        (torch.zeros(2, dtype=torch.complex64), torch.float32, "w is of complex64: expected float32"),
        (torch.zeros(2), torch.int64, "w is of float32: expected int64"),
        (torch.zeros(2).to_sparse(), torch.float32, "w is quantised or sparse"),
        (torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8), torch.float32, "w is quantised or sparse"),
    ],
)
def test_other_kinds_of_numbers_are_refused(value: torch.Tensor, wanted: torch.dtype, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        as_wanted(value, wanted, "w")


def test_values_that_are_not_finite_are_refused() -> None:
    check_finite({"a": torch.zeros(3), "n": torch.tensor(3)}, Path("x.pth"))
    with pytest.raises(BenchError, match=r"x\.pth: b has 2 of 3 values that are not finite"):
        check_finite({"a": torch.zeros(3), "b": torch.tensor([float("nan"), 1.0, float("inf")])}, Path("x.pth"))
