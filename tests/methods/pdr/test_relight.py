"""Scenes rendered again: the reconstruction itself, turned and lit as directions say, and how badly a scene fits."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from methods.pdr.config import FACE_BORDER, PDRConfig
from methods.pdr.method import PDR
from methods.pdr.model import Autoencoder, Reconstruction
from methods.pdr.relight import Direction, Pose, PredictedScenes, misfit, predict_scenes
from methods.pdr.scene import Light, Scene, shaded
from methods.ranges import signed

SIZE = 64
SMALL = {"nf": 16, "nf_encoder": 4, "nf_confidence": 16, "zdim": 32, "zdim_confidence": 16, "perceptual_weight": 0.0}


@pytest.fixture(scope="module")
def method() -> PDR:
    torch.manual_seed(0)
    chosen = PDR(PDRConfig(**SMALL, bounded_outputs=True))
    chosen.module.eval()
    return chosen


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def dome() -> PredictedScenes:
    """A grey dome that bulges towards the camera past the point it turns about, from the front, in ambient light."""
    scene = Scene(PDRConfig())
    place = torch.linspace(-1, 1, SIZE)
    inside = (1 - place[:, None] ** 2 - place[None] ** 2).clamp(min=0)
    depth = (FACE_BORDER - 0.1 * inside)[None]
    albedo = torch.zeros(1, 3, SIZE, SIZE)
    light = Light(torch.ones(1), torch.zeros(1), torch.tensor([[0.0, 0.0, 1.0]]))
    normal = scene.renderer.normals(depth)
    return PredictedScenes(
        scene, depth, albedo, normal, light, torch.zeros(1, 6), shaded(albedo, light.shading(normal))
    )


def marked(dome: PredictedScenes) -> PredictedScenes:
    """The dome with a bright spot at its top."""
    image = dome.canonical_image.clone()
    image[:, :, 30:34, 30:34] = 1.0
    return replace(dome, canonical_image=image)


def place_of_spot(picture: Tensor) -> tuple[float, float]:
    """Column and row of the centre of what is brighter than the grey."""
    bright = (picture[0].mean(dim=0) - 0.5).clamp(min=0)
    place = torch.arange(SIZE, dtype=bright.dtype)
    return float((bright.sum(dim=0) * place).sum() / bright.sum()), float(
        (bright.sum(dim=1) * place).sum() / bright.sum()
    )


def test_as_seen_in_its_own_light_it_is_the_reconstruction(method: PDR, images: Tensor) -> None:
    scenes, misfits = predict_scenes(method.module, method.config, images)
    with torch.no_grad():
        result = Autoencoder(method.module, method.config).eval()(signed(images))
    shown, seen = scenes.picture(Pose()), result.mask.expand(-1, 3, -1, -1).bool()
    assert seen.float().mean() > 0.5
    torch.testing.assert_close(shown[seen], (result.image_hat[:3] / 2 + 0.5)[seen])
    torch.testing.assert_close(misfits, misfit(result))
    assert not torch.allclose(scenes.picture(Pose(yaw=20.0)), shown, atol=0.01)


def test_yaw_turns_to_the_left_and_pitch_down_step_by_step(dome: PredictedScenes) -> None:
    scenes = marked(dome)
    columns = [place_of_spot(scenes.picture(Pose(yaw=angle)))[0] for angle in (-30.0, -15.0, 0.0, 15.0, 30.0)]
    assert all(later < earlier - 1 for earlier, later in pairwise(columns)), columns
    rows = [place_of_spot(scenes.picture(Pose(pitch=angle)))[1] for angle in (-30.0, -15.0, 0.0, 15.0, 30.0)]
    assert all(later > earlier + 1 for earlier, later in pairwise(rows)), rows


def test_a_symmetric_object_looks_mirrored_from_the_other_side(dome: PredictedScenes) -> None:
    """As far as the renderer is symmetric, which samples half a sample beside a pixel's centre."""
    spotted = marked(dome)
    for scenes, pose, other in [
        (spotted, Pose(yaw=25.0), Pose(yaw=-25.0)),
        (dome, Pose(light=Direction(50.0, 20.0)), Pose(light=Direction(-50.0, 20.0))),
        (dome, Pose(yaw=25.0, light=Direction(50.0)), Pose(yaw=-25.0, light=Direction(-50.0))),
    ]:
        one, two = scenes.picture(pose), scenes.picture(other)
        assert (one - two).abs().max() > 0.2
        assert (one - two.flip(3)).abs().mean() < 0.25 * (one - two).abs().mean()


def test_light_brightens_the_side_that_it_comes_from(dome: PredictedScenes) -> None:
    inner = slice(12, 52)

    def sides(direction: Direction) -> tuple[float, float, float, float]:
        shown = dome.picture(Pose(light=direction))[0, 0]
        left, right = shown[inner, 12:32].mean(), shown[inner, 32:52].mean()
        above, below = shown[12:32, inner].mean(), shown[32:52, inner].mean()
        return float(left), float(right), float(above), float(below)

    left, right, above, below = sides(Direction(60.0))
    assert left > right + 0.1
    assert above == pytest.approx(below, abs=0.02)
    left, right, *_ = sides(Direction(-60.0))
    assert right > left + 0.1
    left, right, above, below = sides(Direction(0.0, 60.0))
    assert above > below + 0.1
    assert left == pytest.approx(right, abs=0.02)
    left, right, above, below = sides(Direction(0.0))
    assert left == pytest.approx(right, abs=0.02)
    assert above == pytest.approx(below, abs=0.02)


