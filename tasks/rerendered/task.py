"""Scenes moved and rendered anew: how like they are to what they would truly look like, by angle."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs, Task
from tasks.metrics.bootstrap import mean_interval
from tasks.metrics.likeness import BEST_PSNR, LEVELS
from tasks.rerendered.identity import PROBE, recognised
from tasks.rerendered.pictures import film, sweep_sheet
from tasks.rerendered.sweep import swept
from tasks.rerendered.targets import Axis, starts_of
from tasks.results import Caption, Curve, Interval, Metric, PerItem, Picture, Scores

# Scenes on a method's own sheet, and on the strips that stand beside other methods': a page holds all of both.
SHOWN = 2
# The sizes of angles that have a column of their own.
SIZES = (0, 15, 30, 45, 60)
OVER = "scenes"


def _psnr(name: str) -> Metric:
    return Metric(name, unit="dB", high=None)


def _ssim(name: str) -> Metric:
    return Metric(name, low=-1.0, cites=("wang2004ssim",))


def _l1(name: str) -> Metric:
    return Metric(name, higher_is_better=False, unit="levels", high=LEVELS)


INSIDE = (_psnr("psnr"), _ssim("ssim"), _l1("l1"))
WHOLE = (_psnr("psnr_whole"), _ssim("ssim_whole"), _l1("l1_whole"))
# The metrics that are charted by angle.
CURVES = ("psnr", "ssim", "l1", "identity")


class Rerendered(Task):
    """Scenes of which a method sees one image each, moved about one axis and rendered by it, against the truth.

    Each metric is a mean over scenes, of each scene's mean over the new angles:

    psnr, ssim, l1: inside the silhouette that the object truly has at the new angle (`tasks.metrics.likeness`); the
        first is the main one.
    identity: the share of rendered images that a fixed probe takes for who is on them (`identity.recognised`). It has
        learned from true images of all scenes at the other new angles, sees the middle of an image alone, so that a
        background hardly helps it, and never what a method was given.
    psnr@0 to psnr@60: psnr at the angles of this size, to either side; at 0 the scene is rendered as it was.
    psnr_whole, ssim_whole, l1_whole: over the whole image, where what does not move is to be left alone.

    Methods that cannot render a scene so are not applicable.

    Attributes
    ----------
    axis: what is moved.
    pictured: the axes of the sweeps on the picture.
    """

    metrics = (*INSIDE, Metric("identity"), *(_psnr(f"psnr@{size}") for size in SIZES), *WHOLE)
    axis: ClassVar[Axis]
    pictured: ClassVar[tuple[Axis, ...]]

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """The images that the scenes start from."""
        return starts_of(dataset)

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Scores as the class says, with bootstrap intervals over scenes.

        `predictions` has per scene the `frame` that it starts from and each metric, whose mean is the score; and by
        scene and angle (n, a) `psnr_by_angle` and all other measures so, `identity_by_angle` at the new angles alone.
        `details["sweep"]` has the `axis`, and in `by_metric` of each the `angles`, the `mean` at each, and the ends of
        its interval, `low` and `high`; at 0 the scene is rendered as it was. `details["probe"]` has `what` the identity
        is told by, and what share of the `true` images it tells.

        Raises BenchError where the dataset's truth or what the method renders is not what it should be, and where
        there are less than two scenes.
        """
        dataset, frames = inputs.dataset, inputs.frames
        if len(frames) < 2:
            raise BenchError(f"{dataset.label}: one scene alone: expected at least two, to tell one from another")
        method = inputs.model()
        sweep = swept(method, inputs, frames, self.axis)
        new, size = sweep.new, np.abs(sweep.angles)
        known, told = recognised(sweep.rendered[:, new], sweep.true[:, new])
        by_angle = {**sweep.likeness, "identity": known.astype(float)}
        values = {name: found[:, new].mean(axis=1) for name, found in sweep.likeness.items()}
        values["identity"] = known.mean(axis=1)
        values |= {f"psnr@{one}": sweep.likeness["psnr"][:, size == one].mean(axis=1) for one in SIZES if one in size}
        points = {
            name: _points(sweep.angles[new] if name == "identity" else sweep.angles, found, inputs.seed, name)
            for name, found in by_angle.items()
        }
        pictured = [
            sweep if axis == self.axis else swept(method, inputs, frames[:SHOWN], axis) for axis in self.pictured
        ]
        return Scores(
            {metric.name: float(values[metric.name].mean()) for metric in self.metrics if metric.name in values},
            intervals={name: _interval(found, inputs.seed, name) for name, found in values.items()},
            captions=_captions(len(frames), int(new.sum()), float(told.mean())),
            charts=[self._curve(name, points[name]) for name in CURVES],
            pictures={
                "sweeps": Picture(sweep_sheet(pictured, SHOWN), self._pictured(), on_page=False),
                **{f"film-{one.axis}": film(one, SHOWN) for one in pictured},
            },
            predictions={**values, **{f"{name}_by_angle": found for name, found in by_angle.items()}, "frame": frames},
            per_item=PerItem(unit=OVER),
            details={
                "sweep": {"axis": self.axis, "by_metric": points},
                "probe": {"what": PROBE, "true": float(told.mean())},
            },
        )

    def _curve(self, name: str, points: Mapping[str, list[float]]) -> Curve:
        """A metric at the new angles. At 0 a copy is perfect, beside which nothing else could be told apart."""
        kept = [place for place, angle in enumerate(points["angles"]) if angle]
        x, y, low, high = (tuple(points[part][place] for place in kept) for part in ("angles", "mean", "low", "high"))
        unit = next((f", {metric.unit}" for metric in self.metrics if metric.name == name and metric.unit), "")
        return Curve(f"{name} by {self.axis}", f"{self.axis}, degrees", f"{name}{unit}", x, y, low, high)

    def _pictured(self) -> str:
        axes = " and ".join(self.pictured)
        return f"The same scenes by {axes}, as they truly are and as they are rendered from the image at 0."


