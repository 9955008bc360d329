"""The official weights: a StyleGAN2 generator trained on FFHQ, and the e4e encoder that inverts it.

    stylegan2-ffhq-config-f.pt   {"g_ema": generator, "latent_avg": (512,)}
    e4e_ffhq_encode.pt           {"state_dict": {"encoder.*", "decoder.*"}, "latent_avg": (18, 512), "opts": {...}}

The second holds the first as its `decoder`: the generator that the encoder was trained to invert. So it is complete
by itself, and the first file, where it is there, only takes the decoder's place as the generator. Encoder and average
latent always come from the second: `latent_avg` of the first belongs to no encoder.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from datasets.errors import BenchError, WeightsMissing
from datasets.names import at_home
from methods.stylegan2.architecture import Architecture
from methods.stylegan2.e4e import Encoder
from methods.stylegan2.generator import Generator
from methods.torch_files import read_torch_file
from methods.weight_files import as_wanted, check_finite, plain_names

GENERATOR_FILE = "stylegan2-ffhq-config-f.pt"
ENCODER_FILE = "e4e_ffhq_encode.pt"
FOLDER_VARIABLE = "BENCH_WEIGHTS"


def folder() -> Path:
    """Where files of weights are looked for: $BENCH_WEIGHTS, else `weights` in the working directory."""
    return at_home(Path(os.environ.get(FOLDER_VARIABLE) or "weights"))


def found(name: str) -> str | None:
    """The path of a file of weights in `folder()`, if it is there."""
    path = folder() / name
    return str(path) if path.is_file() else None


def missing() -> WeightsMissing:
    """The error for an encoder that is neither named nor found."""
    return WeightsMissing(
        f"stylegan2_e4e needs {ENCODER_FILE}, looked for in {folder().absolute()}: get it from the e4e project (Tov et "
        f"al., the FFHQ encoder, which holds its generator) and, if you like, {GENERATOR_FILE} (StyleGAN2, FFHQ config "
        f"F in the common PyTorch format), put them there, or name the folder in ${FOLDER_VARIABLE}, or the files with "
        "--set stylegan2_e4e.encoder=FILE and --set stylegan2_e4e.generator=FILE; --set stylegan2_e4e.train=true "
        "trains a generator and an encoder here instead"
    )


def load(architecture: Architecture, encoder: Path, generator: Path | None = None) -> dict[str, Tensor]:
    """The official weights as the state of `methods.stylegan2.networks.Networks`, in float32.

    The files are mapped, not read: keys and shapes are checked first, at hardly any cost. Nothing is unpickled.

    Raises
    ------
    BenchError
        Where a file is of another kind or resolution, holds anything but tensors, or has a key too few, too many or of
        another shape.
    """
    with torch.device("meta"):
        wanted = {"encoder": Encoder(architecture), "decoder": Generator(architecture)}
    checkpoint = _read(encoder)
    inverted = plain_names(_entry(checkpoint, encoder, "state_dict", ENCODER_FILE))
    parts = {
        name: {key.removeprefix(f"{name}."): value for key, value in inverted.items() if key.startswith(f"{name}.")}
        for name in wanted
    }
    known = {f"{name}.{key}" for name, part in parts.items() for key in part}
    if extra := sorted(set(inverted) - known):
        raise BenchError(f"{encoder}: {extra[0]} is neither the encoder's nor the decoder's: expected {ENCODER_FILE}")
    for name in ("decoder", "encoder"):  # the decoder first, whose layers tell another resolution
        _check(parts[name], wanted[name], encoder, f"{name}.")
    average = checkpoint.get("latent_avg")
    shape = (architecture.styles, architecture.style_dim)
    if not isinstance(average, Tensor) or tuple(average.shape) != shape:
        raise BenchError(f"{encoder}: latent_avg must be a tensor of {shape}, one style per layer: {ENCODER_FILE}")
    if generator is not None:
        parts["decoder"] = plain_names(_entry(_read(generator), generator, "g_ema", GENERATOR_FILE))
        _check(parts["decoder"], wanted["decoder"], generator, "")
    decoder = encoder if generator is None else generator
    state = _plain(parts["encoder"], wanted["encoder"], encoder, "encoder.")
    state |= _plain(parts["decoder"], wanted["decoder"], decoder, "generator.")
    state["latent_avg"] = as_wanted(average, torch.float32, f"{encoder}: latent_avg")
    check_finite({"latent_avg": state["latent_avg"]}, encoder)
    return state


def _plain(state: Mapping[str, Tensor], module: nn.Module, path: Path, prefix: str) -> dict[str, Tensor]:
    """Weights that fit `module` in its types, under names with a prefix; finite ones, or a BenchError."""
    found = {
        key: as_wanted(state[key], torch.float32 if like.is_floating_point() else like.dtype, f"{path}: {key}")
        for key, like in module.state_dict().items()
    }
    check_finite(found, path)
    return {f"{prefix}{key}": value for key, value in found.items()}


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint's dictionary, read without running anything that the file says."""
    damaged = f"{path} is damaged or no PyTorch checkpoint: get the official file again"
    pickled = (
        f"{path} holds pickled objects beside tensors, which are not loaded because unpickling runs code: get the "
        "official file, or, where you trust this one, load it with the code that wrote it and save its tensors "
        "and plain values alone into a new file"
    )
    expected = "expected a dictionary of state dicts"
    return read_torch_file(path, pickled=pickled, damaged=damaged, expected=expected, mapped=True)


def _entry(checkpoint: Mapping[str, Any], path: Path, name: str, official: str) -> dict[str, Tensor]:
    """A state dict of a checkpoint."""
    state = checkpoint.get(name)
    if not isinstance(state, dict):
        entries = ", ".join(sorted(map(str, checkpoint))[:6]) or "none"
        raise BenchError(f"{path} has no state dict {name!r} (its entries: {entries}): expected {official}")
    for key, value in state.items():
        if not isinstance(value, Tensor) or not isinstance(key, str):
            raise BenchError(f"{path}: {name} has a {type(value).__name__} at {key}: expected tensors, as {official}")
    return state


def _check(state: Mapping[str, Tensor], module: nn.Module, path: Path, prefix: str) -> None:
    """Compare keys and shapes with what `module` needs."""
    wanted = module.state_dict()
    if isinstance(module, Generator) and (side := _resolution(state)) != module.architecture.resolution:
        raise BenchError(
            f"{path}: the generator ({prefix}convs.*) is one of {side} px: expected {module.architecture.resolution} px"
        )
    if lacking := [key for key in wanted if key not in state]:
        raise BenchError(f"{path} lacks {prefix}{lacking[0]}{_more(lacking)}: the file is not complete")
    if extra := sorted(set(state) - set(wanted)):
        raise BenchError(f"{path} has {prefix}{extra[0]}{_more(extra)}, which the official weights do not have")
    for key, like in wanted.items():
        if state[key].shape != like.shape:
            raise BenchError(f"{path}: {prefix}{key} has shape {tuple(state[key].shape)}: expected {tuple(like.shape)}")


def _resolution(state: Mapping[str, Tensor]) -> int:
    """Side of the images of a generator: each pair of convolutions doubles the first 4 px."""
    numbers = {key.split(".")[1] for key in state if key.startswith("convs.")}
    return int(4 * 2 ** (len(numbers) // 2))


def _more(keys: list[str]) -> str:
    return f" and {len(keys) - 1} more keys" if len(keys) > 1 else ""
