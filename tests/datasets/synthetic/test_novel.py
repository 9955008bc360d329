"""Scenes under new views and lights: what moves by how much, what stays, and the same bits in every subset."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from bench.grid.catalogue import DATASETS
from datasets.base import Content, Silent
from datasets.synthetic.cars.render import SHINE
from datasets.synthetic.drawn import Drawn
from datasets.synthetic.faces.beyond import FIELD_OF_VIEW, NEAR
from datasets.synthetic.faces.parameters import Camera
from datasets.synthetic.novel import (
    COUNTS,
    MOVES,
    TURNS,
    CarsNovel,
    CarsNovelUnmatched,
    FacesNovel,
    FacesNovelUnmatched,
    Move,
)
from datasets.synthetic.sources import FacesTruth, UTKFaceStandIn
from methods.pdr.config import MAX_DEPTH, MIN_DEPTH
from methods.rendering.scene import DepthRenderer

CARS = (CarsNovel, CarsNovelUnmatched)
KINDS = (FacesNovel, FacesNovelUnmatched, *CARS)
SIZE = 32


@pytest.fixture(scope="module")
def drawn() -> dict[str, Content]:
    return {kind.name: kind.open("smoke").read(SIZE, Silent()) for kind in KINDS}


def by_move(values: np.ndarray) -> np.ndarray:
    """(people, moves, ...)."""
    return values.reshape(-1, len(MOVES), *values.shape[1:])


def test_moves_are_those_that_are_asked_for() -> None:
    assert TURNS == (-60, -45, -30, -15, 15, 30, 45, 60)
    assert MOVES[0] == (0, 0, 0)
    assert [move.yaw for move in MOVES if move.yaw] == [move.light for move in MOVES if move.light] == list(TURNS)
    assert all(sum(angle != 0 for angle in move) == 1 for move in MOVES[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_every_scene_is_there_at_every_move(kind: type[Drawn], drawn: dict[str, Content]) -> None:
    content, count = drawn[kind.name], COUNTS["smoke"]
    assert content.images.shape == (count * len(MOVES), SIZE, SIZE, 3)
    assert np.array_equal(content.labels["identity"], np.repeat(np.arange(count), len(MOVES)))
    assert len(content.classes["identity"]) == count
    assert np.array_equal(by_move(content.truth["moved"])[3], np.array(MOVES, np.float32))
    assert len({image.tobytes() for image in content.images}) > 0.99 * len(content.images)
    entry = DATASETS.get(kind.name)
    assert not entry.target
    assert entry.load_stand_in().__self__ is kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_light_leaves_the_outline_and_a_new_view_does_not(kind: type[Drawn], drawn: dict[str, Content]) -> None:
    outline = by_move(drawn[kind.name].truth["silhouette"])
    lit = [place for place, move in enumerate(MOVES) if move.light]
    turned = [place for place, move in enumerate(MOVES) if abs(move.yaw) == 60 or abs(move.pitch) == 20]
    assert outline.dtype == np.bool_
    assert (outline[:, lit] == outline[:, :1]).all()
    assert ((outline[:, turned] != outline[:, :1]).mean(axis=(2, 3)) > 0.01).all()
    share = outline.mean(axis=(2, 3))
    assert share.min() > 0.05
    assert share.max() < 0.8


@pytest.mark.parametrize("kind", [FacesNovel, FacesNovelUnmatched])
def test_faces_turn_by_the_move_and_nothing_else_changes(kind: type[FacesNovel]) -> None:
    """In the conventions of the truth: rotations about axes that point right and down, light as it travels."""
    faces = list(islice(kind.open("smoke").faces(), 2 * len(MOVES)))
    for face, move, start in zip(faces, 2 * MOVES, np.repeat(np.array([0, len(MOVES)]), len(MOVES)), strict=True):
        first = faces[start]
        assert (face.identity, face.expression, face.surroundings) == (
            first.identity,
            first.expression,
            first.surroundings,
        )
        assert np.degrees(face.view.ry - first.view.ry) == pytest.approx(-move.yaw, abs=1e-9)
        assert np.degrees(face.view.rx - first.view.rx) == pytest.approx(move.pitch, abs=1e-9)
        assert face.view.rz == first.view.rz
        azimuth, before = (
            np.degrees(np.arctan2(-one.light.direction[0], one.light.direction[2])) for one in (face, first)
        )
        assert azimuth - before == pytest.approx(move.light, abs=1e-9)
        assert face.light.direction[1] == pytest.approx(first.light.direction[1], abs=1e-9), "its elevation"
        assert (face.light.second, face.light.second_direction) == (first.light.second, first.light.second_direction)
        assert abs(np.degrees(first.view.ry)) <= 8
        assert abs(before) <= 20


@pytest.mark.parametrize("kind", [FacesNovel, FacesNovelUnmatched])
def test_positive_is_to_the_images_right(kind: type[FacesNovel], drawn: dict[str, Content]) -> None:
    """Where a head is bright: on the side that its light comes from, and that its face looks to, before the hair."""
    images = by_move(drawn[kind.name].images).astype(float).mean(axis=-1)
    outline = by_move(drawn[kind.name].truth["silhouette"])
    columns = np.arange(SIZE) - (SIZE - 1) / 2

    def bright(move: Move) -> float:
        """How far to the right of the outline's middle, on average over people."""
        place = MOVES.index(move)
        weight = images[:, place] * outline[:, place]
        middle = (outline[:, place] * columns).sum(axis=(1, 2)) / outline[:, place].sum(axis=(1, 2))
        return float(((weight * columns).sum(axis=(1, 2)) / weight.sum(axis=(1, 2)) - middle).mean())

    assert bright(Move(light=60.0)) > bright(Move(light=-60.0)) + 0.5
    assert bright(Move(yaw=60.0)) > bright(Move(yaw=-60.0)) + 0.5


