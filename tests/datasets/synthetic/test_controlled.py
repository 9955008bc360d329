"""In a drawn batch one factor varies and nothing else does."""

from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest

from datasets.base import Content, Silent
from datasets.controlled import ANGLES, FACTORS, INTRINSIC
from datasets.synthetic.cars.render import Shot
from datasets.synthetic.controlled import (
    BATCH,
    CAR_ANGLES,
    FACE_ANGLES,
    TEST,
    TRAINING,
    CarsFactors,
    CarsFactorsTest,
    FacesFactors,
    FacesFactorsTest,
)
from datasets.synthetic.faces.parameters import Face, Light, View

SOURCES = (FacesFactors, FacesFactorsTest, CarsFactors, CarsFactorsTest)


@cache
def content(kind: type[Any]) -> Content:
    return kind.open("smoke").read(16, Silent())


@pytest.mark.parametrize("kind", SOURCES)
def test_labels_and_angles(kind: type[Any]) -> None:
    sizes = (TEST if kind.name.endswith("_test") else TRAINING)["smoke"]
    found = content(kind)
    factor = found.labels["factor"]
    assert len(found.images) == BATCH * sum(sizes)
    assert found.classes["factor"] == FACTORS
    assert np.bincount(factor).tolist() == [BATCH * count for count in sizes]
    assert np.array_equal(found.labels["batch"], np.repeat(np.arange(sum(sizes)), BATCH))
    ranges = FACE_ANGLES if "faces" in kind.name else CAR_ANGLES
    for place, (name, (low, high)) in enumerate(zip(ANGLES.values(), ranges, strict=True)):
        angle = found.truth[name].reshape(-1, BATCH)
        assert low - 1e-3 <= angle.min() < angle.max() <= high + 1e-3
        moving = np.ptp(angle, axis=1) > 1
        assert moving.tolist() == (factor[::BATCH] == place).tolist()


@pytest.mark.parametrize("kind", SOURCES)
def test_a_batch_shows_one_person_or_twenty(kind: type[Any]) -> None:
    found = content(kind)
    people = found.labels["identity"].reshape(-1, BATCH)
    for row, factor in zip(people, found.labels["factor"][::BATCH], strict=True):
        assert len(set(row)) == (BATCH if factor == INTRINSIC else 1)
    assert len(np.unique(people)) == np.unique(people[:, 0]).size + (BATCH - 1) * sum(
        found.labels["factor"][::BATCH] == INTRINSIC
    )


def still(face: Face, factor: str) -> Face:
    """The face without what its batch's factor moves."""
    if factor == "light":
        return replace(face, light=replace(face.light, direction=Light().direction))
    if factor in ("azimuth", "elevation"):  # the crop follows the face
        view = replace(face.view, **dict.fromkeys(("tx", "ty"), 0.0))
        return replace(face, view=replace(view, **{"ry" if factor == "azimuth" else "rx": 0.0}))
    return Face(face.identity, face.expression, View(rx=face.view.rx, ry=face.view.ry), face.light, face.surroundings)


@pytest.mark.parametrize("kind", [FacesFactors, FacesFactorsTest])
def test_nothing_else_of_a_face_moves(kind: type[FacesFactors]) -> None:
    source = kind.open("smoke")
    faces = list(source.faces())
    for start, factor in zip(range(0, len(faces), BATCH), content(kind).labels["factor"][::BATCH], strict=True):
        batch = [still(face, FACTORS[factor]) for face in faces[start : start + BATCH]]
        if factor == INTRINSIC:
            assert len({face.identity for face in batch}) == BATCH
            assert len({(face.view, face.light) for face in batch}) == 1
        else:
            assert len(set(batch)) == 1


def test_nothing_else_of_a_car_moves() -> None:
    shots = list(CarsFactors.open("smoke").shots())
    moved = ("azimuth", "elevation", "light_azimuth", "car")
    for start, factor in zip(range(0, len(shots), BATCH), content(CarsFactors).labels["factor"][::BATCH], strict=True):
        batch = shots[start : start + BATCH]
        assert len({replace(shot, **{moved[factor]: getattr(batch[0], moved[factor])}) for shot in batch}) == 1
        assert len({getattr(shot, moved[factor]) for shot in batch}) == BATCH
        assert isinstance(batch[0], Shot)


def test_angles_are_those_that_the_dataset_says() -> None:
    """Light from the image's right makes the right half of a face the brighter one, and so on for the yaw's sign."""
    found = content(FacesFactors)
    light = found.labels["factor"] == FACTORS.index("light")
    images = found.images[light].astype(float).mean(axis=-1)
    lean = images[:, 4:12, 8:12].mean(axis=(1, 2)) - images[:, 4:12, 4:8].mean(axis=(1, 2))
    first = slice(0, BATCH)
    assert np.corrcoef(lean[first], found.truth["light_azimuth"][light][first])[0, 1] > 0.5
    assert np.array_equal(np.sign(found.truth["yaw"]), -np.sign(found.truth["view"][:, 1]))


def test_people_of_training_and_test_are_others() -> None:
    people = [{face.identity for face in kind.open("smoke").faces()} for kind in (FacesFactors, FacesFactorsTest)]
    assert not people[0] & people[1]


def test_smaller_subsets_are_parts_of_the_larger() -> None:
    smoke, mini = (FacesFactors.open(name) for name in ("smoke", "mini"))
    first = BATCH * TRAINING["smoke"][0]
    assert list(islice(smoke.faces(), first)) == list(islice(mini.faces(), first))
    assert list(islice(CarsFactors.open("smoke").shots(), first)) == list(
        islice(CarsFactors.open("full").shots(), first)
    )
    assert smoke.fingerprint() != mini.fingerprint()
    assert len(FacesFactors.open("full")) == 4 * 3000 * BATCH
