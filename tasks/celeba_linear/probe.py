"""Classifiers of binary attributes: a head on features that stay as they are, or on an encoder trained with it."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int8, Shaped, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.blocks import to_float
from datasets.errors import BenchError
from methods.learning import Losses, SupervisedLearner

HeadKind = Literal["linear", "mlp"]

# Units of the multi-layer head: as many as PDR's features. SimCLR's projection head is as wide as its features (Chen et
# al., 2020, section 2.1), which the 131,072 of VQ-VAE do not allow: that layer alone would have 17e9 weights.
HIDDEN = 512


def new_head(kind: HeadKind, width: int, outputs: int, seed: int) -> nn.Module:
    """Features (b, width) to logits (b, outputs): one linear layer, or two with a ReLU between; PyTorch's initial
    weights, drawn from the stream `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "linear":
            return nn.Linear(width, outputs)
        return nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))


def width_of(encoder: nn.Module, image: UInt8[np.ndarray, "s s 3"], device: str) -> int:
    """Number of features that an encoder in eval mode gives for an image."""
    with torch.no_grad():
        return int(encoder(to_float(image[None], device)).shape[1])


def known_cross_entropy(logits: Float[Tensor, "b a"], targets: Int8[Tensor, "b a"]) -> Float[Tensor, ""]:
    """Binary cross-entropy in nats, the mean over the targets that are known (0 or 1, not -1); 0 without any."""
    known = targets >= 0
    losses = F.binary_cross_entropy_with_logits(logits, targets.clamp(min=0).to(logits), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


class AttributeClassifier(SupervisedLearner):
    """Encoder and head, both trained by Adam as far as they require gradients.

    A head on features that were computed beforehand has `nn.Identity()` for an encoder.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.learning_rate = learning_rate

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on all that requires gradients."""
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return {"classifier": torch.optim.Adam(trained, lr=self.learning_rate)}

    def logits(self, inputs: Shaped[Tensor, "b *shape"]) -> Float[Tensor, "b a"]:
        """Log odds of each attribute."""
        features = self.encoder(inputs)
        with torch.autocast(features.device.type, enabled=False):
            found: Tensor = self.head(features.float())
            return found

    def forward(
        self, inputs: Shaped[Tensor, "b *shape"], targets: Int8[Tensor, "b a"], *, phase: str, step: int
    ) -> Losses:
        """Mean cross-entropy of the attributes that are known."""
        return {"loss": known_cross_entropy(self.logits(inputs), targets)}


def logits_of(classifier: AttributeClassifier, inputs: Shaped[Tensor, "b *shape"]) -> Float[np.ndarray, "b a"]:
    """Log odds of each attribute of features, or of images in [0, 1] (b, 3, s, s), by a classifier in eval mode
    on their device.

    Raises BenchError where an input gives no finite probability.
    """
    with torch.inference_mode():
        logits = classifier.logits(inputs)
    return finite_logits(logits.cpu().numpy())


def finite_logits(logits: Float[np.ndarray, "b a"]) -> Float[np.ndarray, "b a"]:
    """Log odds as they are; BenchError where one is not finite."""
    wrong = int((~np.isfinite(logits)).any(axis=1).sum())
    if wrong:
        raise BenchError(
            f"{wrong} of {len(logits)} test images get a prediction that is not a finite number: look at the method's "
            "features, which may not be finite either"
        )
    return logits