class NovelView(Rerendered):
    """`Rerendered` by yaw, of faces drawn in PDR's own world; the picture has the pitch too."""

    requires: ClassVar[frozenset[str]] = frozenset({"novel_view"})
    dataset = "faces_novel"
    axis = "yaw"
    pictured = ("yaw", "pitch")


class NovelViewUnmatched(NovelView):
    """`NovelView` of the same faces drawn with what PDR does not model (`datasets.synthetic.faces.beyond`)."""

    dataset = "faces_novel_unmatched"


class NovelViewCars(NovelView):
    """`NovelView` of cars drawn in PDR's own world."""

    dataset = "cars_novel"
    domain = "cars"


class NovelViewCarsUnmatched(NovelViewCars):
    """`NovelViewCars` of the same cars drawn with what PDR does not model (`datasets.synthetic.cars.render`)."""

    dataset = "cars_novel_unmatched"


class Relight(Rerendered):
    """`Rerendered` by the azimuth of the light, of faces drawn in PDR's own world."""

    requires: ClassVar[frozenset[str]] = frozenset({"relight"})
    dataset = "faces_novel"
    axis = "light"
    pictured = ("light",)


class RelightUnmatched(Relight):
    """`Relight` of the same faces drawn with what PDR does not model; the first of two lights is moved."""

    dataset = "faces_novel_unmatched"


class RelightCars(Relight):
    """`Relight` of cars drawn in PDR's own world."""

    dataset = "cars_novel"
    domain = "cars"


class RelightCarsUnmatched(RelightCars):
    """`RelightCars` of the same cars drawn with what PDR does not model; the first of two lights is moved."""

    dataset = "cars_novel_unmatched"


def _interval(values: Float[np.ndarray, " n"], seed: int, *name: str) -> Interval:
    """Of a mean over scenes."""
    return mean_interval(values, generator(seed, "bootstrap", *name), over=OVER)


def _points(
    angles: Float[np.ndarray, " a"], values: Float[np.ndarray, "n a"], seed: int, name: str
) -> dict[str, list[float]]:
    """A metric's mean at each angle with its interval over scenes, as JSON."""
    ends = [_interval(values[:, place], seed, name, f"{angle:g}") for place, angle in enumerate(angles)]
    return {
        "angles": [float(angle) for angle in angles],
        "mean": [float(mean) for mean in values.mean(axis=0)],
        "low": [end.low for end in ends],
        "high": [end.high for end in ends],
    }


def _captions(scenes: int, angles: int, told: float) -> list[Caption]:
    """What the numbers are of."""
    return [
        Caption(
            f"Means over {angles} new angles, inside the object's true silhouette there; *_whole over the whole image. "
            f"psnr@0: where nothing is moved. psnr is at most {BEST_PSNR:.1f} dB, what rounding to 8 bits leaves."
        ),
        Caption(
            f"identity: told among {scenes} by {PROBE}, which learned from true images at the other new angles; of "
            "true images it tells {told:.3f}.",
            {"told": told},
        ),
    ]
