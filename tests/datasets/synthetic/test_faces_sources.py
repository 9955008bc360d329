"""The stand-ins have their counterparts' shape, and their subsets are parts of the whole."""

from itertools import islice

import numpy as np
import pytest

from datasets import tv
from datasets.base import Silent
from datasets.errors import BenchError
from datasets.synthetic.faces.beyond import FIELD_OF_VIEW, NEAR
from datasets.synthetic.faces.parameters import Camera, Identity
from datasets.synthetic.sources import (
    SIZES,
    BBTStandIn,
    BuffyStandIn,
    FacesTruth,
    FacesTruthUnmatched,
    StandIn,
    TracksStandIn,
    UTKFaceStandIn,
)
from datasets.synthetic.tracks import BBT, BUFFY, FRAMES, Series

ALL = (UTKFaceStandIn, BBTStandIn, BuffyStandIn, FacesTruth, FacesTruthUnmatched)


def test_published_counts() -> None:
    assert dict(zip([p.name for p in BBT.cast], np.bincount(BBT.labels), strict=True)) == {
        "howard": 42,
        "leonard": 253,
        "penny": 111,
        "raj": 26,
        "sheldon": 212,
    }
    assert dict(zip([p.name for p in BUFFY.cast], np.bincount(BUFFY.labels), strict=True)) == {
        "xander": 70,
        "buffy": 193,
        "dawn": 155,
        "anya": 33,
        "willow": 53,
        "giles": 64,
    }
    assert (BBT.tracks, BUFFY.tracks) == (644, 568)
    assert len(UTKFaceStandIn.open("full")) == 23_708


@pytest.mark.parametrize(("series", "real"), [(BBT, tv.BBT), (BUFFY, tv.Buffy)])
def test_classes_are_the_real_datasets(series: Series, real: type[tv.Series]) -> None:
    assert tuple(person.name for person in series.cast) == real.people


@pytest.mark.parametrize("kind", [BBTStandIn, BuffyStandIn])
def test_tracks(kind: type[TracksStandIn]) -> None:
    source = kind.open("smoke")
    content = source.read(16, Silent())
    tracks, frames = SIZES[source.name]["smoke"]
    assert content.images.shape == (tracks * frames, 16, 16, 3)
    assert content.tracks is not None
    assert np.array_equal(content.tracks, np.repeat(np.arange(tracks), frames))
    assert len(set(content.track_names)) == tracks
    labels = content.labels["identity"].reshape(tracks, frames)
    assert np.all(labels == labels[:, :1])
    assert set(np.unique(labels)) == set(range(len(source.series.cast)))
    assert set(content.truth) == {"light", "view"}
    assert source.label == f"{source.name}[synthetic]"


def test_reading_again_gives_the_same_bits() -> None:
    first, again = (UTKFaceStandIn.open("smoke").read(16, Silent()) for _ in range(2))
    assert np.array_equal(first.images, again.images)
    assert first.labels == {}
    assert len({image.tobytes() for image in first.images}) == len(first.images)


def test_subsets_are_parts_of_the_whole() -> None:
    smoke, mini, full = (UTKFaceStandIn.open(name) for name in ("smoke", "mini", "full"))
    assert list(smoke.faces()) == list(islice(mini.faces(), len(smoke))) == list(islice(full.faces(), len(smoke)))
    some = BBT.frames(7)
    assert len(some) == FRAMES
    assert BBT.frames(7, (1, 5, 8)) == [some[1], some[5], some[8]]
    mini_tracks = BBTStandIn.open("mini")
    assert mini_tracks.chosen == list(range(644))
    assert mini_tracks.wanted == (1, 5, 8)


def test_motion_within_a_track_is_smooth() -> None:
    step, spread = [], []
    for track in range(0, 644, 23):
        angles = np.array([(f.view.rx, f.view.ry, f.view.rz) for f in BBT.frames(track)])
        step.append(np.abs(np.diff(angles, axis=0)).max())
        spread.append(angles[0, 1])
        assert len({f.identity for f in BBT.frames(track)}) == 1
        assert len({f.light for f in BBT.frames(track)}) == 1
    assert np.median(step) > 0.01
    assert max(step) < 0.3
    assert np.std(spread) > 0.25  # views vary more between tracks


