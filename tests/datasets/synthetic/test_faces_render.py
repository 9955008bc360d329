"""Drawn faces are deterministic, and their ground truth is that of their pixels."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from datasets.synthetic.faces import render as module
from datasets.synthetic.faces.acting import EQUAL, act
from datasets.synthetic.faces.beyond import FIELD_OF_VIEW, NEAR, beyond, near
from datasets.synthetic.faces.keypoints import KEYPOINTS
from datasets.synthetic.faces.parameters import Camera, Face
from datasets.synthetic.faces.parts import LEFT_EYE, LOWER_LIP, MOUTH, NOSE, PARTS, RIGHT_EYE, SKIN, UPPER_LIP
from datasets.synthetic.faces.render import render
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.faces.scenes import TEST_LIGHT, light_from, view_of
from datasets.synthetic.sources import stranger
from methods.rendering.scene import DepthRenderer

World = Callable[[Face], Face]


def matched(face: Face) -> Face:
    return face


def unmatched(face: Face) -> Face:
    return beyond(face, "test")


BOTH = pytest.mark.parametrize("world", [matched, unmatched])


def faces(count: int, world: World = matched) -> list[Face]:
    return [world(stranger("test", index, EQUAL, TEST_LIGHT)) for index in range(count)]


def plain(face: Face) -> Face:
    """The face from the front, at rest, lit from the camera, without what hides it."""
    bare = replace(face.identity, glasses=0.0, hat=0.0, hair_part=0.0)
    view = view_of(0.0) if face.camera == Camera() else near(view_of(0.0))
    return replace(face, identity=bare, expression=act("neutral", 1.0), view=view, light=light_from(0.4, 0.5, 0.0, 0.0))


def equal(a: Rendered, b: Rendered) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))


@pytest.fixture(scope="module")
def drawn() -> Rendered:
    return render(faces(40), 64)


@BOTH
def test_bits_do_not_depend_on_company_chunks_or_threads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    together = render(faces(5, world), 64)
    alone = [render([face], 64) for face in faces(5, world)]
    for name, values in vars(together).items():
        assert np.array_equal(values, np.concatenate([getattr(one, name) for one in alone])), name
    monkeypatch.setattr(module, "CHUNK", 2)
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            assert equal(together, render(faces(5, world), 64))
    finally:
        torch.set_num_threads(threads)


@BOTH
@pytest.mark.parametrize("size", [33, 64, 128])
def test_ranges(size: int, world: World) -> None:
    out = render(faces(3, world), size)
    assert out.image.shape == (3, size, size, 3)
    covered = out.coverage > 0
    assert 0.3 < covered.mean() < 1.0
    assert out.coverage.min() == 0.0
    assert out.coverage.max() == 1.0
    camera, low, high = (Camera(), 0.85, 1.15) if world is matched else (NEAR, 0.6, 1.4)
    assert np.all(out.depth[~covered] == np.float32(camera.empty_depth))
    assert low < out.depth[covered].min() < out.depth[covered].max() < high
    assert np.allclose(np.linalg.norm(out.normal[covered], axis=-1), 1.0, atol=1e-5)
    assert out.normal[covered][:, 2].min() >= 0.0
    assert np.all(out.normal[~covered] == 0)
    assert np.all(out.albedo[~covered] == 0)
    assert 0.0 <= out.albedo.min() < out.albedo.max() <= 1.0
    assert np.all(out.part[~covered] == 0)
    assert np.allclose(np.linalg.norm(out.light[:, 2:], axis=1), 1.0, atol=1e-6)


def shaded(out: Rendered) -> np.ndarray:
    facing = np.einsum("nijk,nk->nij", out.normal, out.light[:, 2:])
    shading = out.light[:, 0, None, None] + out.light[:, 1, None, None] * np.maximum(facing, 0.0)
    return np.minimum(out.albedo * shading[..., None], 1.0) * 255.0


def lambert_alone(face: Face) -> Face:
    """The face without what is beyond PDR in its light and its skin; the camera and the hair stay."""
    light = replace(face.light, second=0.0, shadow=0.0)
    return replace(face, light=light, identity=replace(face.identity, shine=0.0))


@BOTH
def test_image_is_albedo_times_shading(world: World) -> None:
    exact = render([lambert_alone(face) for face in faces(6, world)], 64, samples_across=1)
    whole = exact.coverage == 1
    assert np.abs(shaded(exact) - exact.image)[whole].max() < 0.51  # rounding to whole numbers
    smooth = render([lambert_alone(face) for face in faces(6, world)], 64)
    whole = smooth.coverage == 1
    error = np.abs(shaded(smooth) - smooth.image)[whole]
    assert error.mean() < 1.0
    assert np.quantile(error, 0.95) < 3.0


def renderer(size: int, world: World) -> DepthRenderer:
    """Unsup3D's, with the world's camera."""
    if world is matched:
        return DepthRenderer(size)
    return DepthRenderer(size, fov=FIELD_OF_VIEW, min_depth=0.7, max_depth=1.4)


@BOTH
def test_normals_are_those_of_the_depth(world: World) -> None:
    size = 128
    out = render([plain(face) for face in faces(6, world)], size, samples_across=1)
    from_depth = renderer(size, world).normals(torch.from_numpy(out.depth)).numpy()
    from_depth /= np.linalg.norm(from_depth, axis=-1, keepdims=True)  # Unsup3D's are a little short
    skin = np.isin(out.part, (SKIN, NOSE))
    inner = np.zeros_like(skin)
    inner[:, 1:-1, 1:-1] = skin[:, 2:, 1:-1] & skin[:, :-2, 1:-1] & skin[:, 1:-1, 2:] & skin[:, 1:-1, :-2]
    angle = np.degrees(np.arccos(np.clip((from_depth * out.normal).sum(-1)[inner], -1, 1)))
    assert np.median(angle) < 4.0
    assert np.mean(angle) < 8.0


@BOTH
@pytest.mark.parametrize("view", [(0.0, 0.3, 0.0, 0.0, 0.0, 0.0), (0.15, -0.2, 0.1, 0.01, -0.006, 0.0)])
def test_view_is_the_renderers(view: tuple[float, ...], world: World) -> None:
    """Unsup3D's renderer, moving the frontal depth by the true view, finds the depth that was drawn."""
    size = 96
    face = plain(faces(1, world)[0])
    relief = face.camera.unit / Camera().unit
    frontal = replace(face, view=replace(face.view, rx=0.0, ry=0.0, rz=0.0, tx=0.0, ty=0.0, tz=0.0))
    moved = replace(face, view=type(face.view)(*view))
    out = render([frontal, moved], size)
    warped = renderer(size, world).warp(torch.from_numpy(out.depth[:1]), torch.tensor([view]))[0].numpy()
    skin = np.isin(out.part[1], (SKIN, NOSE)) & (warped < 1.0 + 0.1 * relief)
    assert skin.mean() > 0.1
    error = np.abs(warped - out.depth[1])[skin]
    assert np.median(error) < 0.001 * relief  # of a relief of about 0.1
    unmoved = np.abs(out.depth[0] - out.depth[1])[skin]
    assert np.median(error) < 0.25 * np.median(unmoved)


