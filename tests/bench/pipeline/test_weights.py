"""Weights that a user names: taken as they fit, refused in one line that advises to delete nothing of theirs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bench.grid.catalogue import METHODS
from bench.grid.request import Options
from bench.pipeline.specs import method_spec
from bench.pipeline.store import Store
from bench.pipeline.weights import untrained_method
from datasets.errors import BenchError
from methods.base import Method


def built(file: Path, tmp_path: Path) -> Method:
    """The smallest network there is, with the weights of a file."""
    settings = [f"vqvae.weights={file}"]
    request = Options(methods="vqvae", tasks="bbt", profile="smoke", baselines=False, settings=settings).request()
    return untrained_method(method_spec(METHODS.get("vqvae"), request, "faces", Store(tmp_path / "store")), 0)


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    request = Options(methods="vqvae", tasks="bbt", profile="smoke", baselines=False).request()
    cls = METHODS.get("vqvae").load()
    module = cls(cls.Config(**cls.for_profile(request.profile.name, "faces"))).module
    assert isinstance(module, nn.Module)
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_wrapped_and_halved_weights_are_the_same_network(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    halved = {f"module.{name}": value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file(halved, tmp_path / "w.safetensors")
    method = built(tmp_path / "w.safetensors", tmp_path)
    assert method.module is not None
    for name, value in method.module.state_dict().items():
        assert value.dtype == state[name].dtype, name
        torch.testing.assert_close(value, state[name], atol=1e-2, rtol=1e-2)


def not_finite(state: dict[str, torch.Tensor], path: Path) -> None:
    name = next(iter(state))
    save_file({**state, name: torch.full_like(state[name], float("nan"))}, path)


def whole(state: dict[str, torch.Tensor], path: Path) -> None:
    name = next(iter(state))
    save_file({**state, name: torch.zeros_like(state[name], dtype=torch.int32)}, path)


def cut(state: dict[str, torch.Tensor], path: Path) -> None:
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (not_finite, "values that are not finite"),
        (whole, "is of int32: expected float32"),
        (cut, r"w\.safetensors is damaged \(.*\): get it again, or name another one"),
        (lambda state, path: path.write_text("<html>Not found</html>"), "is a web page, not weights"),
        (lambda state, path: path.write_bytes(b""), "is empty, not weights"),
        (lambda state, path: torch.save(state, path), "is no safetensors file: convert it with bench import-weights"),
    ],
)
def test_what_are_no_weights_is_said(
    state: dict[str, torch.Tensor],
    tmp_path: Path,
    write: Callable[[dict[str, torch.Tensor], Path], None],
    said: str,
) -> None:
    write(state, tmp_path / "w.safetensors")
    with pytest.raises(BenchError, match=said) as caught:
        built(tmp_path / "w.safetensors", tmp_path)
    assert "delete" not in str(caught.value)
