"""Stand-ins for the face datasets, drawn by the project; sizes in `SIZES`.

All show the world that PDR does not model (`faces.beyond`), but for `faces_truth`, which is PDR's own.

A smaller subset is a part of the larger: an image of it has the same bits there.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from datasets.base import Content, OpenRows, Progress, Rows
from datasets.streams import generator
from datasets.synthetic.drawn import BLOCK, SEED, Drawn, Subset
from datasets.synthetic.faces.acting import EQUAL, TYPICAL, draw_expression
from datasets.synthetic.faces.attributes import attributes
from datasets.synthetic.faces.beyond import FIELD_OF_VIEW, MATCHED_WORLD, UNMATCHED_WORLD, beyond
from datasets.synthetic.faces.parameters import EMOTIONS, Face
from datasets.synthetic.faces.parts import PARTS
from datasets.synthetic.faces.people import draw_identity
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.faces.scenes import (
    TEST_LIGHT,
    TRAINING_LIGHT,
    LightRange,
    draw_light,
    draw_surroundings,
    draw_view,
)
from datasets.synthetic.tracks import BBT, BUFFY, FRAMES, Series

# Images (or tracks, frames of each track) of every subset. Tracks of `smoke` are spread evenly over the series.
SIZES: dict[str, dict[Subset, tuple[int, int]]] = {
    "utkface": {"smoke": (128, 1), "mini": (4000, 1), "full": (23708, 1)},
    "bbt": {"smoke": (40, 2), "mini": (644, 3), "full": (644, FRAMES)},
    "buffy": {"smoke": (40, 2), "mini": (568, 3), "full": (568, FRAMES)},
    "faces_truth": {"smoke": (32, 1), "mini": (256, 1), "full": (1000, 1)},
    "faces_truth_unmatched": {"smoke": (32, 1), "mini": (256, 1), "full": (1000, 1)},
}


class StandIn(Drawn):
    """A synthetic source: subclasses say which faces it shows, and in which world."""

    world = UNMATCHED_WORLD

    def __init__(self, subset: Subset) -> None:
        super().__init__(subset)
        self.count, self.frames = self.amounts(subset)

    def fingerprint(self) -> dict[str, Any]:
        """What decides the images: subset, seed, and the source that draws them."""
        return {
            "subset": self.subset,
            "items": self.count,
            "frames": self.frames,
            "seed": SEED,
            **self.drawing(),
        }

    def amounts(self, subset: Subset) -> tuple[int, int]:
        """Images (or tracks, or people) of a subset, and how many frames (or steps) there are of each."""
        return SIZES[self.name][subset]

    def read_into(self, open_rows: OpenRows, size: int, progress: Progress) -> Content:
        """Draw everything, block by block, into the rows given."""
        from datasets.synthetic.faces.render import render

        total = len(self)
        columns: dict[str, Rows] = {}
        faces = self.faces()
        for _ in progress.track(range(0, total, BLOCK), total=-(-total // BLOCK), what=f"drawing {self.label}"):
            block = list(islice(faces, BLOCK))
            for name, values in self.columns(block, render(block, size)).items():
                if name not in columns:
                    columns[name] = open_rows(name, values.shape[1:], values.dtype)
                columns[name].append(values)
        arrays = {name: rows.array() for name, rows in columns.items()}
        return self.content(arrays.pop("images"), arrays)

    def __len__(self) -> int:
        """Number of images."""
        return self.count * self.frames

    @abstractmethod
    def faces(self) -> Iterator[Face]:
        """The faces, in the order of the images."""

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """What is kept of a block: `images`, and `label-` and `truth-` columns; always the light and the view."""
        return {"images": drawn.image, "truth-light": drawn.light, "truth-view": drawn.view}

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns as a `Content`."""
        return Content(images, **sorted_columns(columns))


class UTKFaceStandIn(StandIn):
    """Different people, one image each, for training; no labels.

    Truth: `light` (n, 5) and `view` (n, 6), see `faces.rendered.Rendered`.
    """

    name = "utkface"

    def faces(self) -> Iterator[Face]:
        """Strangers under the light of the training sets."""
        for index in range(self.count):
            yield beyond(stranger("utkface", index, TYPICAL, TRAINING_LIGHT), "utkface", index)


