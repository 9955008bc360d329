"""The backends by name: what each must have, and the original package."""

import sys
from types import ModuleType
from typing import Any, get_args

import pytest
import torch

from datasets.errors import BenchError, ResourceMissing
from methods.rendering import nmr_backend, numba_backend, torch_backend
from methods.rendering.backends import BACKENDS, BackendName, Kernels, kernels, require
from methods.rendering.camera import intrinsics, to_screen
from methods.rendering.rasterize import render_depth

TRIANGLE = torch.tensor([[[-0.1, -0.1, 1.0], [0.1, -0.1, 1.0], [0.0, 0.1, 2.0]]])
FACE = torch.tensor([[0, 1, 2]])


def test_every_name_has_every_function() -> None:
    assert tuple(BACKENDS) == get_args(BackendName)
    for name in BACKENDS:
        for device in ("cpu", "cuda"):
            assert isinstance(kernels(name, torch.device(device)), Kernels), (name, device)


def test_native_is_compiled_on_a_cpu_alone() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert (kernels("native", cpu), kernels("native", cuda)) == (numba_backend, torch_backend)
    assert kernels("torch", cpu) is kernels("torch", cuda) is torch_backend
    with pytest.raises(ValueError, match="unknown renderer backend 'opengl': expected one of native, torch, nmr"):
        kernels("opengl", cpu)


def test_what_a_backend_needs_is_said_before_anything_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("native", "torch"):
        require(name)
    monkeypatch.setitem(sys.modules, "neural_renderer", None)  # the import fails
    with pytest.raises(ResourceMissing, match=r"does not import .* install the extra \[nmr\]") as caught:
        require("nmr")
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "neural_renderer", ModuleType("neural_renderer"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ResourceMissing, match="CUDA device only, and there is none"):
        require("nmr")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    require("nmr")


def test_nmr_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neural_renderer", None)  # the import fails
    with pytest.raises(BenchError, match=r"does not import .* install the extra \[nmr\]") as caught:
        render_depth(TRIANGLE, FACE, intrinsics(8, 20.0), 8, backend="nmr")
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "neural_renderer", ModuleType("neural_renderer"))
    with pytest.raises(BenchError, match="renders on a CUDA device only"):
        render_depth(TRIANGLE, FACE, intrinsics(8, 20.0), 8, backend="nmr")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_nmr_equals_native_where_it_is_installed() -> None:
    pytest.importorskip("neural_renderer")
    arguments = (TRIANGLE.cuda(), FACE.cuda(), intrinsics(32, 20.0).cuda(), 32)
    torch.testing.assert_close(render_depth(*arguments, backend="nmr"), render_depth(*arguments), rtol=1e-5, atol=1e-5)


def test_nmr_gets_both_sides_of_every_triangle(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def rasterize_depth(faces: torch.Tensor, **settings: Any) -> torch.Tensor:
        calls.append({"faces": faces, **settings})
        return torch.zeros(len(faces), settings["image_size"], settings["image_size"])

    package = ModuleType("neural_renderer")
    package.rasterize_depth = rasterize_depth  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "neural_renderer", package)
    monkeypatch.setattr(nmr_backend, "require_cuda", lambda points: None)
    render_depth(TRIANGLE, FACE, intrinsics(8, 20.0), 8, near=0.2, far=9.0, backend="nmr")
    (call,) = calls
    screen = to_screen(TRIANGLE, intrinsics(8, 20.0), 8)
    assert torch.equal(call["faces"], torch.stack([screen, screen.flip(1)], dim=1))
    assert (call["image_size"], call["anti_aliasing"], call["near"], call["far"]) == (8, True, 0.2, 9.0)
