"""What encoders give, checked where it enters the project: one row of finite numbers per image."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from datasets.errors import BenchError


def as_features(found: object, count: int, whose: str) -> Float[np.ndarray, "b d"]:
    """`found`, a tensor on any device or an array, as float32 in memory; `whose` names what gave it.

    Raises
    ------
    BenchError
        Unless it has `count` rows of at least one real, finite number.
    """
    due = f"expected one row of numbers per image, ({count}, d)"
    if isinstance(found, Tensor):
        if found.layout != torch.strided or found.is_quantized or found.is_complex():
            raise BenchError(f"{whose} gave a tensor of {found.dtype} in the layout {found.layout}; {due}, real, dense")
        shape = tuple(found.shape)
    elif isinstance(found, np.ndarray):
        if found.dtype.kind not in "biuf":
            raise BenchError(f"{whose} gave an array of {found.dtype}; {due}, real")
        shape = found.shape
    else:
        raise BenchError(f"{whose} gave a {type(found).__name__}; {due}, as a tensor or an array")
    if len(shape) != 2 or shape[0] != count or shape[1] == 0:
        raise BenchError(f"{whose} gave the shape {shape} for {count} images; {due}")
    with np.errstate(over="ignore"):  # what float32 cannot hold is said below
        values = found.detach().float().cpu().numpy() if isinstance(found, Tensor) else found.astype(np.float32)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise BenchError(
            f"{whose} gave features of {np.count_nonzero(~finite)} of {count} images that are not finite numbers in "
            f"float32 (the first is image {int(np.argmin(finite))} of its batch): the method diverged, or its inputs "
            "have another range than in training"
        )
    return values
