"""Drawn cars: classes told apart by their shape, the same bits every time, the loader's labels."""

from dataclasses import replace

import numpy as np
import pytest

from bench.grid.catalogue import DATASETS, TRAINING_DATASET
from bench.grid.request import Options
from bench.pipeline.data import open_source
from datasets.base import Content, Silent
from datasets.errors import BenchError
from datasets.shapenet_cars import CLASSES
from datasets.synthetic.cars.models import build, draw_car
from datasets.synthetic.cars.parts import KEYPOINTS, PARTS
from datasets.synthetic.cars.render import largest_scale, matched, render, rendered
from datasets.synthetic.cars.sources import CarsStandIn, ShapeNetCarsStandIn, ShapeNetCarsTrainStandIn


@pytest.fixture(scope="module")
def drawn() -> Content:
    return ShapeNetCarsStandIn.open("smoke").read(64, Silent())


def proportions(kind: int) -> np.ndarray:
    """Length, width and height of a drawn car's mesh."""
    corners, colours = build(draw_car(np.random.default_rng(kind + 2), kind)).arrays()
    assert len(corners) == len(colours)
    assert colours.min() >= 0
    assert colours.max() <= 1
    return np.ptp(corners.reshape(-1, 3), axis=0)[[2, 0, 1]]


def test_classes_differ_in_shape() -> None:
    police, ambulance, limousine, jeep, ferrari = (proportions(kind) for kind in range(5))
    assert limousine[0] > 1.5 * police[0]
    assert ambulance[2] > 1.4 * police[2]
    assert ferrari[2] < 0.85 * police[2]
    assert jeep[2] / jeep[0] > 1.3 * police[2] / police[0]


def test_labels_are_the_loaders(drawn: Content) -> None:
    assert drawn.classes["car"] == CLASSES
    assert np.bincount(drawn.labels["car"]).tolist() == [8] * 5
    assert set(drawn.labels["split"]) == {2}
    train = ShapeNetCarsTrainStandIn.open("smoke").read(16, Silent())
    assert set(train.labels["split"]) == {0}
    assert (train.labels["car"] == -1).mean() > 0.4, "mostly everyday cars"


def test_a_car_is_seen_whole_on_a_plain_ground(drawn: Content) -> None:
    images = drawn.images.astype(int)
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert (np.ptp(edge, axis=1) == 0).all(), "nothing is cut off"
    ground = edge[:, :1]
    covered = (np.abs(images - ground[:, None]).max(axis=-1) > 8).mean(axis=(1, 2))
    assert covered.min() > 0.05
    assert covered.max() < 0.8


def test_truth_names_the_sides_that_are_seen_and_lit(drawn: Content) -> None:
    """A camera at the car's left sees it face the image's left, and its left side lit from the image's right."""
    [shot] = list(ShapeNetCarsStandIn.open("smoke").shots())[1:2]  # an ambulance: large plain sides
    shot = replace(shot, azimuth=50.0, elevation=10.0, light_elevation=10.0, second=0.0)
    plain = replace(shot, car=replace(shot.car, light_bar=False, stripe=False, windows=0))
    right, left, mirrored = render(
        [
            replace(plain, light_azimuth=60.0),
            replace(plain, light_azimuth=-60.0),
            replace(plain, azimuth=-50.0, light_azimuth=-60.0),
        ],
        32,
    ).astype(int)
    side, front = np.s_[12:18, 18:24], np.s_[17:19, 4:7]
    assert right[side].mean() > left[side].mean() + 40
    assert left[front].mean() > right[front].mean() + 40
    # The rasteriser draws half a pixel to the left of the centre (as Neural Mesh Renderer does), so the mirror image
    # lies a whole pixel off.
    assert np.abs(right[:, :-1] - mirrored[:, ::-1][:, 1:]).mean() < 0.25
    for index, shot in enumerate(list(ShapeNetCarsStandIn.open("smoke").shots())[:3]):
        assert drawn.truth["view"][index] == pytest.approx([shot.azimuth, shot.elevation])
        assert drawn.truth["light"][index] == pytest.approx(
            [shot.ambient, shot.diffuse, shot.light_azimuth, shot.light_elevation]
        )


