"""How a stage computes, whoever runs it and whatever ran before: on so many threads, and float32 as float32."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

from bench.grid.request import THREADS
from bench.pipeline.undisturbed import undisturbed
from bench.training.precision import exact_float32


@contextmanager
def computing(threads: int = THREADS, *, seed: int = 0) -> Iterator[None]:
    """Compute on `threads` threads, in torch and in the libraries behind numpy, scipy and scikit-learn, and products
    of float32 in float32; chance that no generator of its own is behind comes from `seed`. The caller's settings come
    back afterwards."""
    before = torch.get_num_threads()
    with threadpool_limits(threads), undisturbed(seed), exact_float32():
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
