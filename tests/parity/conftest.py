"""The weights that golden files are made with where they do not hold them: tests/golden/README.md, last paragraph."""

import math
import zlib
from typing import Protocol

import numpy as np
import pytest
import torch
from torch import Tensor, nn


class GoldenWeights(Protocol):
    """Loads weights made by the rule for a `generator` or an `encoder`, and sets eval mode."""

    def __call__(self, module: nn.Module, *, kind: str) -> None: ...


@pytest.fixture
def golden_weights() -> GoldenWeights:
    def load(module: nn.Module, *, kind: str) -> None:
        state = {key: _made(key, value, kind) for key, value in module.state_dict().items()}
        module.load_state_dict(state, assign=True)
        module.eval()

    return load


def _made(key: str, built: Tensor, kind: str) -> Tensor:
    last = key.rpartition(".")[2]
    if last in ("kernel", "num_batches_tracked"):
        return torch.zeros_like(built, device="cpu") if built.is_meta else built
    shape = tuple(built.shape)
    n = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32)
    if last == "running_var":
        n = 1 + 0.1 * np.abs(n)
    elif last == "running_mean":
        n = 0.1 * n
    elif key.endswith("modulation.bias"):
        n = 1 + 0.1 * n
    elif last == "bias":
        n = 0.1 * n
    elif last.startswith("noise_") or last == "input":
        pass
    elif len(shape) <= 1:
        n = 0.1 * n if "noise.weight" in key else 1 + 0.1 * n
    elif kind == "encoder":
        n = n / np.float32(math.sqrt(math.prod(shape[1:])))
    elif key.startswith("style."):
        n = n * 100
    return torch.from_numpy(np.asarray(n, dtype=np.float32))
