"""Which device a run computes on."""

from typing import Literal, get_args

from datasets.errors import BenchError

# The kinds of device, by which the numbers of one may differ from those of another.
Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = get_args(Device)


def resolve_device(name: str) -> str:
    """`auto` -> `cuda` where a GPU is usable, else `cpu`; asking for a GPU that is not there is a `BenchError`."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BenchError("--device cuda: torch sees no usable GPU; use --device cpu, or install a CUDA build of torch")
    return name
