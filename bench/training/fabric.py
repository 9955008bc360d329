"""What a training needs around its loop: Fabric on one device, a random state of its own, a split's identity."""

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.training.precision import Precision
from methods.torchvision_compat import declare_missing_operators

if TYPE_CHECKING:
    from lightning.fabric import Fabric


def one_device(device: str, precision: Precision) -> "Fabric":
    """One device under Fabric. Importing it takes seconds, which a run that trains nothing need not spend."""
    declare_missing_operators()
    # Its filters of warnings would go to scikit-learn's worker processes, which had to import it to read them.
    with warnings.catch_warnings():
        from lightning.fabric import Fabric

    for package in ("lightning.fabric", "lightning.pytorch"):  # a line per Fabric says what the summary says too
        logging.getLogger(package).setLevel(logging.WARNING)
    return Fabric(accelerator=device, devices=1, precision=precision)


@contextmanager
def own_random_state(device: str) -> Iterator[None]:
    """Give torch's global generators back as they were."""
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device == "cuda" else []):
        yield


def split_digest(*parts: np.ndarray) -> str:
    """Identity of a split: equal digests mean the same images in the same parts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)};".encode() + np.sort(part).astype("<i8").tobytes())
    return found.hexdigest()[:16]
