"""Lets torchvision import where its compiled operators do not match the installed torch.

A torchvision built for CUDA beside a CPU build of torch fails at import with "operator torchvision::nms does not
exist", and with it timm, lightning and torchmetrics. None of the project's code calls these operators, so declaring
their schemas is enough. Call `declare_missing_operators()` before the first import of any of those packages.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

# The library must outlive the import: its destructor takes the declarations back.
_declared: list[Any] = []


def declare_missing_operators() -> bool:
    """Declare the missing operators; returns whether there was anything to declare. Safe to call again."""
    if _declared:
        return True
    if _operators_load():
        return False
    make: Callable[..., Any] = torch.library.Library
    library = make("torchvision", "DEF")
    for name, schema in SCHEMAS.items():
        if not _exists(name):
            library.define(schema)
    _declared.append(library)
    return True


def _exists(name: str) -> bool:
    """Whether the operator is registered already."""
    try:
        torch._C._get_operation_overload(f"torchvision::{name}", "")
    except RuntimeError:
        return False
    return torch._C._get_operation_overload(f"torchvision::{name}", "") is not None


def _operators_load() -> bool:
    """Whether torchvision's own shared library is there and loads, so that its operators are registered by it."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return True  # no torchvision at all: the import error says so better than we could
    folder = Path(next(iter(spec.submodule_search_locations)))
    libraries = [*folder.glob("_C*.so"), *folder.glob("_C*.pyd"), *folder.glob("_C*.dylib")]
    if not libraries:
        return _exists("nms")
    try:
        load: Callable[[str], None] = torch.ops.load_library
        load(str(libraries[0]))
    except OSError:
        return False
    return _exists("nms")
