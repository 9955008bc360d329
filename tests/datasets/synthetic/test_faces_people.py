"""People differ, everything that parameters can mean occurs, and draws follow their stated ranges."""

from dataclasses import fields

import numpy as np
import pytest

from datasets.streams import generator
from datasets.synthetic.faces.acting import EQUAL, FULL, act, blend, draw_expression
from datasets.synthetic.faces.attributes import NAMES, UNKNOWN, attributes
from datasets.synthetic.faces.chance import clipped, one_of, picked
from datasets.synthetic.faces.parameters import EMOTIONS, Face, Identity, packed
from datasets.synthetic.faces.people import draw_identity
from datasets.synthetic.faces.scenes import TEST_LIGHT, TRAINING_LIGHT, draw_light, draw_view
from datasets.synthetic.sources import stranger


@pytest.fixture(scope="module")
def crowd() -> list[Face]:
    return [stranger("crowd", index, EQUAL, TEST_LIGHT) for index in range(400)]


def test_every_attribute_occurs_and_is_absent(crowd: list[Face]) -> None:
    table = np.stack([attributes(face) for face in crowd])
    assert len(set(NAMES)) == 40
    for name, column in zip(NAMES, table.T, strict=True):
        assert set(np.unique(column)) == ({-1} if name in UNKNOWN else {0, 1}), name


def test_attributes_agree_with_one_another(crowd: list[Face]) -> None:
    table = {name: column for name, column in zip(NAMES, np.stack([attributes(f) for f in crowd]).T, strict=True)}
    assert not np.any(table["Bald"] & (table["Bangs"] | table["Wavy_Hair"] | table["Black_Hair"]))
    assert not np.any(table["No_Beard"] & (table["Goatee"] | table["Mustache"]))
    colours = sum(table[name] for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"))
    assert colours.max() == 1
    assert not np.any(table["Smiling"] & ~np.array([EMOTIONS[int(f.expression.emotion)] == "happiness" for f in crowd]))


def test_every_emotion_is_drawn(crowd: list[Face]) -> None:
    counts = np.bincount([int(face.expression.emotion) for face in crowd], minlength=7)
    assert counts.min() > 400 / 7 / 2


def test_packing_keeps_every_parameter(crowd: list[Face]) -> None:
    record = packed(crowd[:3])
    for group in ("identity", "expression", "view", "light", "surroundings"):
        for field in fields(getattr(crowd[1], group)):
            assert np.allclose(record[field.name][1], getattr(getattr(crowd[1], group), field.name)), field.name


def test_sex_can_be_asked_for() -> None:
    drawn = [draw_identity(generator(0, "t", i), masculine=bool(i % 2)) for i in range(20)]
    assert [person.masculine for person in drawn] == [float(i % 2) for i in range(20)]


def test_people_are_reproducible_and_distinct() -> None:
    assert draw_identity(generator(0, "a")) == draw_identity(generator(0, "a"))
    assert draw_identity(generator(0, "a")) != draw_identity(generator(0, "b"))
    assert draw_identity(generator(0, "a")) != draw_identity(generator(1, "a"))
    assert len({draw_identity(generator(0, "many", i)) for i in range(50)}) == 50


def test_colours_are_albedos(crowd: list[Face]) -> None:
    for field in fields(Identity):
        values = np.array([getattr(face.identity, field.name) for face in crowd])
        assert np.all(np.isfinite(values)), field.name
        if values.ndim == 2:
            assert 0.0 <= values.min() <= values.max() <= 1.0, field.name


def test_lights_stay_in_their_range_and_tests_are_harder() -> None:
    for bounds in (TRAINING_LIGHT, TEST_LIGHT):
        lights = [draw_light(generator(0, "light", i), bounds) for i in range(300)]
        angles = np.degrees(np.arccos([light.direction[2] for light in lights]))
        assert 0.9 * bounds.angle < angles.max() <= bounds.angle + 1e-6
        assert all(bounds.ambient[0] <= light.ambient <= bounds.ambient[1] for light in lights)
        assert all(bounds.diffuse[0] <= light.diffuse <= bounds.diffuse[1] for light in lights)
        assert np.mean([light.direction[1] > 0 for light in lights]) > 0.6  # it travels downwards
    assert TEST_LIGHT.angle > TRAINING_LIGHT.angle
    assert TEST_LIGHT.ambient[0] < TRAINING_LIGHT.ambient[0]
    assert TEST_LIGHT.diffuse[1] > TRAINING_LIGHT.diffuse[1]


def test_views_reach_but_do_not_pass_sixty_degrees() -> None:
    yaw = np.degrees([draw_view(generator(0, "view", i)).ry for i in range(600)])
    assert 50 < np.abs(yaw).max() <= 60.0 + 1e-9
    assert abs(yaw.mean()) < 4


def test_acting() -> None:
    assert act("happiness", 1.0) == FULL[EMOTIONS.index("happiness")]
    assert act("anger", 0.0).brow_knit == 0.0
    half = blend(act("surprise", 1.0), act("neutral", 1.0), 0.5)
    assert half.mouth_open == pytest.approx(0.5 * act("surprise", 1.0).mouth_open)
    only = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert all(draw_expression(generator(0, "e", i), only).emotion == 0 for i in range(20))


def test_chance() -> None:
    rng = generator(0, "chance")
    assert {one_of(rng, "abc") for _ in range(100)} == set("abc")
    counts = np.bincount([picked(rng, (0.7, 0.0, 0.3)) for _ in range(1000)], minlength=3)
    assert counts[1] == 0
    assert 620 < counts[0] < 780
    values = [clipped(rng, 0.0, 1.0, -0.5, 2.0) for _ in range(500)]
    assert min(values) == -0.5
    assert max(values) <= 2.0
