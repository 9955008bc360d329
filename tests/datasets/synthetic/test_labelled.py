"""Stand-ins for emotions, attributes, parts, lights and views: what they say is what was drawn."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from bench.grid.catalogue import DATASETS
from bench.grid.request import Options
from bench.pipeline.data import open_source
from datasets.base import Content, Silent
from datasets.celebamask import PARTS
from datasets.rafdb import EMOTIONS
from datasets.synthetic.faces.acting import show
from datasets.synthetic.faces.beyond import NEAR
from datasets.synthetic.faces.parameters import Face
from datasets.synthetic.faces.render import render
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.faces.scenes import view_of
from datasets.synthetic.labelled import PARTS_OF, CelebAMaskStandIn, CelebAStandIn, RAFDBStandIn
from datasets.synthetic.sources import StandIn
from datasets.synthetic.sweeps import LIGHTS, ViewSweepStandIn, YaleBStandIn

STAND_INS: tuple[type[StandIn], ...] = (
    RAFDBStandIn,
    CelebAStandIn,
    CelebAMaskStandIn,
    YaleBStandIn,
    ViewSweepStandIn,
)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Content]:
    return {kind.name: kind.open("smoke").read(32, Silent()) for kind in STAND_INS}


def test_each_is_registered_under_its_name_and_marked() -> None:
    request = Options(methods="pdr", tasks="bbt", profile="smoke").request()
    for kind in STAND_INS:
        source = open_source(DATASETS.get(kind.name), request.data_root, request.profile.subset)
        assert isinstance(source, kind)
        assert source.label == f"{kind.name}[synthetic]"


def test_what_has_no_real_counterpart_is_drawn_beside_real_data_too(tmp_path) -> None:
    request = Options(methods="pdr", tasks="bbt", profile="smoke", data_root=tmp_path).request()
    assert (
        open_source(DATASETS.get("view_sweep"), request.data_root, request.profile.subset).label
        == "view_sweep[synthetic]"
    )


def test_a_second_drawing_has_the_same_bits(drawn: dict[str, Content]) -> None:
    for kind in STAND_INS:
        again = kind.open("smoke").read(32, Silent())
        assert np.array_equal(again.images, drawn[kind.name].images), kind.name


@pytest.mark.parametrize("kind", STAND_INS)
def test_tasks_show_what_pdr_does_not_model(kind: type[StandIn]) -> None:
    for face in kind.open("smoke").faces():
        assert face.camera == NEAR
        assert face.light.shadow > 0
        assert (face.light.second > 0) == (kind is not YaleBStandIn), "one flash at a time"
        assert face.identity.shine > 0
        assert face.identity.hair_uneven != 0
        assert face.identity.hair_sweep != 0


def start_of_mini(source: StandIn) -> list[Face]:
    """Faces of the `mini` subset of a `smoke` source: where it has parts, as many of each as `smoke` has, else all."""
    mini = type(source).open("mini")
    if isinstance(source, (CelebAStandIn, CelebAMaskStandIn)):
        counts = {"train": source.parts.train, "test": source.parts.test}
        return [mini.face(part, index) for part, count in counts.items() for index in range(count)]
    return list(mini.faces())


@pytest.mark.parametrize("kind", STAND_INS)
def test_images_of_a_smaller_subset_have_the_same_bits_in_the_larger(
    kind: type[StandIn], drawn: dict[str, Content]
) -> None:
    smoke = list(kind.open("smoke").faces())
    mini = start_of_mini(kind.open("smoke"))
    place = {face: index for index, face in enumerate(mini)}
    assert len(place) == len(mini), "no image twice"
    assert not set(smoke) - set(place)
    for index in range(0, len(smoke), len(smoke) // 8):
        start = max(place[smoke[index]] - 2, 0)
        company = mini[start : start + 5]
        images = kind.open("mini").columns(company, render(company, 32))["images"]
        assert np.array_equal(images[company.index(smoke[index])], drawn[kind.name].images[index])


def test_rafdb_mini_is_a_part_of_the_whole() -> None:
    mini, full = RAFDBStandIn.open("mini"), RAFDBStandIn.open("full")
    for index in (0, 1, 400, 799):
        assert mini.face("test", index) == full.face("test", index * 3068 // 800)
        assert mini.face("train", index) == full.face("train", index * 12_271 // 3200)
        assert mini.face("train", index) != mini.face("test", index)


def test_a_person_has_one_number_in_every_subset(drawn: dict[str, Content]) -> None:
    smoke, mini = CelebAStandIn.open("smoke").parts, CelebAStandIn.open("mini")
    numbers = mini.content(np.zeros((len(mini), 8, 8, 3), np.uint8), {}).labels["identity"]
    ours = [*numbers[: smoke.train], *numbers[mini.parts.train : mini.parts.train + smoke.test]]
    assert drawn["celeba"].labels["identity"].tolist() == ours
    assert len(set(numbers.tolist())) == len(mini) / CelebAStandIn.images_each


@pytest.mark.parametrize("name", PARTS_OF)
def test_parts_of_the_split_have_their_sizes(name: str, drawn: dict[str, Content]) -> None:
    content = drawn[name]
    assert content.classes["split"] == ("train", "val", "test")
    sizes = np.bincount(content.labels["split"], minlength=3)
    assert tuple(sizes) == (PARTS_OF[name]["smoke"].train, 0, PARTS_OF[name]["smoke"].test)


def test_emotions_occur_in_the_published_proportions(drawn: dict[str, Content]) -> None:
    content = drawn["rafdb"]
    assert content.classes["emotion"] == EMOTIONS
    assert set(np.unique(content.labels["emotion"])) == set(range(7)), "all of them even in the smallest subset"
    full = PARTS_OF["rafdb"]["full"]
    for part, size in (("train", full.train), ("test", full.test)):
        counts = RAFDBStandIn.counts[part]
        assert sum(counts) == size == {"train": 12_271, "test": 3068}[part]
        whole, last = RAFDBStandIn.open("full"), (np.cumsum(counts) - 1).tolist()
        assert [int(whole.face(part, index).expression.emotion) for index in last] == list(range(7))
        assert [int(whole.face(part, index + 1).expression.emotion) for index in last[:-1]] == list(range(1, 7))
        mini = RAFDBStandIn.open("mini")
        few = getattr(PARTS_OF["rafdb"]["mini"], part)
        labels = [int(mini.face(part, index).expression.emotion) for index in range(few)]
        shares = np.bincount(labels, minlength=7) / few
        assert shares == pytest.approx(np.array(counts) / size, abs=0.002)


def test_emotions_move_what_others_leave() -> None:
    """By the expression alone every emotion differs from every other where the face shows it."""
    someone = next(iter(RAFDBStandIn.open("smoke").faces()))
    bare = replace(someone, identity=replace(someone.identity, glasses=0.0, hat=0.0, hair_line=1.1), view=view_of(0.0))
    shown = render([replace(bare, expression=show(name, 0.6)) for name in EMOTIONS], 64)
    for first in range(7):
        for second in range(first):
            apart = np.abs(shown.image[first].astype(int) - shown.image[second]).max(axis=-1) > 20
            assert apart.sum() > 60, (EMOTIONS[first], EMOTIONS[second], apart.sum())
    # Geometry, not paint alone.
    relief = np.abs(shown.depth - shown.depth[EMOTIONS.index("neutral")]).max(axis=(1, 2))
    assert (relief[: EMOTIONS.index("neutral")] > 0.001).all()
    colour = shown.albedo.mean(axis=(1, 2))
    assert np.ptp(colour, axis=0).max() < 0.02, "no colour tells them"


def test_a_neighbour_in_pixels_knows_more_than_chance() -> None:
    """Five nearest neighbours among 7 x 70 training images, as many of each emotion."""
    source, each = RAFDBStandIn.open("full"), 70
    faces = []
    for part in ("train", "test"):
        first = np.cumsum((0, *RAFDBStandIn.counts[part]))
        faces += [source.face(part, int(first[kind]) + index) for kind in range(7) for index in range(each)]
    images = render(faces, 64).image.reshape(len(faces), -1).astype(np.float32)
    labels = np.repeat(np.arange(7), each)
    found = KNeighborsClassifier(5).fit(images[: 7 * each], labels).predict(images[7 * each :])
    # Guessing stays below that in 99.9 % of all samples of 490.
    assert (found == labels).mean() > 1 / 7 + 0.05


def test_attributes_are_those_of_the_people(drawn: dict[str, Content]) -> None:
    content = drawn["celeba"]
    names = content.classes["attributes"]
    assert len(names) == content.labels["attributes"].shape[1] == 40
    identity = content.labels["identity"]
    assert np.bincount(identity).max() == CelebAStandIn.images_each
    for name in ("Male", "Eyeglasses", "Bald", "Wearing_Hat"):  # these do not change from image to image
        column = content.labels["attributes"][:, names.index(name)]
        assert all(len(set(column[identity == person])) == 1 for person in np.unique(identity)), name
    train = content.labels["split"] == 0
    assert not set(identity[train]) & set(identity[~train]), "other people in training than in test"


@pytest.fixture(scope="module")
def portraits() -> tuple[Content, Rendered]:
    """CelebA's stand-in, and the same faces with everything that the renderer knows."""
    source = CelebAStandIn.open("smoke")
    return source.read(64, Silent()), render(list(source.faces()), 64)


