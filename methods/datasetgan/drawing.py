"""Generated images and their labels: drawn in blocks that are kept, so that what is cut short goes on from there.

Every image has a stream of its own, for its latent and for its noise: image i is the same whatever is drawn with it
(but for rounding), and its labels are of exactly these pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from datasets.base import Progress
from datasets.files import write_with
from datasets.labelled import Interpreter
from datasets.streams import seed_for
from methods.datasetgan.filtering import Scoring, score_array
from methods.ranges import unsigned
from methods.stylegan2.networks import Networks, resized
from methods.stylegan2.taps import bounded_taps, channels

# Images of a block, which is kept as one file.
BLOCK = 50
# Values of enlarged maps that are held at once: 34 images of 64 px with 480 channels, 3 with 5,120.
VALUES = 2**26


@dataclass(frozen=True)
class Latents:
    """What images are generated from: codes in W+ and each one's own noise maps."""

    w_plus: Float[Tensor, "b layers style"]
    noise: list[Tensor]


@dataclass(frozen=True)
class Drawn:
    """Generated images, their labels, and how unsure each image's labels are."""

    images: UInt8[np.ndarray, "n s s 3"]
    labels: UInt8[np.ndarray, "n s s *k"]
    score: Float[np.ndarray, " n"]


def latents(networks: Networks, numbers: Int[np.ndarray, " b"], *, seed: int, truncation: float) -> Latents:
    """Of the images `numbers`, z ~ N(0, 1), their w pulled towards the average latent in all styles."""
    generator, device = networks.generator, networks.latent_avg.device
    sides = [generator.noises.get_buffer(f"noise_{index}").shape[-1] for index in range(_convolutions(networks))]
    codes, noise = [], list[list[Tensor]]()
    for number in numbers:
        stream = torch.Generator().manual_seed(seed_for(seed, "generated", int(number)))
        codes.append(torch.randn(1, generator.architecture.style_dim, generator=stream))
        noise.append([torch.randn(1, 1, side, side, generator=stream) for side in sides])
    w_plus = generator.broadcast(generator.style(torch.cat(codes).to(device)))
    levels = [torch.cat(level).to(device) for level in zip(*noise, strict=True)]
    return Latents(torch.lerp(networks.latent_avg, w_plus, truncation), levels)


def generated(networks: Networks, drawn: Latents, side: int) -> UInt8[np.ndarray, "b side side 3"]:
    """The images, at `side` px."""
    images = resized(unsigned(networks.generator.synthesize(drawn.w_plus, noise=drawn.noise)), side)
    return np.asarray(images.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


@torch.inference_mode()
def draw(
    networks: Networks,
    interpreter: Interpreter,
    count: int,
    side: int,
    *,
    seed: int,
    truncation: float,
    scoring: Scoring,
    progress: Progress,
    folder: Path,
) -> Drawn:
    """`count` images of `side` px, labelled by the interpreter; blocks that lie in `folder` are not drawn again."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, count, BLOCK)
    blocks = []
    for start in progress.track(starts, total=len(starts), what="datasetgan: draw"):
        path = folder / f"{start:06d}.npz"
        found = _kept(path, progress)
        if found is None:
            numbers = np.arange(start, min(start + BLOCK, count))
            found = _block(networks, interpreter, numbers, side, seed, truncation, scoring)
            _keep(path, found)
        blocks.append(found)
    return Drawn(
        np.concatenate([block.images for block in blocks]),
        np.concatenate([block.labels for block in blocks]),
        np.concatenate([block.score for block in blocks]),
    )


def _block(
    networks: Networks,
    interpreter: Interpreter,
    numbers: Int[np.ndarray, " b"],
    side: int,
    seed: int,
    truncation: float,
    scoring: Scoring,
) -> Drawn:
    """The images of a block, as many at a time as their maps fit into memory."""
    at_once = max(1, VALUES // (side**2 * sum(channels(networks.generator))))
    images, labels, scores = [], [], []
    for start in range(0, len(numbers), at_once):
        some = latents(networks, numbers[start : start + at_once], seed=seed, truncation=truncation)
        maps = bounded_taps(networks.generator, some.w_plus, side, some.noise)
        label, uncertainty = interpreter(maps, side)
        images.append(generated(networks, some, side))
        labels.append(label.cpu().numpy())
        scores.append(score_array(uncertainty, scoring))
    return Drawn(np.concatenate(images), np.concatenate(labels), np.concatenate(scores))


def _keep(path: Path, block: Drawn) -> None:
    def write(target: Path) -> None:
        with target.open("wb") as file:
            np.savez(file, images=block.images, labels=block.labels, score=block.score)

    write_with(path, write)


def _kept(path: Path, progress: Progress) -> Drawn | None:
    """A block that was drawn before; None where there is none, or what is there cannot be read."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return Drawn(file["images"], file["labels"], file["score"])
    except (BadZipFile, KeyError, ValueError, OSError, EOFError):
        progress.say(f"{path.name} of the generated images is damaged: drawn again")
        return None


def _convolutions(networks: Networks) -> int:
    """How many convolutions have noise of their own."""
    return networks.architecture.styles - 1