@BOTH
def test_light_from_the_left_lights_the_left(world: World) -> None:
    face = plain(faces(1, world)[0])
    left, above = (
        render([replace(face, light=light_from(0.2, 0.6, a, e)) for a, e in ((-60.0, 0.0), (0.0, 60.0))], 64)
        .image.astype(float)
        .mean(-1)
    )
    assert left[:, 16:30].mean() > 1.2 * left[:, 34:48].mean()
    assert abs(above[20:50, 16:30].mean() / above[20:50, 34:48].mean() - 1.0) < 0.1


def test_a_second_light_adds_its_own() -> None:
    """Exact for each sample, as the first light."""
    whole_light = [replace(face.light, shadow=0.0) for face in faces(4, unmatched)]
    matt = [
        replace(face, identity=replace(face.identity, shine=0.0), light=light)
        for face, light in zip(faces(4, unmatched), whole_light, strict=True)
    ]
    out = render(matt, 64, samples_across=1)
    second = np.array([light.second for light in whole_light])[:, None, None]
    facing = np.einsum("nijk,nk->nij", out.normal, np.array([light.second_direction for light in whole_light]))
    first = np.einsum("nijk,nk->nij", out.normal, out.light[:, 2:])
    shading = out.light[:, 0, None, None] + out.light[:, 1, None, None] * np.maximum(first, 0.0)
    expected = np.minimum(out.albedo * (shading + second * np.maximum(facing, 0.0))[..., None], 1.0) * 255.0
    assert second.min() > 0.05
    assert np.abs(expected - out.image)[out.coverage == 1].max() < 0.51