def test_brightness_is_lamberts(dome: PredictedScenes) -> None:
    """The border faces the camera: grey 0.5 under ambient 0.2 and diffuse 0.8 at an angle of 60 degrees."""
    lit = dome.lit(Direction(60.0)) / 2 + 0.5
    assert lit[0, 0, 0, 0].item() == pytest.approx(0.5 * (0.2 + 0.8 * 0.5), abs=1e-5)
    assert dome.lit(Direction(0.0))[0, 0, 0, 0].item() / 2 + 0.5 == pytest.approx(0.5, abs=1e-5)


def test_misfit_is_a_share_of_contrast(method: PDR, images: Tensor) -> None:
    with torch.no_grad():
        result = Autoencoder(method.module, method.config).eval()(signed(images))
    whole = torch.ones_like(result.mask)

    def of(reconstructed: Tensor, mask: Tensor = whole, image: Tensor = result.image) -> list[float]:
        changed: Reconstruction = replace(result, image=image, image_hat=torch.cat([reconstructed] * 2), mask=mask)
        return misfit(changed).tolist()

    mean = result.image.mean(dim=(2, 3), keepdim=True).expand_as(result.image)
    assert of(result.image) == pytest.approx([0, 0, 0], abs=1e-6)
    assert of(mean) == pytest.approx([1, 1, 1], abs=0.05)
    assert of(torch.zeros_like(result.image), mask=torch.zeros_like(whole)) == pytest.approx(of(mean), rel=1e-5)
    half = (result.image + mean) / 2
    assert of(half) == pytest.approx([value / 2 for value in of(mean)], rel=1e-5)
    assert of(half * 0.5, image=result.image * 0.5) == pytest.approx(of(half), abs=0.05)
    flat = torch.full_like(result.image, 0.3)
    assert of(flat + 0.1, image=flat) == pytest.approx([5, 5, 5], rel=1e-4)


def test_what_is_not_moved_is_the_reconstruction(method: PDR, images: Tensor) -> None:
    scenes, _ = predict_scenes(method.module, method.config, images)
    assert torch.allclose(method.rerender(images), scenes.picture(Pose()), atol=1e-4)


def test_moved_by_the_signs_of_the_drawn_datasets(dome: PredictedScenes) -> None:
    """To the right by positive yaw, down by positive pitch, as what stands out does."""
    scenes = replace(dome, albedo=marked(dome).canonical_image)
    still = place_of_spot(scenes.moved(yaw=0, pitch=0, light=0))
    right = place_of_spot(scenes.moved(yaw=20, pitch=0, light=0))
    down = place_of_spot(scenes.moved(yaw=0, pitch=20, light=0))
    assert right[0] > still[0] + 3
    assert right[1] == pytest.approx(still[1], abs=1)
    assert down[1] > still[1] + 3
    assert down[0] == pytest.approx(still[0], abs=1)


def test_a_light_from_the_right_lights_the_right(dome: PredictedScenes) -> None:
    lit = replace(dome, light=Light(torch.full((1,), 0.2), torch.full((1,), 0.7), dome.light.direction))
    across = lit.moved(yaw=0, pitch=0, light=50)[0].mean(dim=0)[24:40]
    assert across[:, 40:48].mean() > across[:, 16:24].mean() + 0.02
    back = lit.moved(yaw=0, pitch=0, light=-50)[0].mean(dim=0)[24:40]
    assert back[:, 40:48].mean() < back[:, 16:24].mean() - 0.02


def test_the_light_stands_still_while_the_object_turns(dome: PredictedScenes) -> None:
    """A plane that turns away from a light beside the camera gets the cosine of it; and where the light goes with it,
    as much as before."""
    normal = torch.zeros_like(dome.normal)
    normal[..., 2] = 1
    direction = dome.light.direction
    plane = replace(
        dome,
        depth=torch.full_like(dome.depth, 1.0),
        normal=normal,
        light=Light(torch.full((1,), 0.2), torch.full((1,), 0.6), direction),
        view=torch.tensor([[0.1, -0.2, 0.05, 0, 0, 0]]),
    )

    def middle(**angles: float) -> float:
        return float(plane.moved(**{"yaw": 0.0, "pitch": 0.0, "light": 0.0, **angles})[0, :, 30:34, 30:34].mean())

    assert middle() == pytest.approx(0.5 * 0.8, abs=1e-4)
    upright = replace(plane, view=torch.zeros(1, 6))
    turned = upright.moved(yaw=40, pitch=0, light=0)[0, :, 30:34, 30:34].mean()
    assert float(turned) == pytest.approx(0.5 * (0.2 + 0.6 * math.cos(math.radians(40))), abs=1e-4)
    with_it = upright.moved(yaw=40, pitch=0, light=40)[0, :, 30:34, 30:34].mean()
    assert float(with_it) == pytest.approx(0.5 * 0.8, abs=1e-4), "both to the image's right"
