"""Stand-ins for emotions, attributes, parts, lights and views: what they say is what was drawn."""

import re

import numpy as np
import pytest

from bench.catalogue import DATASETS
from bench.data import open_source
from bench.request import parse_request
from datasets.base import Content, Silent
from datasets.celebamask import PARTS
from datasets.rafdb import EMOTIONS
from datasets.synthetic.labelled import PARTS_OF, CelebAMaskStandIn, CelebAStandIn, RAFDBStandIn
from datasets.synthetic.sources import StandIn
from datasets.synthetic.sweeps import LIGHTS, ViewSweepStandIn, YaleBStandIn
from datasets.yaleb import _PATTERN

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
    request = parse_request(methods="pdr", tasks="bbt", profile="smoke")
    for kind in STAND_INS:
        source = open_source(DATASETS.get(kind.name), request)
        assert isinstance(source, kind)
        assert source.label == f"{kind.name}[synthetic]"


def test_what_has_no_real_counterpart_is_drawn_beside_real_data_too(tmp_path) -> None:
    request = parse_request(methods="pdr", tasks="bbt", profile="smoke", data_root=tmp_path)
    assert open_source(DATASETS.get("view_sweep"), request).label == "view_sweep[synthetic]"


def test_a_second_drawing_has_the_same_bits(drawn: dict[str, Content]) -> None:
    for kind in STAND_INS:
        again = kind.open("smoke").read(32, Silent())
        assert np.array_equal(again.images, drawn[kind.name].images), kind.name


def test_images_of_a_smaller_subset_are_images_of_the_whole() -> None:
    for kind in (CelebAStandIn, CelebAMaskStandIn):
        smoke, whole = kind.open("smoke"), kind.open("full")
        assert [smoke.face(part, 3) for part in ("train", "test")] == [
            whole.face(part, 3) for part in ("train", "test")
        ]
    for sweep in (YaleBStandIn, ViewSweepStandIn):
        some, more = list(sweep.open("smoke").faces()), list(sweep.open("mini").faces())
        assert all(any(face == other for other in more) for face in some[:: len(some) // 8]), sweep.name
    assert RAFDBStandIn.open("smoke").face("test", 5) == RAFDBStandIn.open("full").face("test", 5 * 3068 // 48)


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
    assert sum(RAFDBStandIn.counts) == PARTS_OF["rafdb"]["full"].test == 3068
    whole, last = RAFDBStandIn.open("full"), (np.cumsum(RAFDBStandIn.counts) - 1).tolist()
    assert [int(whole.face("test", index).expression.emotion) for index in last] == list(range(7))
    assert [int(whole.face("test", index + 1).expression.emotion) for index in last[:-1]] == list(range(1, 7))


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


def test_glasses_are_seen_where_the_parts_say_so() -> None:
    content = CelebAMaskStandIn.open("smoke").read(64, Silent())
    assert content.classes["parts"] == PARTS
    parts = content.truth["parts"]
    assert parts.dtype == np.uint8
    assert parts.max() < len(PARTS)
    wearing = np.array([face.identity.glasses > 0.5 for face in CelebAMaskStandIn.open("smoke").faces()])
    seen = (parts == PARTS.index("eye_g")).any(axis=(1, 2))
    assert 0 < wearing.sum() < len(wearing)
    assert np.array_equal(seen, wearing)
    assert (parts == PARTS.index("skin")).any(axis=(1, 2)).all()


def test_lights_are_those_of_extended_yale_b(drawn: dict[str, Content]) -> None:
    assert len(set(LIGHTS)) == 64
    for azimuth, elevation in LIGHTS:
        name = f"yaleB01_P00A{int(azimuth):+04d}E{int(elevation):+03d}.pgm"
        assert re.fullmatch(_PATTERN, name), name
    content = drawn["yaleb"]
    assert (content.images == content.images[..., :1]).all(), "grey"
    light = content.truth["light"]
    assert light.shape == (len(content.images), 2)
    # From the right: the right half of the face is the brighter one.
    halves = content.images.astype(float).mean(axis=(1, 3))
    lean = halves[:, 16:].mean(axis=1) - halves[:, :16].mean(axis=1)
    aside = np.abs(light[:, 0]) >= 25
    assert (np.sign(lean[aside]) == np.sign(light[aside, 0])).mean() > 0.9


def test_views_turn_from_left_to_right(drawn: dict[str, Content]) -> None:
    content = drawn["view_sweep"]
    yaw = np.degrees(content.truth["view"][:, 1])
    assert yaw.min() == pytest.approx(-60, abs=7)
    assert yaw.max() == pytest.approx(60, abs=7)
    assert np.unique(content.truth["light"], axis=0).shape[0] == 1, "one light for all"
    assert np.bincount(content.labels["identity"]).tolist() == [9] * 4
