"""Stand-ins of the datasets that tasks test on besides the series: emotions, attributes, parts, lights and views."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, get_args

import numpy as np

from datasets.base import Content
from datasets.celeba import ATTRIBUTE_COUNT
from datasets.celebamask import PARTS as MASK_PARTS
from datasets.layout import SPLITS
from datasets.rafdb import EMOTIONS as RAFDB_EMOTIONS
from datasets.streams import generator
from datasets.synthetic.drawn import SEED, Subset
from datasets.synthetic.faces.acting import TYPICAL, draw_expression, show
from datasets.synthetic.faces.attributes import NAMES, attributes
from datasets.synthetic.faces.beyond import NEAR, beyond, light_beyond, near, person_beyond
from datasets.synthetic.faces.chance import clipped, uniform
from datasets.synthetic.faces.keypoints import KEYPOINTS
from datasets.synthetic.faces.parameters import EMOTIONS, Face
from datasets.synthetic.faces.parts import PARTS
from datasets.synthetic.faces.people import draw_identity
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.faces.scenes import (
    TEST_LIGHT,
    TRAINING_LIGHT,
    draw_aligned_view,
    draw_light,
    draw_surroundings,
    draw_view,
)
from datasets.synthetic.sources import StandIn, sorted_columns

assert EMOTIONS == RAFDB_EMOTIONS, "drawn emotions are numbered as RAF-DB's"
assert PARTS == MASK_PARTS, "drawn parts are numbered as CelebAMask-HQ's"
assert len(NAMES) == ATTRIBUTE_COUNT, "drawn attributes are CelebA's"


@dataclass(frozen=True)
class Parts:
    """How many images of each part of an official split a stand-in draws."""

    train: int = 0
    test: int = 0


# Images of every subset. CelebAMask-HQ's 24,000 training images would take long to draw for what they add.
PARTS_OF: dict[str, dict[Subset, Parts]] = {
    "rafdb": {"smoke": Parts(48, 48), "mini": Parts(3200, 800), "full": Parts(12271, 3068)},
    "celeba": {"smoke": Parts(48, 64), "mini": Parts(1000, 1500), "full": Parts(1200, 6000)},
    "celebamask": {"smoke": Parts(24, 12), "mini": Parts(500, 150), "full": Parts(4000, 1000)},
}


class SplitStandIn(StandIn):
    """Training and test images, with the label `split`: first the one, then the other."""

    def __init__(self, subset: Subset) -> None:
        super().__init__(subset)
        self.parts = PARTS_OF[self.name][subset]

    def amounts(self, subset: Subset) -> tuple[int, int]:
        """Images of both parts, one frame each."""
        parts = PARTS_OF[self.name][subset]
        return parts.train + parts.test, 1

    def fingerprint(self) -> dict[str, Any]:
        """A stand-in's, and how many images are for training."""
        return {**super().fingerprint(), "train": self.parts.train}

    def faces(self) -> Iterator[Face]:
        """The training images, then the test images."""
        for part, count in (("train", self.parts.train), ("test", self.parts.test)):
            yield from (self.face(part, index) for index in range(count))

    @abstractmethod
    def face(self, part: str, index: int) -> Face:
        """Image `index` of a part, the same in every subset."""

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns with the label `split`."""
        numbers = [SPLITS.index("train")] * self.parts.train + [SPLITS.index("test")] * self.parts.test
        columns["label-split"] = np.array(numbers, dtype=np.int64)
        return Content(images, classes={"split": SPLITS, **self.classes}, **sorted_columns(columns))

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The names of the other labels' classes."""
        return {}