def seen(drawn: Rendered, part: str) -> np.ndarray:
    """The number of pixels of a part in each image."""
    return (drawn.part == PARTS.index(part)).sum(axis=(1, 2))


def test_attributes_are_seen_in_the_images(portraits: tuple[Content, Rendered]) -> None:
    content, drawn = portraits
    assert np.array_equal(content.images, drawn.image)
    names = content.classes["attributes"]
    has = {name: column == 1 for name, column in zip(names, content.labels["attributes"].T, strict=True)}
    assert np.array_equal(has["Eyeglasses"], seen(drawn, "eye_g") > 0)
    assert np.array_equal(has["Wearing_Hat"], seen(drawn, "hat") > 0)
    assert np.array_equal(has["Bald"], seen(drawn, "hair") == 0)
    assert not seen(drawn, "neck_l")[~has["Wearing_Necklace"]].any()
    assert not seen(drawn, "ear_r")[~has["Wearing_Earrings"]].any()
    assert seen(drawn, "mouth")[has["Mouth_Slightly_Open"]].min() > 0
    assert seen(drawn, "mouth")[~has["Mouth_Slightly_Open"]].mean() < 3
    for name, part, brighter in (
        ("Blond_Hair", "hair", True),
        ("Black_Hair", "hair", False),
        ("Pale_Skin", "skin", True),
    ):
        chosen = has[name] & (seen(drawn, part) > 0)
        others = ~has[name] & (seen(drawn, part) > 0)
        values = [brightness(drawn, part, rows) for rows in (chosen, others)]
        assert values[0].size, name
        assert (values[0].mean() > values[1].mean()) == brighter, name
    darkest_blond = brightness(drawn, "hair", has["Blond_Hair"] & (seen(drawn, "hair") > 0)).min()
    assert brightness(drawn, "hair", has["Black_Hair"] & (seen(drawn, "hair") > 0)).max() < darkest_blond