def darkened(face: Face, azimuth: float, elevation: float) -> tuple[np.ndarray, np.ndarray]:
    """How much shadows darken a face from the front whose light comes from there, and its parts."""
    light = light_from(0.15, 0.8, azimuth, elevation)
    bare = lambert_alone(plain(face))
    drawn = render([replace(bare, light=replace(light, shadow=share)) for share in (0.0, 1.0)], 64)
    lost: np.ndarray = (drawn.image[0].astype(float) - drawn.image[1]).mean(axis=-1)
    return lost, drawn.part[0]


def test_a_nose_casts_its_shadow_down_and_away_from_the_light() -> None:
    for face in faces(5, unmatched):
        lost, part = darkened(face, 0.0, 55.0)
        rows, columns = np.nonzero(part == NOSE)
        tip, middle = rows.max(), round(columns.mean())
        below = lost[tip + 1 : tip + 4, middle - 2 : middle + 3].mean()
        cheek = lost[tip + 1 : tip + 4, middle + 9 : middle + 12].mean()
        assert below > 3 * cheek + 2, (below, cheek)
        aside = []
        for azimuth in (50.0, -50.0):
            lost, part = darkened(face, azimuth, 40.0)
            here = lost[tip - 4 : tip + 5, middle - 8 : middle + 9]
            aside.append(float((here * np.arange(-8, 9)).sum() / here.sum()))
        assert aside[0] < -0.5 < 0.5 < aside[1], aside


def test_brows_shade_the_eyes_from_high_above() -> None:
    eyes, cheeks = [], []
    for face in faces(8, unmatched):
        lost, part = darkened(face, 0.0, 68.0)
        eye = np.isin(part, (LEFT_EYE, RIGHT_EYE))
        below = np.nonzero(eye)[0].max() + 3
        eyes.append(lost[eye].mean())
        cheeks.append(lost[below : below + 3, 20:44].mean())
    assert np.mean(eyes) > np.mean(cheeks) + 2


def test_shadows_only_darken_and_highlights_only_brighten() -> None:
    lights = [lambert_alone(face) for face in faces(6, unmatched)]
    dark = [replace(face, light=replace(face.light, shadow=1.0)) for face in lights]
    bright = [
        replace(face, identity=replace(face.identity, shine=own.identity.shine))
        for face, own in zip(lights, faces(6, unmatched), strict=True)
    ]
    plainly, shadowed, shining = (render(some, 64) for some in (lights, dark, bright))
    assert np.all(shadowed.image <= plainly.image)
    assert np.all(shining.image >= plainly.image)
    seen = plainly.coverage == 1
    assert 0.05 < (shadowed.image.astype(int) < plainly.image.astype(int) - 5).any(axis=-1)[seen].mean() < 0.6
    assert (shining.image.astype(int) > plainly.image.astype(int) + 5).any(axis=-1)[seen].mean() > 0.05
    for name in ("depth", "normal", "albedo", "part", "coverage"):
        assert np.array_equal(getattr(plainly, name), getattr(shadowed, name)), "the truth is of the surface"
        assert np.array_equal(getattr(plainly, name), getattr(shining, name)), "the truth is of the surface"


