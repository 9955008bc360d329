"""Compiled kernels without a cache, and batches spread over threads."""

from types import SimpleNamespace
from typing import Any

import numba
import pytest
import torch

from methods.numba_threads import compiled, over_batch


def test_kernels_compile_where_nothing_can_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    real = numba.njit

    def njit(*functions: Any, **options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*functions, **options)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(lambda x: x + 1)(2) == 3


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ZeroDivisionError):
            over_batch(lambda *arrays: 1 // 0, [], [], [torch.zeros(4)])
    finally:
        torch.set_num_threads(before)


def test_over_batch_hands_each_element_to_one_call() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    seen = SimpleNamespace(sizes=[])

    def kernel(factor: float, shared: Any, batched: Any, output: Any) -> None:
        seen.sizes.append(len(output))
        output[:] = factor * batched + shared

    try:
        output = torch.zeros(25)
        over_batch(kernel, [2.0], [torch.ones(1), torch.arange(25.0)], [output])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(output, 2 * torch.arange(25.0) + 1)
    assert sum(seen.sizes) == 25
    assert len(seen.sizes) > 3
