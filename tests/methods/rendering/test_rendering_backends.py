"""What surrounds the kernels: the original package, numba's cache, threads in forked processes."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numba
import pytest
import torch

from datasets.errors import BenchError
from methods.numba_threads import by_mesh, compiled
from methods.rendering import nmr_backend
from methods.rendering.camera import intrinsics, to_screen
from methods.rendering.rasterize import render_depth

TRIANGLE = torch.tensor([[[-0.1, -0.1, 1.0], [0.1, -0.1, 1.0], [0.0, 0.1, 2.0]]])
FACE = torch.tensor([[0, 1, 2]])


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


def test_kernels_compile_where_nothing_can_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    real = numba.njit

    def njit(**options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(lambda x: x + 1)(2) == 3


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ZeroDivisionError):
            by_mesh(lambda *arrays: 1 // 0, [], [], [torch.zeros(4)])
    finally:
        torch.set_num_threads(before)


def test_by_mesh_hands_each_mesh_to_one_call() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    seen = SimpleNamespace(sizes=[])

    def kernel(factor: float, shared: Any, batched: Any, output: Any) -> None:
        seen.sizes.append(len(output))
        output[:] = factor * batched + shared

    try:
        output = torch.zeros(25)
        by_mesh(kernel, [2.0], [torch.ones(1), torch.arange(25.0)], [output])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(output, 2 * torch.arange(25.0) + 1)
    assert sum(seen.sizes) == 25
    assert len(seen.sizes) > 3