def test_nothing_casts_a_shadow_under_a_light_at_the_camera() -> None:
    """What the camera sees, a light there reaches, but for what lies aside of the axis in a wide camera."""
    bare = [lambert_alone(plain(face)) for face in faces(4, unmatched)]
    straight = [replace(face, light=light_from(0.2, 0.7, 0.0, 0.0)) for face in bare]
    dark = [replace(face, light=replace(face.light, shadow=1.0)) for face in straight]
    plainly, shadowed = (render(some, 64) for some in (straight, dark))
    skin = np.isin(plainly.part, (SKIN, NOSE))
    assert (plainly.image.astype(int) - shadowed.image > 5).any(axis=-1)[skin].mean() < 0.03


def test_a_nearer_camera_sees_more_relief_and_a_face_of_the_same_size() -> None:
    ours, theirs = (render([plain(face) for face in faces(6, world)], 64) for world in (matched, unmatched))
    skin = [np.isin(out.part, (SKIN, NOSE)) for out in (ours, theirs)]
    assert skin[1].sum() == pytest.approx(skin[0].sum(), rel=0.15)
    relief = [np.ptp(out.depth[mask]) for out, mask in zip((ours, theirs), skin, strict=True)]
    assert relief[1] > 2 * relief[0]


def test_hair_is_combed_to_either_side() -> None:
    """The same person's hair lies aside of where it lies in PDR's world, and mirrored about the other way."""
    person = replace(plain(faces(8)[1]), light=light_from(0.5, 0.4, 0.0, 0.0))
    assert person.identity.hair_amount > 0.5
    hair = PARTS.index("hair")
    balance = []
    for side in (-1.0, 0.0, 1.0):
        combed = replace(person.identity, hair_sweep=0.5 * side, hair_uneven=0.8 * side)
        part = render([replace(person, identity=combed)], 64).part[0]
        balance.append(int((part[:, 32:] == hair).sum()) - int((part[:, :32] == hair).sum()))
    assert balance[0] < balance[1] - 20
    assert balance[2] > balance[1] + 20


def test_faces_are_nearly_symmetric_about_the_middle() -> None:
    out = render([plain(face) for face in faces(8)], 64)
    skin = (out.part != 0) & (out.part != PARTS.index("hair")) & (out.part != PARTS.index("cloth"))
    both = skin & skin[:, :, ::-1]
    difference = np.abs(out.albedo - out.albedo[:, :, ::-1])[both]
    assert difference.mean() < 0.03
    assert np.abs(out.depth - out.depth[:, :, ::-1])[both].mean() < 0.002


def test_parts_lie_where_they_belong(drawn: Rendered) -> None:
    front = render([plain(face) for face in faces(4)], 64).part
    column = np.arange(64)[None, None] * np.ones_like(front)
    row = np.arange(64)[None, :, None] * np.ones_like(front)
    assert column[front == LEFT_EYE].min() >= 32 > column[front == RIGHT_EYE].max()
    assert row[front == NOSE].mean() > row[front == LEFT_EYE].mean()
    lips = [row[front == PARTS.index(name)].mean() for name in ("nose", "u_lip", "l_lip", "neck")]
    assert lips == sorted(lips)
    assert set(np.unique(drawn.part)) == set(range(len(PARTS)))