class FacesTruth(StandIn):
    """Different people under the light of the test sets in PDR's own world, with complete ground truth.

    Labels: `emotion`, `attributes` (n, 40; CelebA's, -1 where no parameter means it). Truth: `light`, `view`, `depth`
    float32, `normal` and `albedo` float16, `coverage` float16, `part` uint8, as of `faces.rendered.Rendered`; `factors`
    float32 (n, 28), what the faces are drawn from, as of `faces.factors`, whose names are `classes["factors"]`.
    """

    name = "faces_truth"
    world = MATCHED_WORLD

    def faces(self) -> Iterator[Face]:
        """Strangers under the light of the test sets, every emotion equally often."""
        return (stranger("faces_truth", index, EQUAL, TEST_LIGHT) for index in range(self.count))

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """Everything that the drawing knows."""
        from datasets.synthetic.faces.factors import factors

        return {
            **super().columns(faces, drawn),
            "label-emotion": np.array([int(face.expression.emotion) for face in faces], dtype=np.int64),
            "label-attributes": np.stack([attributes(face) for face in faces]),
            "truth-depth": drawn.depth,
            "truth-normal": drawn.normal.astype(np.float16),
            "truth-albedo": drawn.albedo.astype(np.float16),
            "truth-coverage": drawn.coverage.astype(np.float16),
            "truth-part": drawn.part,
            "truth-factors": factors(faces),
        }

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns, with the names of emotions, parts and factors."""
        from datasets.synthetic.faces.factors import NAMES

        return Content(
            images, classes={"emotion": EMOTIONS, "part": PARTS, "factors": NAMES}, **sorted_columns(columns)
        )


class FacesTruthUnmatched(FacesTruth):
    """The faces of `FacesTruth` in the world that PDR does not model (`faces.beyond`).

    Its light is that of the first light alone. Truth besides: `field_of_view` float32 (n,), the camera's, in degrees.
    """

    name = "faces_truth_unmatched"
    world = UNMATCHED_WORLD

    def faces(self) -> Iterator[Face]:
        """The same people, doing the same, turned alike, the first light from where it was."""
        return (beyond(face, self.name, index) for index, face in enumerate(super().faces()))

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """Everything that the drawing knows, with the camera's field of view."""
        return {
            **super().columns(faces, drawn),
            "truth-field_of_view": np.full(len(faces), FIELD_OF_VIEW, dtype=np.float32),
        }


class TracksStandIn(StandIn):
    """Tracks of a series with the labels `identity` and `emotion` of each frame; truth `light` and `view`."""

    series: ClassVar[Series]

    @property
    def chosen(self) -> list[int]:
        """The tracks of this subset."""
        return [index * self.series.tracks // self.count for index in range(self.count)]

    @property
    def wanted(self) -> tuple[int, ...]:
        """The frames of each track in this subset, spread over the whole track."""
        return tuple((2 * index + 1) * FRAMES // (2 * self.frames) for index in range(self.frames))

    def faces(self) -> Iterator[Face]:
        """The chosen frames, track by track."""
        return (face for track in self.chosen for face in self.series.frames(track, self.wanted))

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """Images, light, view and the emotion."""
        emotions = np.array([int(face.expression.emotion) for face in faces], dtype=np.int64)
        return {**super().columns(faces, drawn), "label-emotion": emotions}

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns with the label `identity` and each image's track."""
        columns["label-identity"] = np.repeat(self.series.labels[self.chosen], self.frames).astype(np.int64)
        people = tuple(person.name for person in self.series.cast)
        return Content(
            images,
            classes={"identity": people, "emotion": EMOTIONS},
            tracks=np.repeat(np.arange(self.count), self.frames),
            track_names=tuple(f"{self.series.name}_{track + 1:04d}" for track in self.chosen),
            **sorted_columns(columns),
        )


class BBTStandIn(TracksStandIn):
    """644 tracks of 5 people, with the published numbers of tracks per person."""

    name = "bbt"
    series = BBT


class BuffyStandIn(TracksStandIn):
    """568 tracks of 6 people, with the published numbers of tracks per person."""

    name = "buffy"
    series = BUFFY


def stranger(name: str, index: int, odds: tuple[float, ...], light: LightRange) -> Face:
    """Face `index` of the stand-in `name`, a person seen nowhere else."""
    rng = generator(SEED, "synthetic", name, index)
    person, pose, view = draw_identity(rng), draw_expression(rng, odds), draw_view(rng)
    return Face(person, pose, view, draw_light(rng, light), draw_surroundings(rng))


def sorted_columns(columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """`label-X` and `truth-X` columns as Content's `labels` and `truth`."""
    return {
        target: {name.removeprefix(prefix): values for name, values in columns.items() if name.startswith(prefix)}
        for target, prefix in (("labels", "label-"), ("truth", "truth-"))
    }
