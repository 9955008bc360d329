"""Calling a function that brings its own gradient."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.autograd import Function


def applied(function: type[Function], *inputs: Any) -> Tensor:
    """`function.apply(*inputs)` of a function with one output; torch leaves `apply` without types."""
    apply: Callable[..., Tensor] = function.apply
    return apply(*inputs)
