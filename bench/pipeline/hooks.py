"""A method's hooks, called, and what they give checked where it enters: a summary, tensors, sentences, pictures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from datasets.base import Dataset, Progress
from datasets.errors import BenchError
from datasets.plain import number, plain
from methods.base import Method, Trainer


def checked_method(method: Method) -> Method:
    """`method`, whose `module` must be there unless its class is `stateless`, and must not be where it is.

    Raises BenchError where the two do not agree: features of such a method would be kept under the wrong key.
    """
    name, module = type(method).__name__, method.module
    if module is not None and not isinstance(module, nn.Module):
        raise BenchError(f"{name}.module is a {type(module).__name__}: expected a torch.nn.Module, or None")
    if method.stateless and module is not None:
        raise BenchError(f"{name} declares stateless = True, but has a module: leave out one of the two")
    if not method.stateless and module is None:
        raise BenchError(f"{name} has no module: set one, or declare stateless = True where there are no weights")
    return method


def fitted(method: Method, data: Dataset | np.ndarray, trainer: Trainer) -> dict[str, Any]:
    """The summary that `fit_dataset` gives of a dataset, or `fit` of images alone, as JSON.

    Raises BenchError where it is none, or its `seconds` are no duration. A training of the trainer's is kept
    nevertheless, and goes on from its end.
    """
    name = f"{type(method).__name__}.fit"
    found: object = method.fit_dataset(data, trainer) if isinstance(data, Dataset) else method.fit(data, trainer)
    if not isinstance(found, Mapping):
        raise BenchError(
            f"{name} gave a {type(found).__name__}: expected a dictionary, such as what trainer.train returns"
        )
    summary: dict[str, Any] = plain(found, f"{name}: summary")
    if "seconds" in summary and number(summary["seconds"], f"{name}: summary.seconds") < 0:
        raise BenchError(f"{name}: summary.seconds is {summary['seconds']}: expected a duration")
    return summary


def derived(method: Method, dataset: Dataset, *, seed: int, progress: Progress) -> dict[str, Tensor]:
    """The tensors that `derive` gives, by name. Raises BenchError where it gives anything else."""
    name = f"{type(method).__name__}.derive"
    found: object = method.derive(dataset, seed=seed, progress=progress)
    if not isinstance(found, Mapping):
        raise BenchError(f"{name} gave a {type(found).__name__}: expected a dictionary of tensors")
    for key, value in found.items():
        if not (isinstance(key, str) and isinstance(value, Tensor) and value.layout == torch.strided):
            raise BenchError(f"{name} gave {key!r} as a {type(value).__name__}: expected dense tensors by name")
    return dict(found)


def notes_of(method: Method) -> list[str]:
    """The sentences that `notes` gives. Raises BenchError where they are none."""
    return sentences(method.notes(), f"{type(method).__name__}.notes")


def sentences(found: object, place: str) -> list[str]:
    """A list of texts, each as it can be encoded. Raises BenchError for anything else, a single text too."""
    if not isinstance(found, list | tuple) or not all(isinstance(text, str) for text in found):
        raise BenchError(f"{place} gave {type(found).__name__}: expected a list of sentences")
    return [str(plain(text, place)) for text in found]


def pictures_of(method: Method, images: Tensor) -> dict[str, Tensor]:
    """What `pictures` gives of images (b, 3, h, w), by name. Raises BenchError where it is no pictures."""
    name = f"{type(method).__name__}.pictures"
    found: object = method.pictures(images)
    if not isinstance(found, Mapping):
        raise BenchError(f"{name} gave a {type(found).__name__}: expected a dictionary of pictures")
    for key, value in found.items():
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        if not isinstance(shape, tuple) or len(shape) != 4 or shape[:2] != (len(images), 3):
            raise BenchError(f"{name} gave {key!r} as {shape}: expected a tensor ({len(images)}, 3, h, w)")
    return dict(found)
