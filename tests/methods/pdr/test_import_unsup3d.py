"""Checkpoints of the released code: both layouts load, everything else is refused with a reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from datasets.errors import BenchError
from methods.pdr.config import PDRConfig
from methods.pdr.import_weights import load_unsup3d
from methods.pdr.networks import Networks

Save = Callable[..., Path]


def networks(**settings: Any) -> Networks:
    torch.manual_seed(0)
    small = {"nf": 16, "nf_encoder": 4, "nf_confidence": 16, "zdim": 32, "zdim_confidence": 16}
    return Networks(PDRConfig(**{**small, **settings}))


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write a checkpoint as the released code does: one state dict per network, beside other entries."""

    def write(nets: Networks, change: Callable[[dict[str, Any]], Any] = lambda _: None) -> Path:
        found: dict[str, Any] = {name: dict(net.state_dict()) for name, net in nets.named_children()}
        found |= {"optimizerNetD": {"state": {}, "param_groups": [{"lr": 1e-4}]}, "epoch": 30}
        change(found)
        torch.save(found, tmp_path / "checkpoint030.pth")
        return tmp_path / "checkpoint030.pth"

    return write


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("confidence", [False, True])
def test_loads(save: Save, bounded: bool, confidence: bool) -> None:
    """Half precision becomes single; a model of cars has no confidence network."""
    nets = networks(bounded_outputs=bounded, confidence=confidence).half()
    state = load_unsup3d(save(nets))
    target = networks(bounded_outputs=bounded, confidence=confidence)
    target.load_state_dict(state)
    assert all(value.dtype == torch.float32 for value in state.values())
    assert all(torch.equal(value.half(), nets.state_dict()[name]) for name, value in target.state_dict().items())


def drop(*keys: str) -> Callable[[dict[str, Any]], Any]:
    def change(found: dict[str, Any]) -> None:
        *parents, last = keys
        for key in parents:
            found = found[key]
        del found[last]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.update(metrics_trace=Path("x")), "pickled objects.*state dicts netD"),
        (drop("netL"), "lacks netL"),
        (drop("netA", "network_up.5.weight"), r"lacks netA\.network_up\.5\.weight, which needs shape \(64,\)"),
        (drop("netD", "network_down.11.weight"), r"netD\.network_down\.11\.weight is missing"),
        (
            lambda found: found["netV"].update({"network.4.weight": torch.zeros(16, 8, 3, 3)}),
            r"netV\.network\.4\.weight needs shape \(16, 8, 4, 4\), got \(16, 8, 3, 3\)",
        ),
        (lambda found: found["netD"].update(extra=torch.zeros(1)), r"has netD\.extra"),
        (lambda found: found.update(netC=torch.zeros(2)), "netC is no state dict"),
        (lambda found: found["netD"].update({3: torch.zeros(2)}), "netD is no state dict"),
        (
            lambda found: found["netV"]["network.4.weight"].fill_(float("inf")),
            r"netV\.network\.4\.weight has 2,048 of 2,048 values that are not finite",
        ),
        (
            lambda found: found["netV"].update({"network.4.weight": found["netV"]["network.4.weight"].to(torch.int8)}),
            r"netV\.network\.4\.weight is of int8: expected float32",
        ),
        (
            lambda found: found["netD"].update({"network_down.0.weight": torch.zeros(24, 3, 4, 4)}),
            "nf is 24.*multiple of 16",
        ),
    ],
)
def test_refuses(save: Save, change: Callable[[dict[str, Any]], Any], message: str) -> None:
    with pytest.raises(BenchError, match=message) as error:
        load_unsup3d(save(networks(), change))
    assert "\n" not in str(error.value)


def test_refuses_other_files(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("not a checkpoint")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(BenchError):
        load_unsup3d(tmp_path / "text.pth")
    with pytest.raises(BenchError, match="holds a list"):
        load_unsup3d(tmp_path / "list.pth")
    with pytest.raises(BenchError, match="cannot read"):
        load_unsup3d(tmp_path / "absent.pth")


def test_the_prefix_of_parallel_training_is_taken_off(save: Save) -> None:
    nets = networks()
    state = load_unsup3d(save(nets))

    def wrap(found: dict[str, Any]) -> None:
        for name in ("netD", "netA", "netL", "netV", "netC"):
            found[name] = {f"module.{key}": value for key, value in found[name].items()}

    wrapped = load_unsup3d(save(nets, wrap))
    assert list(wrapped) == list(state)
    assert all(torch.equal(wrapped[name], value) for name, value in state.items())
