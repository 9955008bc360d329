"""What an attribute is told from: shares of groups of features, and where their encoders look (PDR, figure 4)."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field, field_validator
from torch import Tensor, nn

from datasets.base import Dataset, Progress
from datasets.errors import BenchError, NotApplicable
from datasets.streams import generator
from datasets.synthetic.faces.attributes import NAMES
from methods.learning import Trainer, to_float
from tasks.attribution.grad_cam import Probe, grad_cam
from tasks.attribution.sheet import attribution_sheet
from tasks.base import Model, Scores, TaskConfig
from tasks.celeba_linear.config import LinearConfig
from tasks.celeba_linear.runs import Runs
from tasks.celeba_linear.task import CelebALinear
from tasks.groups.features import grouped_features
from tasks.metrics.bootstrap import mean_interval

# Images on the picture, those that the head is surest of.
SHOWN = 8
# Steps of the path integral. Along a linear head's path the gradient is constant, so that one step is exact.
STEPS = 50
# Memory of the points of the paths that are looked at together.
BLOCK_BYTES = 64 * 2**20
# How far the attributions' sum may be from the difference that they explain, as a share of the largest difference.
TOLERANCE = {"linear": 1e-4, "mlp": 2e-2}


class AttributionConfig(LinearConfig):
    """As `celeba_linear`, whose head on frozen features it explains."""

    attribute: str = Field(description="one of CelebA's 40 attributes, such as Smiling")
    labels: tuple[int, ...] = Field((1000,), description="number of labelled images that the head is trained on")
    test_images: int = Field(1000, gt=0, description="test images at most, drawn at random")

    @field_validator("attribute")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in NAMES:
            raise ValueError(f"unknown attribute {value!r}: CelebA has {', '.join(NAMES)}")
        return value

    @field_validator("labels")
    @classmethod
    def _one(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(value) != 1:
            raise ValueError("name one number of labelled images")
        return value


class Attribution(CelebALinear):
    """Trains `celeba_linear`'s head on all of a method's groups of features, and asks what it goes by.

    The share of a group is the sum of its units' absolute integrated gradients (Sundararajan et al., 2017) over that of
    all units, a mean over test images; the shares sum to 1. The path starts from the labelled images' mean feature.
    Where each group has an encoder of its own, Grad-CAM shows where on the image that one looks.

    Methods whose features have no groups are not applicable.
    """

    Config: ClassVar[type[TaskConfig]] = AttributionConfig
    encodes: ClassVar[bool] = False
    settings: ClassVar[str] = "attribution"
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"labels": (16,), "epochs": 2, "batch_size": 8, "test_images": 32},
        "mini": {"test_images": 500},
        "paper": {},
    }

    def __init__(self, config: TaskConfig) -> None:
        super().__init__(config)
        self.metrics = ("head_accuracy",)

    def evaluate(
        self,
        features: Any,
        model: Callable[[], Model],
        dataset: Dataset,
        *,
        frames: Int[np.ndarray, " m"],
        seed: int,
        trainer: Trainer,
        device: str,
        progress: Progress,
    ) -> Scores:
        """Scores `head_accuracy` on the test images, and `share_GROUP` of each group with intervals over images.

        `predictions` has of each test image `frame`, its `logit` and its shares by group, `attribution` (t, groups).
        `details["attribution"]` has the `attribute`, the `groups`, each one's `percent`, the completeness `error`, and
        under `grad_cam` why there are no such pictures, where there are none.

        Raises
        ------
        NotApplicable: where the features have no groups.
        BenchError: where the attribute is not known of the images, or the attributions do not sum to what they explain.
        """
        items = self._items(dataset, frames)
        column = self._column(dataset, items.attributes[items.test])
        method = model()
        groups = grouped_features(method.feature_groups, dataset, frames, device, progress)
        runs = Runs(self.config, items, seed, trainer, device, progress)
        values = np.concatenate(list(groups.values()), axis=1).astype(np.float32)
        head = runs.train(
            nn.Identity(), values.shape[1], values[items.labelled], len(items.labelled), "frozen"
        ).head.eval()
        tested = torch.from_numpy(values[items.test]).to(device)
        baseline = torch.from_numpy(values[items.labelled].mean(axis=0, keepdims=True)).to(device)
        found, error = integrated_gradients(head, tested, baseline, column, TOLERANCE[self.config.head])
        shares = group_shares(found, [group.shape[1] for group in groups.values()])
        with torch.inference_mode():
            logits = head(tested)[:, column].cpu().numpy()
        truth = items.attributes[items.test, column]
        known = truth >= 0
        percent = {name: 100 * float(share) for name, share in zip(groups, shares.mean(axis=0), strict=True)}
        details: dict[str, Any] = {
            "attribute": self.config.attribute,
            "groups": list(groups),
            "percent": percent,
            "error": error,
            "labelled": len(items.labelled),
            "positive": float((truth[known] == 1).mean()),
        }
        pictures = {}
        try:
            surest = np.argsort(-logits, kind="stable")[:SHOWN]
            images = dataset.images[frames[items.test[surest]]]
            probe = Probe(method.group_encoders(), head, column).eval()
            maps = {name: part.cpu().numpy() for name, part in grad_cam(probe, to_float(images, device)).items()}
            pictures["grad_cam"] = attribution_sheet(images, maps, percent, self.config.attribute)
        except NotApplicable as reason:
            details["grad_cam"] = str(reason)
        return Scores(
            {
                "head_accuracy": float(((logits > 0) == truth)[known].mean()),
                **{f"share_{name}": value / 100 for name, value in percent.items()},
            },
            intervals={
                f"share_{name}": mean_interval(shares[:, place], generator(seed, "bootstrap", name))
                for place, name in enumerate(groups)
            },
            predictions={"frame": frames[items.test], "logit": logits, "attribution": shares},
            pictures=pictures,
            details={"attribution": details},
        )

    def _column(self, dataset: Dataset, tested: Int[np.ndarray, "t a"]) -> int:
        """The attribute's place among the dataset's."""
        names = dataset.classes["attributes"]
        known = [name for name, values in zip(names, tested.T, strict=True) if (values >= 0).any()]
        if self.config.attribute not in known:
            raise BenchError(
                f"{dataset.label} does not say of any test image whether it is {self.config.attribute}; "
                f"known are {', '.join(known)}"
            )
        return names.index(self.config.attribute)


def integrated_gradients(
    head: nn.Module,
    features: Float[Tensor, "t d"],
    baseline: Float[Tensor, "1 d"],
    column: int,
    tolerance: float,
) -> tuple[Float[np.ndarray, "t d"], float]:
    """Attributions of a head's logit `column` to its features by captum, and how incomplete they are.

    Attributions of an image sum to the difference of its logit to the baseline's (completeness, Sundararajan et al.,
    2017, section 3). The error is the largest deviation from that, as a share of the largest difference.

    Raises BenchError where the error is above `tolerance`.
    """
    from captum.attr import IntegratedGradients

    explainer = IntegratedGradients(head)
    rows = max(1, BLOCK_BYTES // (4 * STEPS * features.shape[1]))
    found = [
        explainer.attribute(block, baseline.expand_as(block), target=column, n_steps=STEPS).detach().double().cpu()
        for block in features.split(rows)
    ]
    with torch.inference_mode():
        difference = (head(features) - head(baseline))[:, column].double().cpu().numpy()
    attributed = torch.cat(found).numpy()
    error = float(np.abs(attributed.sum(axis=1) - difference).max() / max(np.abs(difference).max(), 1e-12))
    if not error <= tolerance:
        raise BenchError(
            f"integrated gradients are not complete: their sum is off by {error:.2g} of the output's largest "
            f"difference, allowed is {tolerance:g}; features may not be finite, or the head needs more steps"
        )
    return attributed, error


def group_shares(attributions: Float[np.ndarray, "t d"], sizes: list[int]) -> Float[np.ndarray, "t g"]:
    """Each group's part of the sum of absolute attributions, per image; all alike where that is 0."""
    ends = np.cumsum([0, *sizes])
    sums = np.stack([np.abs(attributions[:, a:b]).sum(axis=1) for a, b in pairwise(ends)], axis=1)
    total = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, total, out=np.full_like(sums, 1 / len(sizes)), where=total > 0)
