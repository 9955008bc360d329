"""The factors of a drawn face are those that it was drawn with."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.synthetic.faces.factors import NAMES, factors
from datasets.synthetic.faces.scenes import light_from, view_of
from datasets.synthetic.sources import FacesTruth, FacesTruthUnmatched

FACES = list(FacesTruth.open("mini").faces())


def test_every_factor_changes_and_belongs_to_a_scene_parameter() -> None:
    found = factors(FACES)
    assert found.shape == (256, len(NAMES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert (found.std(axis=0) > 1e-3).all()
    assert {name.split(".")[0] for name in NAMES} == {"geometry", "albedo", "light", "view", "expression"}
    assert factors([]).shape == (0, len(NAMES))


def test_known_scene() -> None:
    face = replace(FACES[0], view=view_of(30.0, -10.0, 5.0, (0.1, -0.05), 0.02), light=light_from(0.2, 0.7, 90.0, 0.0))
    values = dict(zip(NAMES, factors([face])[0].tolist(), strict=True))
    assert values["albedo.skin"] == pytest.approx(np.mean(face.identity.skin))
    expected = {
        "view.yaw": 30.0,
        "view.pitch": -10.0,
        "view.roll": 5.0,
        "view.shift_x": 0.1,
        "view.shift_y": -0.05,
        "view.distance": -0.02,
        "light.ambient": 0.2,
        "light.diffuse": 0.7,
        "light.direction_x": -1.0,
        "light.direction_y": 0.0,
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected, abs=1e-5)


def test_the_other_world_has_the_same_factors_but_for_its_light_and_hats() -> None:
    other = list(FacesTruthUnmatched.open("mini").faces())
    changed = {"light.ambient", "geometry.hair_line", "view.distance"}
    ours, theirs = factors(FACES), factors(other)
    for index, name in enumerate(NAMES):
        if name not in changed:
            assert theirs[:, index] == pytest.approx(ours[:, index], abs=1e-5), name
    assert (theirs[:, NAMES.index("light.ambient")] < ours[:, NAMES.index("light.ambient")]).all(), "more lights"
    bare = np.array([face.identity.hat < 0.5 for face in FACES])
    line = NAMES.index("geometry.hair_line")
    assert np.array_equal(theirs[bare, line], ours[bare, line])


def test_kinds_are_independent_of_each_other() -> None:
    correlation = np.abs(np.corrcoef(factors(list(FacesTruth.open("full").faces())), rowvar=False))
    kinds = np.array([name.split(".")[0] for name in NAMES])
    # Traits of one person are not: hair has the colours that go with the skin, long hair goes without a beard.
    person = np.isin(kinds, ["geometry", "albedo"])
    between = (kinds[:, None] != kinds) & ~(person[:, None] & person)
    # Five standard deviations of the correlation of 1,000 independent pairs.
    assert correlation[between].max() < 5 / np.sqrt(1000)
