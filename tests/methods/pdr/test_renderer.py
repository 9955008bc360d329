"""PDR by the renderer that its configuration names: in training, and in everything that renders afterwards."""

import sys
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from datasets.errors import ResourceMissing
from methods.pdr.config import PDRConfig
from methods.pdr.learner import PDRLearner
from methods.pdr.method import PDR, RandomInit
from methods.pdr.model import Autoencoder
from methods.pdr.relight import Pose, predict_scenes
from methods.ranges import signed
from methods.rendering import numba_backend, torch_backend

SMALL = {"nf": 16, "nf_encoder": 4, "nf_confidence": 16, "zdim": 32, "zdim_confidence": 16, "perceptual_weight": 0.0}


def method(**settings: Any) -> PDR:
    torch.manual_seed(0)
    chosen = PDR(PDRConfig(**{**SMALL, "bounded_outputs": True, **settings}))
    chosen.module.eval()
    return chosen


@pytest.fixture
def images() -> Tensor:
    """Soft blobs of three strengths."""
    place = torch.linspace(-1, 1, 64)
    blob = torch.exp(-3 * (place[:, None] ** 2 + place**2))
    return blob * torch.tensor([0.9, 0.6, 0.4]).view(1, 3, 1, 1) * torch.tensor([0.5, 0.8, 1.0]).view(3, 1, 1, 1)


@pytest.mark.parametrize("loocc", ["none", "lv"])
def test_native_and_torch_train_alike(images: Tensor, loocc: str) -> None:
    losses, gradients = [], []
    for renderer in ("native", "torch"):
        chosen = method(renderer=renderer, loocc=loocc)
        learner = PDRLearner(chosen.module, chosen.config)
        found = learner(images, phase="autoencoder", step=0, generator=torch.Generator().manual_seed(0))
        found["loss"].backward()
        losses.append({name: value.item() for name, value in found.items()})
        gradients.append({name: value.grad for name, value in chosen.module.named_parameters()})
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for name, one in gradients[0].items():
        other = gradients[1][name]
        assert (one is None) == (other is None), name
        if one is not None:
            assert (one - other).norm() <= 1e-4 * one.norm(), name


def test_all_that_renders_uses_the_renderer_named(images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unused(*given: Any) -> Any:
        raise AssertionError("the other renderer was used")

    def everything(chosen: PDR) -> None:
        with torch.no_grad():
            chosen.derender(images)
            chosen.pictures(images)
            predict_scenes(chosen.module, chosen.config, images)[0].picture(Pose(yaw=20.0))
            Autoencoder(chosen.module, chosen.config)(signed(images))

    for renderer, other in (("torch", numba_backend), ("native", torch_backend)):
        with monkeypatch.context() as patched:
            for name in ("render_depth", "move", "locate", "normals"):
                patched.setattr(other, name, unused)
            everything(method(renderer=renderer))
    monkeypatch.setattr(torch_backend, "render_depth", unused)
    with pytest.raises(AssertionError, match="the other renderer"):
        everything(method(renderer="torch"))


@pytest.mark.parametrize("cls", [PDR, RandomInit])
def test_a_renderer_that_is_not_there_is_said_beforehand(cls: type[PDR], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neural_renderer", None)  # the import fails
    for renderer in ("native", "torch"):
        cls.check_resources(PDRConfig(**SMALL, renderer=renderer))
    with pytest.raises(ResourceMissing, match=r"backend nmr: .* install the extra \[nmr\]") as caught:
        cls.check_resources(PDRConfig(**SMALL, renderer="nmr"))
    assert "\n" not in str(caught.value)


def test_native_is_the_default_and_others_are_refused() -> None:
    assert PDRConfig().renderer == "native"
    with pytest.raises(ValidationError):
        PDRConfig(renderer="opengl")