def test_a_second_light_and_gloss_add_light() -> None:
    shot = next(iter(ShapeNetCarsStandIn.open("smoke").shots()))
    assert shot.second > 0
    dark, first, both = render([replace(shot, diffuse=0.0, second=0.0), replace(shot, second=0.0), shot], 64).astype(
        int
    )
    assert (dark <= first).all()
    assert (first <= both).all()
    assert (both - first).mean() > 0.5
    # Flat sides would have one brightness each; a highlight changes along them.
    windows = replace(
        shot, car=replace(shot.car, windows=0, light_bar=False, stripe=False), elevation=0.0, azimuth=90.0
    )
    side = render([replace(windows, light_azimuth=0.0, light_elevation=5.0, second=0.0)], 64)[0].astype(int)
    row = side[34, 20:44, 0]
    assert np.ptp(row) >= 3, row


def test_matt_paint_under_one_light_is_lamberts() -> None:
    """The plates of wheels that are seen from right before them: every pixel the albedo by ambient and diffuse light,
    whatever a second light was before, and whatever shots are drawn beside it."""
    shot = replace(
        next(iter(ShapeNetCarsStandIn.open("smoke").shots())),
        azimuth=90.0,
        elevation=0.0,
        light_azimuth=20.0,
        light_elevation=30.0,
    )
    [plain] = rendered([matched(shot)], 64).images
    glossy = rendered([shot, matched(shot)], 64)
    assert np.array_equal(glossy.images[1], plain), "each through its own camera"
    hubs = np.asarray(rendered([matched(shot)], 64).parts[0] == PARTS.index("wheelhub"))
    cosine = np.cos(np.radians(20.0)) * np.cos(np.radians(30.0))
    expected = np.rint(255 * np.array(shot.car.hub) * (shot.ambient + shot.diffuse * cosine))
    assert (plain[hubs] == expected).all(axis=-1).mean() > 0.5, "all but those of an edge"
    assert (glossy.images[0][hubs] == expected).all(axis=-1).mean() < 0.01


def test_each_camera_sees_a_car_as_wide_as_its_field_of_view_has_it() -> None:
    shot = replace(next(iter(ShapeNetCarsStandIn.open("smoke").shots())), azimuth=0.0, elevation=0.0)
    corners = build(shot.car).arrays()[0].reshape(-1, 3)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    aside, behind = corners[:, 0] - middle[0], middle[2] - corners[:, 2]
    for one in (shot, matched(shot)):
        scale, edge = largest_scale(one), np.tan(np.radians(one.fov / 2))
        seen = np.abs(scale * aside / (1 + scale * behind)).max()
        columns = np.flatnonzero((rendered([one], 64).covered[0] > 0.5).any(axis=0))
        assert np.ptp(columns) + 1 == pytest.approx(63 * seen / edge, abs=1.5)


def test_the_same_bits_alone_and_in_a_larger_subset(drawn: Content) -> None:
    shots = list(ShapeNetCarsStandIn.open("mini").shots())
    assert shots[:40] == list(ShapeNetCarsStandIn.open("smoke").shots())
    assert np.array_equal(render(shots[7:8], 64)[0], drawn.images[7])


@pytest.mark.parametrize("kind", [ShapeNetCarsStandIn, ShapeNetCarsTrainStandIn])
def test_registered_under_its_name(kind: type[CarsStandIn]) -> None:
    request = Options(methods="pdr", tasks="bbt", profile="smoke").request()
    source = open_source(DATASETS.get(kind.name), request.data_root, request.profile.subset)
    assert isinstance(source, kind)
    assert source.label == f"{kind.name}[synthetic]"
    with pytest.raises(BenchError, match="no subset 'huge'"):
        kind.open("huge")