@pytest.mark.parametrize("kind", CARS)
def test_cars_keep_their_distance(kind: type[CarsNovel]) -> None:
    for number in range(3):
        shots = kind.open("smoke").shots(number)
        assert len({shot.scale for shot in shots}) == len({shot.car for shot in shots}) == 1
        for shot, move in zip(shots, MOVES, strict=True):
            assert shot.azimuth - shots[0].azimuth == pytest.approx(-move.yaw)
            assert shot.elevation - shots[0].elevation == pytest.approx(move.pitch)
            assert shot.light_azimuth - shots[0].light_azimuth == pytest.approx(move.light)


@pytest.mark.parametrize("kind", KINDS)
def test_no_car_or_head_is_cut_off_by_much(kind: type[Drawn], drawn: dict[str, Content]) -> None:
    outline = drawn[kind.name].truth["silhouette"]
    edge = np.concatenate([outline[:, 0], outline[:, -1], outline[:, :, 0], outline[:, :, -1]], axis=1)
    assert edge.mean() < (0.01 if kind in CARS else 0.35)


def test_nobody_is_in_another_dataset_and_both_worlds_show_the_same_people() -> None:
    ours, theirs = (
        [face.identity for face in islice(kind.open("mini").faces(), 0, None, len(MOVES))]
        for kind in (FacesNovel, FacesNovelUnmatched)
    )
    assert len(set(ours)) == COUNTS["mini"]
    assert [one.skin for one in ours] == [one.skin for one in theirs]
    others = [*islice(UTKFaceStandIn.open("full").faces(), 300), *FacesTruth.open("smoke").faces()]
    assert not {(one.texture, one.skin) for one in ours} & {(one.identity.texture, one.identity.skin) for one in others}


def test_worlds() -> None:
    """`faces_novel` is PDR's own; the other has a near camera, a second light and what it casts."""
    matched, unmatched = (next(iter(kind.open("smoke").faces())) for kind in (FacesNovel, FacesNovelUnmatched))
    assert matched.camera == Camera()
    assert unmatched.camera == NEAR
    assert (matched.light.second, matched.light.shadow, matched.identity.shine) == (0, 0, 0)
    assert min(unmatched.light.second, unmatched.light.shadow, unmatched.identity.shine) > 0
    assert f"{FIELD_OF_VIEW:.0f} degree camera" in FacesNovelUnmatched.world
    assert "10 degree camera" in FacesNovel.world


def test_worlds_of_cars() -> None:
    """The same cars and moves: through PDR's camera, without gloss, under one light; or as all other cars are drawn."""
    for number in range(3):
        for ours, theirs in zip(*(kind.open("smoke").shots(number) for kind in CARS), strict=True):
            assert (ours.fov, ours.shine, ours.second) == (DepthRenderer(size=SIZE).fov, 0.0, 0.0)
            assert (theirs.fov, theirs.shine) == (30.0, SHINE)
            assert theirs.second > 0
            assert replace(ours, fov=theirs.fov, shine=theirs.shine, second=theirs.second, scale=theirs.scale) == theirs
    assert "10 degree camera" in CarsNovel.world
    assert "30 degree camera" in CarsNovelUnmatched.world


def test_cars_stand_within_the_depths_that_pdr_knows() -> None:
    for number in range(COUNTS["mini"]):
        shot = CarsNovel.open("smoke").shots(number)[0]
        assert shot.scale is not None
        half = np.linalg.norm([shot.car.length, shot.car.width]) / 2
        assert shot.scale * half < (MAX_DEPTH - MIN_DEPTH) / 2


def test_a_smaller_subset_is_a_part_of_a_larger_one() -> None:
    small, large = FacesNovelUnmatched.open("smoke"), FacesNovelUnmatched.open("mini")
    assert list(small.faces()) == list(islice(large.faces(), len(small)))
    assert CarsNovel.open("smoke").shots(5) == CarsNovel.open("full").shots(5)
    assert CarsNovelUnmatched.open("smoke").shots(5) == CarsNovelUnmatched.open("full").shots(5)
    assert len(CarsNovel.open("full")) == 300 * len(MOVES)
    assert CarsNovel.open("smoke").fingerprint() != CarsNovel.open("full").fingerprint()