def test_people_expressions_views_and_lights_change_the_image() -> None:
    a, b = (plain(face) for face in faces(2))
    variants = [
        a,
        replace(a, identity=b.identity),
        replace(a, expression=act("surprise", 1.0)),
        replace(a, view=view_of(40.0)),
        replace(a, light=light_from(0.2, 0.4, 50.0, 20.0)),
        replace(a, surroundings=b.surroundings),
    ]
    images = render(variants, 64).image.astype(float)
    for other in images[1:]:
        assert np.abs(images[0] - other).mean() > 1.5


def test_a_head_turned_to_the_right_looks_to_the_right() -> None:
    left, front, right = render([replace(plain(faces(1)[0]), view=view_of(yaw)) for yaw in (-40.0, 0.0, 40.0)], 64).part
    offset = [
        np.nonzero(part == NOSE)[1].mean() - np.nonzero(np.isin(part, (SKIN, NOSE)))[1].mean()
        for part in (left, front, right)
    ]
    assert offset[0] < -1.0 < abs(offset[1]) < 1.0 < offset[2]


def test_an_open_mouth_leaves_the_forehead_as_it_is() -> None:
    face = plain(faces(1)[0])
    opened = replace(face, expression=replace(face.expression, mouth_open=0.3))
    shut, wide = render([face, opened], 64).depth
    assert np.array_equal(shut[18:26, 26:38], wide[18:26, 26:38])
    assert np.abs(shut[40:56, 26:38] - wide[40:56, 26:38]).max() > 0.003


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="size >= 8"):
        render(faces(1), 4)
    with pytest.raises(ValueError, match="samples_across >= 1"):
        render(faces(1), 64, samples_across=0)


def test_no_faces_give_empty_arrays() -> None:
    assert render([], 64).image.shape == (0, 64, 64, 3)


@BOTH
def test_keypoints_lie_on_their_parts(world: World) -> None:
    out = render([plain(face) for face in faces(6, world)], 64)
    assert (out.keypoints[..., 2] == 1).all()
    for points, part in zip(out.keypoints[..., :2], out.part, strict=True):
        named = dict(zip(KEYPOINTS, points, strict=True))
        for name, number in (("left_eye", LEFT_EYE), ("right_eye", RIGHT_EYE)):
            down, across = np.nonzero(part == number)
            assert np.hypot(*(named[name] - (across.mean(), down.mean()))) < 1
        # The lips' very ends are thinner than a pixel.
        lips = np.nonzero(np.isin(part, (MOUTH, UPPER_LIP, LOWER_LIP)))[1]
        assert lips.max() - 1 < named["left_mouth"][0] < lips.max() + 3
        assert lips.min() - 3 < named["right_mouth"][0] < lips.min() + 1
        column, row = named["nose"].round().astype(int)
        assert part[row, column] == NOSE
        column, row = named["chin"].round().astype(int)
        assert part[row, column] == SKIN
        assert np.nonzero(part == SKIN)[0].max() - 4 < row


def test_keypoints_are_where_they_are_at_every_size() -> None:
    some = faces(6, unmatched)
    small, large = render(some, 32).keypoints, render(some, 128).keypoints
    seen = (small[..., 2] > 0) & (large[..., 2] > 0)
    assert seen.mean() > 0.8
    # The camera's field of view spans the outermost pixels' centres.
    assert np.abs(small[seen, :2] / 31 - large[seen, :2] / 127).max() < 1 / 127


def test_what_a_face_turns_away_is_hidden() -> None:
    face = plain(faces(1)[0])
    left, right = (render([replace(face, view=view_of(yaw))], 64).keypoints[0] for yaw in (80.0, -80.0))
    shown = [{name for name, one in zip(KEYPOINTS, own, strict=True) if one[2]} for own in (left, right)]
    for side, other in (("left", "right"), ("right", "left")):
        assert [{f"{side}_eye", f"{side}_mouth"} <= names for names in shown].count(True) == 1
        assert not any({f"{side}_mouth", f"{other}_mouth"} <= names for names in shown)
    assert (left[left[:, 2] == 0] == 0).all()