class RAFDBStandIn(SplitStandIn):
    """Images of seven emotions in the published proportions, plainly shown: every person is seen once.

    Heads are upright, in the middle and fill the image, as in the official aligned images. Labels `emotion` and
    `split`; truth `light` and `view` (see `faces.rendered.Rendered`).
    """

    name = "rafdb"
    # Published numbers of images, in the order of EMOTIONS.
    counts: ClassVar[dict[str, tuple[int, ...]]] = {
        "train": (1290, 281, 717, 4772, 1982, 705, 2524),
        "test": (329, 74, 160, 1185, 478, 162, 680),
    }

    def face(self, part: str, index: int) -> Face:
        """Image `index` of a part."""
        # A subset takes every n-th image of the next larger one, so that it has all emotions in proportion.
        subsets = get_args(Subset)
        sizes = [getattr(PARTS_OF[self.name][subset], part) for subset in subsets[subsets.index(self.subset) :]]
        for some, more in pairwise(sizes):
            index = index * more // some
        return self._whole(part, index)

    def _whole(self, part: str, number: int) -> Face:
        name = ("rafdb", number) if part == "test" else ("rafdb", part, number)
        rng = generator(SEED, "synthetic", *name)
        emotion = int(np.searchsorted(np.cumsum(self.counts[part]), number, side="right"))
        gaze = (clipped(rng, 0.0, 0.025, -0.06, 0.06), clipped(rng, 0.0, 0.012, -0.03, 0.03))
        pose = show(EMOTIONS[emotion], uniform(rng, 0.6, 1.0), gaze)
        person, view = draw_identity(rng), draw_aligned_view(rng)
        return beyond(Face(person, pose, view, draw_light(rng, TEST_LIGHT), draw_surroundings(rng)), *name)

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """Images, light, view and the emotion."""
        emotions = np.array([int(face.expression.emotion) for face in faces], dtype=np.int64)
        return {**super().columns(faces, drawn), "label-emotion": emotions}

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The seven emotions."""
        return {"emotion": EMOTIONS}


class CelebAStandIn(SplitStandIn):
    """People in several images each, other people in training and test; a person's number is that of every subset.

    Labels `attributes` (n, 40; -1 where no parameter means an attribute), `identity` and `split`; truth `light` and
    `view`.
    """

    name = "celeba"
    images_each: ClassVar[int] = 4

    def face(self, part: str, index: int) -> Face:
        """One of the images of a person, in another pose, view and light each."""
        who, name = ("celeba", part, "person", index // self.images_each), ("celeba", part, index)
        person = person_beyond(draw_identity(generator(SEED, "synthetic", *who)), *who)
        rng = generator(SEED, "synthetic", *name)
        pose, view = draw_expression(rng, TYPICAL), near(draw_view(rng))
        light = light_beyond(draw_light(rng, TRAINING_LIGHT), *name)
        return Face(person, pose, view, light, draw_surroundings(rng), NEAR)

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """Images, light, view and the 40 attributes."""
        return {**super().columns(faces, drawn), "label-attributes": np.stack([attributes(face) for face in faces])}

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns with the label `identity`, test people numbered after all training people."""
        train, test = (np.arange(count) // self.images_each for count in (self.parts.train, self.parts.test))
        first = PARTS_OF[self.name]["full"].train // self.images_each
        columns["label-identity"] = np.concatenate([train, first + test]).astype(np.int64)
        return super().content(images, columns)

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The attributes' names."""
        return {"attributes": NAMES}


class CelebAMaskStandIn(SplitStandIn):
    """Different people with the part of every pixel: label `split`, truth `parts` uint8 (n, size, size) and `keypoints`
    float32 (n, k, 3), as of `faces.rendered.Rendered`."""

    name = "celebamask"

    def face(self, part: str, index: int) -> Face:
        """A person seen nowhere else."""
        rng = generator(SEED, "synthetic", "celebamask", part, index)
        person, pose, view = draw_identity(rng), draw_expression(rng, TYPICAL), draw_view(rng)
        face = Face(person, pose, view, draw_light(rng, TRAINING_LIGHT), draw_surroundings(rng))
        return beyond(face, "celebamask", part, index)

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """Images, the part of every pixel and the keypoints; neither light nor view."""
        return {"images": drawn.image, "truth-parts": drawn.part, "truth-keypoints": drawn.keypoints}

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The parts' names, and the keypoints'."""
        return {"parts": PARTS, "keypoints": KEYPOINTS}
