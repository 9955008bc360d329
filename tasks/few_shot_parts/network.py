"""An ordinary segmentation network, trained on labelled images wherever they come from."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor, nn

from datasets.base import Dataset, Progress, Silent
from datasets.blocks import blocks
from datasets.labelled import LabelledImages
from datasets.streams import seed_for
from methods.learning import Schedule, Trainer
from tasks.base import Model
from tasks.celeba_mask.segmenter import Segmenter, channels_of, new_decoder, predict
from tasks.celeba_mask.unet import UNetDecoder
from tasks.metrics.segmentation import confusions

# Images segmented at once.
BLOCK = 64
# Checkpoints that the authors choose among: one after each epoch.
CHECKPOINTS = 20


class Checkpointed(Segmenter):
    """A segmenter that segments the test images at even steps of its training, for a choice among those checkpoints.

    What it found is kept with its weights, so that a training that goes on has it still.
    """

    counts: Tensor
    taken: Tensor

    def __init__(
        self,
        pyramid: nn.Module,
        decoder: UNetDecoder,
        learning_rate: float,
        *,
        images: UInt8[np.ndarray, "t s s 3"],
        truth: UInt8[np.ndarray, "t s s"],
        classes: int,
        steps: int,
    ) -> None:
        super().__init__(pyramid, decoder, learning_rate)
        self.images, self.truth, self.classes = images, truth, classes
        checkpoints = min(CHECKPOINTS, steps)
        self.at = np.linspace(steps / checkpoints, steps, checkpoints).round().astype(int).tolist()
        self.register_buffer("counts", torch.zeros(checkpoints, len(truth), classes, classes, dtype=torch.int32))
        self.register_buffer("taken", torch.zeros((), dtype=torch.int64))

    def after_step(self) -> None:
        """Segment the test images where a checkpoint is due."""
        self.taken += 1
        if (step := int(self.taken)) not in self.at:
            return
        self.eval()
        device, every = str(self.counts.device), np.arange(len(self.images))
        tested = blocks(self.images, every, BLOCK, device=device, progress=Silent(), what="test")
        masks = np.concatenate([predict(self, images) for _, images in tested])
        found = confusions(self.truth, masks, self.classes).astype(np.int32)
        self.counts[self.at.index(step)] = torch.from_numpy(found)
        self.train()


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
    test: LabelledImages | None = None,
) -> tuple[Segmenter, dict[str, Any]]:
    """A U-Net on a method's pyramid, and what is worth keeping of its training.

    It takes the same number of steps however many pairs there are. Where `test` is given, the segmenter is a
    `Checkpointed` one.
    """
    pyramid = model.pyramid().to(device)
    channels = channels_of(pyramid, pairs.images[0], device)
    decoder = new_decoder(channels, classes, width, seed_for(seed, "decoder"))
    if test is None:
        segmenter = Segmenter(pyramid, decoder, learning_rate)
    else:
        segmenter = Checkpointed(
            pyramid, decoder, learning_rate, images=test.images, truth=test.parts, classes=classes, steps=steps
        )
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