def test_scenes_share_their_light_and_differ_from_one_another() -> None:
    frames = {track: BBT.frames(track, (0,))[0] for track in (0, 1, 2, 300, 301)}
    assert BBT.scene(0) == BBT.scene(2) != BBT.scene(300) == BBT.scene(301)
    assert frames[0].light.ambient == frames[1].light.ambient != frames[300].light.ambient
    assert frames[0].surroundings.blobs == frames[2].surroundings.blobs != frames[301].surroundings.blobs
    scenes = [BBT.scene(track) for track in range(BBT.tracks)]
    assert len(set(scenes)) == BBT.scenes
    people = {(scene, label) for scene, label in zip(scenes, BBT.labels, strict=True)}
    assert len(people) > 3 * BBT.scenes  # a scene is no clue to the person


def test_nobody_is_in_two_datasets() -> None:
    strangers = {who(face.identity) for face in islice(UTKFaceStandIn.open("full").faces(), 300)}
    cast = {who(person) for person in (*BBT.people, *BUFFY.people)}
    assert len(cast) == 11
    assert not cast & strangers
    truth = [{who(face.identity) for face in kind.open("smoke").faces()} for kind in (FacesTruth, FacesTruthUnmatched)]
    assert truth[0] == truth[1], "but for the two worlds of one"
    assert not truth[0] & (cast | strangers)


def who(person: Identity) -> tuple[object, ...]:
    """What a person is known by in either world."""
    return person.texture, person.skin, person.hair, person.eye_x, person.mouth_y


@pytest.mark.parametrize("kind", ALL)
def test_worlds(kind: type[StandIn]) -> None:
    """Only `faces_truth` shows PDR's own world, and all say which is theirs."""
    faces = list(islice(kind.open("smoke").faces(), 20))
    matched = kind is FacesTruth
    assert {face.camera for face in faces} == {Camera() if matched else NEAR}
    for face in faces:
        beyond = (face.light.second, face.light.shadow, face.identity.shine, abs(face.identity.hair_uneven))
        assert all(value == 0 if matched else value > 0 for value in beyond)
    assert any(face.identity.hair_uneven < 0 for face in faces) != matched
    assert any(face.identity.hair_uneven > 0 for face in faces) != matched
    own = "in PDR's own world: a 10 degree camera" if matched else "with what PDR does not model: a 30 degree camera"
    assert kind.world.startswith(own)


def test_pdrs_own_world_has_not_changed() -> None:
    """Bits of the drawing: numbers of `truth` and `disentanglement` rest on them."""
    content = FacesTruth.open("smoke").read(32, Silent())
    sums = [int(content.images[index].astype(np.int64).sum()) for index in (0, 7, 31)]
    assert sums == [217523, 369637, 318169]


def test_the_two_worlds_show_the_same_scenes() -> None:
    """Pairs of images: the same person does the same, turned alike, the first light from where it was."""
    for ours, theirs in zip(FacesTruth.open("smoke").faces(), FacesTruthUnmatched.open("smoke").faces(), strict=True):
        assert who(ours.identity) == who(theirs.identity)
        assert ours.expression == theirs.expression
        assert ours.surroundings == theirs.surroundings
        assert (ours.view.rx, ours.view.ry, ours.view.rz) == (theirs.view.rx, theirs.view.ry, theirs.view.rz)
        assert (ours.light.direction, ours.light.diffuse) == (theirs.light.direction, theirs.light.diffuse)


@pytest.mark.parametrize("kind", [FacesTruth, FacesTruthUnmatched])
def test_complete_truth(kind: type[FacesTruth]) -> None:
    content = kind.open("smoke").read(16, Silent())
    count = SIZES["faces_truth"]["smoke"][0]
    shapes = {name: values.shape for name, values in content.truth.items()}
    if kind is FacesTruthUnmatched:
        assert shapes.pop("field_of_view") == (count,)
        assert set(content.truth["field_of_view"]) == {FIELD_OF_VIEW}
    assert shapes == {
        "light": (count, 5),
        "view": (count, 6),
        "depth": (count, 16, 16),
        "normal": (count, 16, 16, 3),
        "albedo": (count, 16, 16, 3),
        "coverage": (count, 16, 16),
        "part": (count, 16, 16),
        "factors": (count, len(content.classes["factors"])),
    }
    assert content.labels["attributes"].shape == (count, 40)
    assert content.labels["emotion"].shape == (count,)
    assert len(content.classes["part"]) == 19


@pytest.mark.parametrize("kind", ALL)
def test_fingerprints_tell_subsets_apart(kind: type[StandIn]) -> None:
    prints = [kind.open(subset).fingerprint() for subset in ("smoke", "mini", "full")]
    assert prints[0] == kind.open("smoke").fingerprint()
    assert prints[0] != prints[1] != prints[2]


def test_unknown_subset() -> None:
    with pytest.raises(BenchError, match=r"bbt\[synthetic\] has no subset 'tiny': expected one of smoke, mini, full"):
        BBTStandIn.open("tiny")
