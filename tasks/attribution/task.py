"""What an attribute is told from: shares of groups of features, and where their encoders look (PDR, figure 4)."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field, field_validator
from torch import Tensor, nn

from datasets.base import Dataset
from datasets.blocks import to_float
from datasets.errors import BenchError, NotApplicable
from datasets.streams import generator
from datasets.synthetic.faces.attributes import NAMES
from tasks.attribution.grad_cam import Probe, grad_cam
from tasks.attribution.pictures import attribution_picture
from tasks.base import EvaluationInputs, TaskConfig
from tasks.celeba_linear.config import LinearConfig
from tasks.celeba_linear.images import FewLabels
from tasks.celeba_linear.runs import Runs
from tasks.groups.features import grouped_features
from tasks.metrics.bootstrap import mean_interval
from tasks.results import DetailTable, Metric, PerItem, Scores
from tasks.units import ARRAY

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

    released: ClassVar[Mapping[str, Any]] = {**LinearConfig.released, "baseline": "zero"}

    baseline: Literal["mean", "zero"] = Field(
        "mean",
        description="where paths of integrated gradients start: at the labelled images' mean feature, or "
        "(released) at zero",
    )
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


class Attribution(FewLabels):
    """Trains `celeba_linear`'s head on all of a method's groups of features, and asks what it goes by.

    The share of a group is the sum of its units' absolute integrated gradients (Sundararajan et al., 2017) over that of
    all units, a mean over test images; the shares sum to 1. The path starts from the labelled images' mean feature, or
    as released from zero.
    Where each group has an encoder of its own, Grad-CAM shows where on the image that one looks.

    Methods whose features have no groups are not applicable.
    """

    Config: ClassVar[type[TaskConfig]] = AttributionConfig
    requires: ClassVar[frozenset[str]] = frozenset({"groups"})
    uses: ClassVar[frozenset[str]] = frozenset({"group_encoders"})
    metrics = (
        Metric("head_accuracy", cites=("sundararajan2017ig", "selvaraju2017gradcam")),
        Metric("share_*", higher_is_better=None),
    )
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"labels": (16,), "epochs": 2, "batch_size": 8, "test_images": 32},
        "mini": {"test_images": 500},
        "paper": {},
    }

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Scores `head_accuracy` on the test images, and `share_GROUP` of each group with intervals over images, or
        over people where the dataset knows who is on them.

        `predictions` has of each test image `frame`, its `logit`, its shares by group, `attribution` (t, groups), and
        under its metric's name each of those shares and `head_accuracy`: 1 where the head is right, NaN where the truth
        is unknown.
        `details["attribution"]` has the `attribute`, the `groups`, each one's `percent`, the completeness `error`, and
        under `grad_cam` why there are no such pictures, where there are none.

        Raises
        ------
        NotApplicable: where the features have no groups.
        BenchError: where the attribute is not known of the images, or the attributions do not sum to what they explain.
        """
        dataset, frames, device = inputs.dataset, inputs.frames, inputs.device
        items = self.items(dataset, frames)
        column = self._column(dataset, items.attributes[items.test])
        method = inputs.model()
        groups = grouped_features(method.feature_groups, inputs)
        runs = Runs(self.config, items, inputs.seed, inputs.trainer, device, inputs.progress)
        values = np.concatenate(list(groups.values()), axis=1).astype(np.float32)
        head = runs.train(
            nn.Identity(), values.shape[1], values[items.labelled], len(items.labelled), "frozen"
        ).head.eval()
        tested = torch.from_numpy(values[items.test]).to(device)
        start = values[items.labelled].mean(axis=0, keepdims=True)
        baseline = torch.from_numpy(np.zeros_like(start) if self.config.baseline == "zero" else start).to(device)
        found, error = integrated_gradients(head, tested, baseline, column, TOLERANCE[self.config.head])
        shares = group_shares(found, [group.shape[1] for group in groups.values()])
        with torch.inference_mode():
            logits = head(tested)[:, column].cpu().numpy()
        truth = items.attributes[items.test, column]
        known = truth >= 0
        units = None if items.units is None else items.units.of(items.test)
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
            pictures["grad_cam"] = attribution_picture(
                images, maps, percent, self.config.attribute, truth[surest], logits[surest]
            )
        except NotApplicable as reason:
            details["grad_cam"] = str(reason)
        return Scores(
            {
                "head_accuracy": float(((logits > 0) == truth)[known].mean()),
                **{f"share_{name}": value / 100 for name, value in percent.items()},
            },
            intervals={
                f"share_{name}": mean_interval(shares[:, place], generator(inputs.seed, "bootstrap", name), units)
                for place, name in enumerate(groups)
            },
            charts=[_table(self.config.attribute, percent, details.get("grad_cam"))],
            predictions={
                "frame": frames[items.test],
                "logit": logits,
                "attribution": shares,
                **{f"share_{name}": shares[:, place] for place, name in enumerate(groups)},
                "head_accuracy": np.where(known, ((logits > 0) == truth).astype(np.float64), np.nan),
                **({ARRAY: units.name} if units is not None else {}),
            },
            per_item=PerItem(groups=ARRAY if units is not None else ""),
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


def _table(attribute: str, percent: Mapping[str, float], without_pictures: str | None) -> DetailTable:
    """The share of each group; `without_pictures` is why Grad-CAM shows nothing beside it, if so."""
    title = (
        f"what {attribute} is told from: shares of the absolute integrated gradients of a head's logit, means over "
        f"test images{f'; no Grad-CAM: {without_pictures}' if without_pictures else ''}"
    )
    rows = tuple((name, (f"{value:.1f} %",)) for name, value in percent.items())
    return DetailTable(title, ("group of features", "share"), rows)


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
        for block in torch.split(features, rows)
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
    return np.asarray(np.divide(sums, total, out=np.full_like(sums, 1 / len(sizes)), where=total > 0))
