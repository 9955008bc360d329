"""What encoders may give as features, and what is said of anything else."""

import numpy as np
import pytest
import torch

from datasets.errors import BenchError
from datasets.features import as_features

VALUES = [[0.5, 2.0], [1.0, -3.0], [0.25, 4.0]]


@pytest.mark.parametrize(
    "found",
    [
        torch.tensor(VALUES),
        torch.tensor(VALUES, dtype=torch.float64, requires_grad=True),
        torch.tensor(VALUES, dtype=torch.float16),
        torch.tensor(VALUES, dtype=torch.bfloat16),
        np.array(VALUES),
        np.asfortranarray(np.array(VALUES, dtype=np.float32)),
    ],
)
def test_tensors_and_arrays_of_any_real_type_are_float32(found: object) -> None:
    features = as_features(found, 3, "Own.encode")
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, VALUES)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (torch.zeros(1, 8), r"the shape \(1, 8\) for 3 images; expected one row of numbers per image, \(3, d\)"),
        (torch.zeros(3), r"the shape \(3,\)"),
        (torch.zeros(3, 2, 4, 4), r"the shape \(3, 2, 4, 4\)"),
        (torch.zeros(3, 0), r"the shape \(3, 0\)"),
        (np.zeros((4, 2)), r"the shape \(4, 2\)"),
        (None, "a NoneType"),
        ([[1.0], [2.0], [3.0]], "a list"),
        (np.array([["a"], ["b"], ["c"]], dtype=object), "an array of object"),
        (torch.zeros(3, 2, dtype=torch.complex64), "complex64"),
        (torch.zeros(3, 2).to_sparse(), "sparse"),
        (torch.tensor([[0.0], [float("nan")], [float("inf")]]), r"2 of 3 images .* \(the first is image 1"),
        (np.array([[0.0], [1e300], [0.0]]), "1 of 3 images that are not finite numbers in float32"),
    ],
)
def test_anything_else_is_one_line_that_says_whose_it_is(found: object, message: str) -> None:
    with pytest.raises(BenchError, match=f"^Own.encode gave .*{message}") as caught:
        as_features(found, 3, "Own.encode")
    assert "\n" not in str(caught.value)