def brightness(drawn: Rendered, part: str, rows: Sequence[bool] | np.ndarray) -> np.ndarray:
    """Mean albedo of a part in each of the images `rows`."""
    where = drawn.part[rows] == PARTS.index(part)
    return (drawn.albedo[rows].mean(axis=-1) * where).sum(axis=(1, 2)) / where.sum(axis=(1, 2))


def test_glasses_are_seen_where_the_parts_say_so() -> None:
    content = CelebAMaskStandIn.open("smoke").read(64, Silent())
    assert content.classes["parts"] == PARTS
    parts = content.truth["parts"]
    assert parts.dtype == np.uint8
    assert parts.max() < len(PARTS)
    wearing = np.array([face.identity.glasses > 0.5 for face in CelebAMaskStandIn.open("smoke").faces()])
    glasses = (parts == PARTS.index("eye_g")).any(axis=(1, 2))
    assert 0 < wearing.sum() < len(wearing)
    assert np.array_equal(glasses, wearing)
    assert (parts == PARTS.index("skin")).any(axis=(1, 2)).all()


def test_parts_are_named_from_the_persons_side() -> None:
    parts = CelebAMaskStandIn.open("smoke").read(64, Silent()).truth["parts"]
    compared = 0
    for one in parts:
        left, right = (np.nonzero(one == PARTS.index(name))[1] for name in ("l_brow", "r_brow"))
        if left.size and right.size:
            assert left.mean() > right.mean(), "the person's left is on the image's right"
            compared += 1
    assert compared > len(parts) / 2


def test_lights_are_those_of_extended_yale_b(drawn: dict[str, Content]) -> None:
    assert len(set(LIGHTS)) == 64
    assert {(-azimuth, elevation) for azimuth, elevation in LIGHTS} == set(LIGHTS)
    # The five subsets are by the angle to the camera's axis.
    angles = [
        math.degrees(math.acos(math.cos(math.radians(azimuth)) * math.cos(math.radians(elevation))))
        for azimuth, elevation in YaleBStandIn.open("smoke").steps
    ]
    assert np.histogram(angles, [0, 12.01, 25.01, 50.01, 77.01, 180])[0].min() > 0


def test_the_light_falls_from_where_the_truth_says(drawn: dict[str, Content]) -> None:
    content = drawn["yaleb"]
    assert (content.images == content.images[..., :1]).all(), "grey"
    light = content.truth["light"]
    assert light.shape == (len(content.images), 2)
    assert light.dtype == np.float32
    assert [tuple(row) for row in light[:16].tolist()] == list(YaleBStandIn.open("smoke").steps)
    # A positive azimuth is on the image's left, as in the real dataset.
    halves = content.images.astype(float).mean(axis=(1, 3))
    lean = halves[:, 16:].mean(axis=1) - halves[:, :16].mean(axis=1)
    aside = np.abs(light[:, 0]) >= 25
    assert np.array_equal(np.sign(lean[aside]), -np.sign(light[aside, 0]))
    faces = render(list(YaleBStandIn.open("smoke").faces()), 8)
    assert len({tuple(row[:2]) for row in faces.light.tolist()}) == 1, "one flash"
    assert not faces.view[:, :3].any(), "from the front"


def test_views_turn_from_left_to_right(drawn: dict[str, Content]) -> None:
    content = drawn["view_sweep"]
    pitch, yaw, roll = np.degrees(content.truth["view"][:, :3]).T
    # rotation about the axis that points down turns the head to the left
    assert yaw == pytest.approx(np.tile(np.arange(60, -61, -15), 4), abs=1e-4)
    assert 0 < np.abs(pitch).max() <= 10
    assert not roll.any()
    assert np.unique(content.truth["light"], axis=0).shape[0] == 1, "one light for all"
    assert np.array_equal(content.labels["identity"], np.repeat(np.arange(4), 9))
    people = [face.identity for face in ViewSweepStandIn.open("smoke").faces()]
    assert len(set(people)) == 4
    assert all(len(set(people[start : start + 9])) == 1 for start in range(0, 36, 9))
