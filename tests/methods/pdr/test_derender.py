"""PDR's scenes as the camera sees them, where the networks say what is known by hand."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.base import Dataset
from datasets.errors import NotApplicable
from datasets.normals import depth_normals
from methods.baselines import RawPixels
from methods.pdr.config import PDRConfig
from methods.pdr.method import PDR, RandomInit
from methods.rendering.camera import intrinsics, pixel_rays, rotation_matrix
from tasks.base import EvaluationInputs
from tasks.metrics.scenes import angles, inner
from tasks.truth.task import METRICS, Truth

SMALL = {"nf": 16, "nf_encoder": 4, "zdim": 32, "perceptual_weight": 0.0, "confidence": False}
YAW, PITCH, SHIFT = math.radians(20), math.radians(-10), 0.01
LEFT, RIGHT = (0.8, 0.2, 0.4), (0.1, 0.6, 0.9)
RAYS = pixel_rays(64, intrinsics(64, 10.0)).double().numpy()
# Neural Mesh Renderer's images lie half a pixel beside the camera's.
HALF_PIXEL = math.tan(math.radians(5)) / 63 * np.array([1.0, 1.0, 0.0])
# Far from the strips at the sides, which the canonical depth sets to a depth of their own.
OBJECT = np.zeros((64, 64), dtype=bool)
OBJECT[14:50, 14:50] = True


def known(count: int) -> PDR:
    """A model that says of every image: a plane, left half in one colour and right in another, lit from the front of
    the canonical pose, turned and shifted."""
    method = PDR(PDRConfig(**SMALL))
    albedo = torch.empty(3, 64, 64)
    albedo[:, :, :32] = torch.tensor(LEFT)[:, None, None]
    albedo[:, :, 32:] = torch.tensor(RIGHT)[:, None, None]
    turn = math.radians(60)
    said = {
        "netD": torch.zeros(count, 1, 64, 64),
        "netA": (albedo * 2 - 1).expand(count, -1, -1, -1),
        "netL": torch.zeros(count, 4),
        "netV": torch.tensor([PITCH / turn, YAW / turn, 0, SHIFT / 0.1, 0, 0]).expand(count, -1),
    }
    for name, value in said.items():
        getattr(method.module, name).decode = lambda feature, value=value: value[: len(feature)]
    return method


def turned() -> np.ndarray:
    return rotation_matrix(torch.tensor([[PITCH, YAW, 0]], dtype=torch.float64))[0].numpy()


def plane(rays: np.ndarray = RAYS) -> tuple[np.ndarray, np.ndarray]:
    """Depth (64, 64) of the plane z = 1 after it moved, and its horizontal place in the canonical pose."""
    middle, normal = np.array([SHIFT, 0, 1]), turned() @ [0, 0, 1]
    depth = normal @ middle / (rays @ normal)
    return depth, (depth[..., None] * rays - middle) @ turned()[:, 0]


def test_a_turned_plane() -> None:
    with torch.inference_mode():
        found = known(2).derender(torch.rand(2, 3, 64, 64))
    depth, across = plane(RAYS + HALF_PIXEL)
    assert found.covered[:, OBJECT].all()
    assert found.depth[1].numpy()[OBJECT] == pytest.approx(depth[OBJECT], abs=2e-5)
    assert found.rotation[0].numpy() == pytest.approx(turned(), abs=1e-6)
    assert found.light[0].numpy() == pytest.approx(turned() @ [0, 0, 1], abs=1e-6), "the light turns with the object"
    normal = depth_normals(found.depth.numpy())[0][inner(OBJECT[None])[0]]
    assert angles(normal, turned()[:, 2]).max() < 0.1
    albedo = found.albedo[0].numpy().transpose(1, 2, 0)
    edge = 2 * math.tan(math.radians(5)) / 64
    assert np.abs(albedo[OBJECT & (across < -edge)] - LEFT).max() < 1e-5
    assert np.abs(albedo[OBJECT & (across > edge)] - RIGHT).max() < 1e-5


def test_a_model_whose_scene_is_the_truth_errs_by_next_to_nothing() -> None:
    depth, across = plane()
    truth = {
        "depth": depth,
        "albedo": np.where(across[..., None] < 0, LEFT, RIGHT) * 0.7,
        "coverage": OBJECT.astype(np.float16),
        "light": np.array([0.5, 0.5, *turned()[:, 2]]),
        "view": np.array([PITCH, YAW, 0, SHIFT, 0, 0]),
    }
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    dataset = Dataset(images, truth={name: np.stack([values] * 3) for name, values in truth.items()}, synthetic=True)
    scores = Truth().evaluate(EvaluationInputs(dataset, np.arange(3), seed=0, model=lambda: known(3)))
    limits = {"side_percent": 0.002, "normal_deg": 0.05, "light_deg": 1e-4, "view_deg": 1e-4, "view_aligned_deg": 1e-4}
    assert {name for name in METRICS if scores.metrics[name] < limits.get(name, 0.05)} == set(METRICS)
    assert scores.details["scenes"] == {"covered": 1, "missed": 0}
    assert scores.details["trivial"]["normal_deg"]["plane"] == pytest.approx(22.3, abs=0.1)


@pytest.mark.parametrize("cls", [PDR, RandomInit])
def test_untrained_networks_give_scenes_too(cls: type[PDR]) -> None:
    torch.manual_seed(0)
    method = cls(PDRConfig(**SMALL))
    method.module.eval()
    images = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        found, alone = method.derender(images), method.derender(images[:1])
    assert "derender" in cls.provides
    assert found.albedo.min() >= 0
    assert found.albedo.max() <= 1
    assert found.light.norm(dim=1) == pytest.approx(torch.ones(3).numpy(), abs=1e-5)
    same(found.depth[:1], alone.depth)
    same(found.albedo[:1], alone.albedo)


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_a_method_without_a_scene_says_so() -> None:
    assert "derender" not in RawPixels.provides
    with pytest.raises(NotApplicable, match="RawPixels takes no image apart"):
        RawPixels().derender(torch.rand(1, 3, 64, 64))
