"""An ordinary segmentation network, trained on labelled images wherever they come from."""

from collections.abc import Callable
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
from tasks.few_shot_parts.config import NetworkConfig
from tasks.few_shot_parts.deeplab import DeepLab
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
        decoder: nn.Module,
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


# Makes a segmenter of a pyramid, a decoder and a learning rate.
Making = Callable[[nn.Module, nn.Module, float], Segmenter]


def train_network(
    model: Model,
    pairs: LabelledImages,
    outputs: int,
    config: NetworkConfig,
    make: Making,
    *,
    seed: int,
    device: str,
    trainer: Trainer,
    name: str,
) -> tuple[Segmenter, dict[str, Any]]:
    """A network with so many logits of a pixel, and what is worth keeping of its training.

    It is a U-Net on the method's pyramid, or DeepLab-v3. It takes the same number of steps however many pairs there
    are.
    """
    pyramid, decoder = _network(model, pairs, outputs, config, seed, device)
    segmenter = make(pyramid, decoder, config.learning_rate)
    if config.network == "deeplab_v3" and len(pairs) == 1:
        # It normalises over images of which nothing but one number per channel is left.
        pairs = LabelledImages(np.repeat(pairs.images, 2, axis=0), np.repeat(pairs.labels, 2, axis=0))
    # An incomplete batch is left out: of fewer pairs than make one, a batch is all of them.
    batch = min(config.batch_size, len(pairs))
    schedule = Schedule(
        batch_size=batch,
        learning_rate=config.learning_rate,
        max_epochs=-(-config.steps // (len(pairs) // batch)),
        max_steps=config.steps,
        flip=False,
        holdout=False,
    )
    summary = trainer.train_supervised(segmenter, pairs.images, pairs.labels, schedule, name=name)
    kept = {key: summary[key] for key in ("steps", "epochs", "seconds", "precision", "images_per_second")}
    return segmenter, {**kept, "pairs": len(pairs), "loss": summary["curve"][-1]["train"]["loss"]}


def _network(
    model: Model, pairs: LabelledImages, outputs: int, config: NetworkConfig, seed: int, device: str
) -> tuple[nn.Module, nn.Module]:
    """Pyramid and decoder, with the decoder's initial weights from the stream `seed`."""
    stream = seed_for(seed, "decoder")
    if config.network == "deeplab_v3":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream)
            return nn.Identity(), DeepLab(outputs)
    pyramid = model.pyramid().to(device)
    channels = channels_of(pyramid, pairs.images[0], device)
    return pyramid, new_decoder(channels, outputs, config.width, stream)


def segment_by_network(
    segmenter: Segmenter, dataset: Dataset, test: Int[np.ndarray, " t"], *, device: str, progress: Progress
) -> UInt8[np.ndarray, "t s s"]:
    """The test images' parts."""
    with torch.inference_mode():
        tested = blocks(dataset.images, test, BLOCK, device=device, progress=progress, what="test")
        return np.concatenate([predict(segmenter, images) for _, images in tested])
