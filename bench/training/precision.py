"""Which number format a training runs in, and what makes it repeatable bit for bit."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from methods.base import Schedule

Precision = Literal["32-true", "bf16-mixed"]


def resolve_precision(schedule: Schedule, device: str) -> Precision:
    """The precision that `schedule` means on `device` (`cpu` or `cuda`).

    It is part of a checkpoint's key: weights trained in another precision are other weights.
    """
    if schedule.precision != "auto":
        return schedule.precision
    return "bf16-mixed" if fast_bfloat16(device) else "32-true"


def fast_bfloat16(device: str) -> bool:
    """Whether bfloat16 matrix products are in the hardware of `device`, so that autocast pays.

    On a CPU that is AVX512_BF16 (every CPU with AMX has it too): a training step of convolutional encoder-decoders
    of 16 to 64 channels was measured 1.7 to 1.9 times as fast in bf16-mixed as in 32-true on one core. Without it
    oneDNN emulates the format, slower than float32, although torch calls it "supported".
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported())


@contextmanager
def exact_float32() -> Iterator[None]:
    """Multiply float32 as float32; the caller's settings come back afterwards.

    NVIDIA's TF32 has 10 bits of mantissa in place of 23. torch takes it for convolutions by default, and for matrix
    products where a program asks for it.
    """
    cudnn = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")  # switches off `torch.backends.cuda.matmul.allow_tf32`
    cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32 = before[1]


@contextmanager
def repeatable(device: str) -> Iterator[None]:
    """Ask torch for algorithms that give the same bits each time, and for exact products of float32; the caller's
    settings come back afterwards.

    An operation that has no such algorithm on a GPU (the gradient of `grid_sample`, say) warns and runs, since
    refusing it would refuse the method. The CPU needs the setting as well: gradients of advanced indexing are
    otherwise summed in the order in which threads arrive.
    """
    cudnn = torch.backends.cudnn
    utilities: Any = torch.utils.deterministic
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        utilities.fill_uninitialized_memory,
        cudnn.benchmark,
        cudnn.deterministic,
    )
    if device == "cuda":  # read by cuBLAS when it is first used
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    utilities.fill_uninitialized_memory = False  # a debugging aid that writes every new tensor once more
    cudnn.benchmark, cudnn.deterministic = False, True
    try:
        with exact_float32():
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        utilities.fill_uninitialized_memory = before[2]
        cudnn.benchmark, cudnn.deterministic = before[3:]
