"""Which precision a schedule means, and settings that come back."""

import pytest
import torch

from bench.training import precision
from bench.training.precision import exact_float32, repeatable, resolve_precision
from methods.base import Schedule


def test_auto_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    for fast, expected in [(True, "bf16-mixed"), (False, "32-true")]:
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda fast=fast: fast)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, fast=fast: fast)
        assert resolve_precision(Schedule(), "cpu") == expected
        assert resolve_precision(Schedule(), "cuda") == expected


def test_a_named_precision_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "fast_bfloat16", lambda device: True)
    assert resolve_precision(Schedule(precision="32-true"), "cpu") == "32-true"


def test_repeatable_gives_settings_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    inside: list[bool] = []

    def work() -> None:
        with repeatable("cpu"):
            inside.append(torch.are_deterministic_algorithms_enabled())
            inside.append(torch.is_deterministic_algorithms_warn_only_enabled())
            inside.append(not torch.backends.cudnn.benchmark)
            inside.append(not torch.backends.cudnn.allow_tf32)
            raise KeyError

    fill = torch.utils.deterministic.fill_uninitialized_memory
    with pytest.raises(KeyError):
        work()
    assert inside == [True] * 4
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.allow_tf32
    assert torch.utils.deterministic.fill_uninitialized_memory == fill


def test_float32_is_exact_and_the_callers_choice_comes_back() -> None:
    """Also the choice of `medium`, which `allow_tf32` alone cannot tell from `high`."""
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        assert torch.backends.cuda.matmul.allow_tf32
        with exact_float32():
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
