"""An ordinary segmentation network, trained on labelled images wherever they come from."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8

from datasets.base import Dataset, Progress
from datasets.blocks import blocks
from datasets.labelled import LabelledImages
from datasets.streams import seed_for
from methods.learning import Schedule, Trainer
from tasks.base import Model
from tasks.celeba_mask.segmenter import Segmenter, channels_of, new_decoder, predict

# Images segmented at once.
BLOCK = 64


def train_network(
    model: Model,
    pairs: LabelledImages,
    classes: int,
    *,
    width: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    device: str,
    trainer: Trainer,
    name: str,
) -> tuple[Segmenter, dict[str, Any]]:
    """A U-Net on a method's pyramid, and what is worth keeping of its training.

    It takes the same number of steps however many pairs there are.
    """
    pyramid = model.pyramid().to(device)
    channels = channels_of(pyramid, pairs.images[0], device)
    decoder = new_decoder(channels, classes, width, seed_for(seed, "decoder"))
    segmenter = Segmenter(pyramid, decoder, learning_rate)
    # An incomplete batch is left out: of fewer pairs than make one, a batch is all of them.
    batch = min(batch_size, len(pairs))
    schedule = Schedule(
        batch_size=batch,
        learning_rate=learning_rate,
        max_epochs=-(-steps // (len(pairs) // batch)),
        max_steps=steps,
        flip=False,
        holdout=False,
    )
    summary = trainer.train_supervised(segmenter, pairs.images, pairs.parts, schedule, name=name)
    kept = {key: summary[key] for key in ("steps", "epochs", "seconds", "precision", "images_per_second")}
    return segmenter, {**kept, "pairs": len(pairs), "loss": summary["curve"][-1]["train"]["loss"]}


def segment_by_network(
    segmenter: Segmenter, dataset: Dataset, test: Int[np.ndarray, " t"], *, device: str, progress: Progress
) -> UInt8[np.ndarray, "t s s"]:
    """The test images' parts."""
    with torch.inference_mode():
        tested = blocks(dataset.images, test, BLOCK, device=device, progress=progress, what="test")
        return np.concatenate([predict(segmenter, images) for _, images in tested])
