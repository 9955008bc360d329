"""How the compiled kernels are built and spread over threads."""

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import torch
from torch import Tensor

# Chunks of the batch per thread: small enough that a thread held up elsewhere does not hold up the rest.
CHUNKS_PER_THREAD = 4


def compiled(function: Callable[..., Any], *, fastmath: bool | set[str] = False) -> Callable[..., Any]:
    """`numba.njit` without the GIL, kept on disk where numba finds a folder that it may write to.

    `fastmath` names what the compiler may do to sums and products beyond IEEE arithmetic, as numba has it.

    numba refuses to decorate at all when neither `__pycache__` nor the user's cache folder is writable; the kernel is
    then compiled anew in each process (a second or two).
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    kernel: Callable[..., Any]
    try:
        kernel = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        kernel = numba.njit(**options)(function)
    return kernel


def over_batch(
    kernel: Callable[..., Any],
    shared: Sequence[float | Tensor],
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
) -> None:
    """Run `kernel(*shared, *inputs, *outputs)` on slices of the batch, in as many threads as torch uses.

    Each element of the batch is worked on by one thread from beginning to end, so that sums have a fixed order and
    equal inputs give equal bits for any number of threads. Threads of our own rather than numba's: these survive
    `fork` (data loaders), and follow `torch.set_num_threads`. Inputs with a batch of one go to every slice whole;
    outputs are filled.
    """
    count = len(outputs[0])
    constants = [_array(value) if isinstance(value, Tensor) else value for value in shared]
    assert all(output.is_contiguous() for output in outputs)  # else a copy would be filled
    arrays = [_array(tensor) for tensor in (*inputs, *outputs)]
    threads = min(torch.get_num_threads(), count)
    if threads <= 1:
        kernel(*constants, *arrays)
        return
    step = -(-count // (threads * CHUNKS_PER_THREAD))
    slices = [
        [array if len(array) == 1 else array[start : start + step] for array in arrays]
        for start in range(0, count, step)
    ]
    for future in [_pool(threads, os.getpid()).submit(kernel, *constants, *part) for part in slices]:
        future.result()


def _array(tensor: Tensor) -> Any:
    return tensor.detach().contiguous().numpy()


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads that live as long as the process; a forked child has none of its parent's and makes its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="kernels")
