"""Images from memory or a memory map onto a device, a block at a time: the one loop that everything encodes by."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from datasets.base import Progress


def to_float(images: UInt8[np.ndarray, "b h w 3"], device: torch.device | str = "cpu") -> Float[Tensor, "b 3 h w"]:
    """uint8 (b, h, w, 3) -> float32 (b, 3, h, w) in [0, 1], channels last in memory.

    For a GPU the bytes travel, a quarter of the floats, and are converted there. On a CPU numpy converts, so that a
    background thread may call this: a torch operation there would start a second pool of OpenMP threads.
    """
    if torch.device(device).type == "cpu":
        return torch.from_numpy(np.asarray(images).astype(np.float32) / np.float32(255)).permute(0, 3, 1, 2)
    return unit(torch.from_numpy(np.ascontiguousarray(images)).to(device, non_blocking=True))


def unit(pixels: UInt8[Tensor, "b h w 3"]) -> Float[Tensor, "b 3 h w"]:
    """Bytes that are on the device already, as `to_float` gives them."""
    return pixels.permute(0, 3, 1, 2).float().div_(255.0)


def blocks(
    images: UInt8[np.ndarray, "n s s 3"],
    chosen: Int[np.ndarray, " m"],
    size: int,
    *,
    device: str,
    progress: Progress,
    what: str,
) -> Iterator[tuple[Int[np.ndarray, " b"], Float[Tensor, "b 3 s s"]]]:
    """The images `chosen`, at most `size` at a time, as `to_float` gives them, each block with its indices.

    `what` names the work for `progress`. The caller sets inference mode, around the whole loop.
    """
    starts = range(0, len(chosen), size)
    for start in progress.track(starts, total=len(starts), what=what):
        indices = chosen[start : start + size]
        yield indices, to_float(images[indices], device)
