"""Which device a run computes on."""

from datasets.errors import BenchError


def resolve_device(name: str) -> str:
    """`auto` -> `cuda` where a GPU is usable, else `cpu`; asking for a GPU that is not there is a `BenchError`."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BenchError("--device cuda: torch sees no usable GPU; use --device cpu, or install a CUDA build of torch")
    return name
