"""What the classifiers are taught by: codes of the generator with labels; and a folder of samples for annotating."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from datasets.errors import BenchError
from datasets.files import atomic_folder, write_json
from datasets.palette import palette
from methods.datasetgan.annotations import CLASSES, IMAGES, LATENTS, MASKS, described, read_masks
from methods.datasetgan.drawing import Latents, generated, latents
from methods.stylegan2.networks import Networks

# Side of the samples as a person sees them, at least; enlarged by whole factors, so that a pixel is a block.
SHOWN_SIDE = 512
# Largest difference of an image's values from the one that was annotated: rounding on another machine.
ROUNDING = 3


@dataclass(frozen=True)
class Samples:
    """Codes with their labels, and what is to be said of them."""

    latents: Latents
    labels: UInt8[np.ndarray, "n s s *k"]
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, tuple[UInt8[np.ndarray, "h w 3"], str]] = field(default_factory=dict)


@torch.no_grad()
def write_samples(
    networks: Networks, out: Path, count: int, classes: Sequence[str], *, seed: int, truncation: float
) -> None:
    """Samples to annotate, with all that is needed to make exactly them again: codes *and* noise maps."""
    drawn = latents(networks, np.arange(count), seed=seed, truncation=truncation)
    side = networks.architecture.resolution
    images = generated(networks, drawn, side)
    names = [f"sample-{index:0{max(2, len(str(count - 1)))}d}" for index in range(count)]
    shown = side * max(1, -(-SHOWN_SIDE // side))
    with atomic_folder(out) as folder:
        (folder / IMAGES).mkdir()
        (folder / MASKS).mkdir()
        for name, image in zip(names, images, strict=True):
            Image.fromarray(image).resize((shown, shown), Image.Resampling.NEAREST).save(
                folder / IMAGES / f"{name}.png"
            )
        noise = {f"noise_{index}": one.cpu().contiguous() for index, one in enumerate(drawn.noise)}
        small = torch.from_numpy(images)
        (folder / LATENTS).write_bytes(save({"w_plus": drawn.w_plus.cpu().contiguous(), "images": small, **noise}))
        listed = [
            {"number": number, "name": name, "colour": colour.tolist()}
            for number, (name, colour) in enumerate(zip(classes, palette(len(classes)), strict=True))
        ]
        write_json(folder / CLASSES, {"classes": listed, "samples": names, "side": side})


def annotated(networks: Networks, folder: Path, count: int, side: int) -> Samples:
    """The first `count` samples of a folder that have a mask.

    Raises BenchError where none has, or the samples are another generator's.
    """
    about = described(folder)
    masks = read_masks(folder, about, side)
    if not masks:
        raise BenchError(
            f"{folder / MASKS} has no mask of any sample: expected NAME.png (class numbers), LabelMe's NAME.json or "
            "CVAT's export, NAME as in images/"
        )
    path, device = folder / LATENTS, networks.latent_avg.device
    try:
        stored = load_file(path)
        w_plus, images = stored["w_plus"], stored["images"]
        noise = [stored[f"noise_{index}"] for index in range(networks.architecture.styles - 1)]
    except (SafetensorError, OSError, KeyError) as error:
        raise BenchError(f"{path} is not as `bench annotate` wrote it ({error}): draw the samples again") from error
    chosen = sorted(masks)[:count]
    if max(chosen) >= len(w_plus):
        raise BenchError(f"{path} has {len(w_plus)} samples, {CLASSES} {len(about.names)}: draw the samples again")
    own = Latents(w_plus[chosen].to(device), [one[chosen].to(device) for one in noise])
    _same_generator(networks, own, images[chosen].numpy(), folder)
    missing = len(about.names) - len(masks)
    note = f"taught by {len(chosen)} annotated samples of the generator"
    return Samples(
        own,
        np.stack([masks[place] for place in chosen]),
        (f"{note}; {missing} of {len(about.names)} samples have no mask" if missing else note,),
        {"annotated": len(chosen)},
    )


@torch.no_grad()
def _same_generator(networks: Networks, own: Latents, images: UInt8[np.ndarray, "n s s 3"], folder: Path) -> None:
    """Raise BenchError unless the generator makes of the codes what was annotated."""
    wanted = f"{folder}: the samples were drawn by another generator than this one: annotate samples of this one"
    side = networks.architecture.resolution
    if own.w_plus.shape[1:] != networks.latent_avg.shape or images.shape[1] != side:
        raise BenchError(wanted)
    made = generated(networks, own, side)
    if np.abs(made.astype(np.int64) - images).max() > ROUNDING:
        raise BenchError(wanted)