def test_the_world_is_not_pdrs() -> None:
    assert CarsStandIn.world.startswith("with what PDR does not model: a 30 degree camera, a second light")


def test_car_models_are_trained_on_training_cars() -> None:
    assert TRAINING_DATASET["cars"] == ShapeNetCarsTrainStandIn.name


def test_parts_are_where_the_paint_is(drawn: Content) -> None:
    parts, images = drawn.truth["parts"], drawn.images.astype(int)
    assert drawn.classes["parts"] == PARTS
    assert parts.dtype == np.uint8
    corner = images[:, :1, :1]
    plain = (images == corner).all(axis=-1)
    assert (plain[parts == PARTS.index("background")]).mean() > 0.97, "but for pixels of an edge"
    assert plain[parts != PARTS.index("background")].mean() < 0.01
    shown = {name: parts == PARTS.index(name) for name in PARTS}
    dark = images.sum(axis=-1)
    assert dark[shown["tire"]].mean() < dark[shown["car_body"]].mean() / 2
    assert dark[shown["windshield"]].mean() < dark[shown["roof"]].mean()
    rows = np.arange(64)[None, :, None] * np.ones_like(parts)
    assert rows[shown["tire"]].mean() > rows[shown["door"]].mean() > rows[shown["roof"]].mean(), "rows go down"


def test_every_triangle_is_a_part() -> None:
    for kind in range(5):
        mesh = build(draw_car(np.random.default_rng(kind), kind))
        assert len(mesh.parts()) == len(mesh.arrays()[0])
        assert {PARTS[number] for number in mesh.parts()} == set(PARTS) - {"background"}


def test_keypoints_lie_on_their_parts(drawn: Content) -> None:
    assert drawn.classes["keypoints"] == KEYPOINTS
    points, parts = drawn.truth["keypoints"], drawn.truth["parts"]
    assert points.shape == (40, len(KEYPOINTS), 3)
    wanted = {"wheel": ("wheelhub", "tire"), "light": ("car_lights",)}
    hits = dict.fromkeys(wanted, (0, 0))
    for own, part in zip(points, parts, strict=True):
        for name, (x, y, seen) in zip(KEYPOINTS, own, strict=True):
            kind = name.rpartition("_")[2]
            if seen and kind in wanted:
                shown = part[round(float(y)) - 1 : round(float(y)) + 2, round(float(x)) - 1 : round(float(x)) + 2]
                hit = np.isin(shown, [PARTS.index(one) for one in wanted[kind]]).any()
                hits[kind] = (hits[kind][0] + int(hit), hits[kind][1] + 1)
    for right, count in hits.values():
        assert count > 30
        assert right > 0.9 * count


def test_the_far_wheels_are_hidden() -> None:
    shot = next(iter(ShapeNetCarsStandIn.open("smoke").shots()))
    for azimuth, hidden in ((60.0, "right"), (-60.0, "left")):
        [points] = rendered([replace(shot, azimuth=azimuth, elevation=5.0)], 64).keypoints
        for name, (x, y, seen) in zip(KEYPOINTS, points, strict=True):
            if name.endswith("wheel"):
                assert (seen == 0) == name.startswith(hidden), name
                assert seen or (x, y) == (0, 0)


def test_keypoints_are_where_they_are_at_every_size() -> None:
    some = list(ShapeNetCarsStandIn.open("smoke").shots())[:5]
    small, large = rendered(some, 32).keypoints, rendered(some, 128).keypoints
    seen = (small[..., 2] > 0) & (large[..., 2] > 0)
    assert seen.mean() > 0.7
    # The rasteriser has the middle of the camera's image half a pixel before that of its own.
    np.testing.assert_allclose((small[seen, :2] + 0.5) / 31, (large[seen, :2] + 0.5) / 127, atol=1e-5)
