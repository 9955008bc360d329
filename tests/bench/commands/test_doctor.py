"""The doctor passes good methods and names what is wrong with bad ones."""

from pathlib import Path

import pytest

from bench.commands.doctor import CHECKS, build_twice, doctor_command
from bench.grid.registry import Entry
from bench.grid.request import Options
from bench.pipeline.data import Data
from bench.pipeline.specs import method_spec
from bench.pipeline.store import Store


def problems(entry: Entry, tmp_path: Path) -> dict[str, str]:
    request = Options(methods="chance", tasks="bbt", profile="smoke", device="cpu", baselines=False).request()
    store = Store(tmp_path / "store")
    built = build_twice(method_spec(entry, request, "faces", store), "cpu", Data.of(request, store.data))
    return {name: found for name, check in CHECKS.items() if (found := check(built)) is not None}


@pytest.mark.parametrize("method", ["pdr_loocc_lv", "random_init", "vqvae", "raw_pixels", "chance", "ris"])
def test_built_in_methods_pass(method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = doctor_command(method, settings=[], profile="smoke", device="cpu", store=tmp_path / "store")
    assert code == 0, capsys.readouterr().out


def test_a_good_method_of_ones_own_passes(own_methods: Path, tmp_path: Path) -> None:
    assert problems(Entry("tiny", f"{own_methods}:Tiny", ""), tmp_path) == {}


def test_batch_statistics_and_nan_are_found(own_methods: Path, tmp_path: Path) -> None:
    found = problems(Entry("flat", f"{own_methods}:Flat", ""), tmp_path)
    assert "the black image" in found["finite values"]
    assert "depend on the batch's size" in found["batch-size invariance"]


BAD = '''
import torch
from torch import nn
from methods.base import Method


class Stateful(Method):
    """Trains its batch norm while it encodes, and writes into its input."""

    def __init__(self, config=None, *, domain="faces"):
        super().__init__(config, domain=domain)
        self.module = nn.BatchNorm2d(3)

    def encode(self, images):
        self.module.train()
        return self.module(images.mul_(0.5)).flatten(1)


class Noisy(Method):
    stateless = True

    def encode(self, images):
        return torch.rand(len(images), 3)


class Maps(Method):
    stateless = True

    def encode(self, images):
        return images


class Constant(Method):
    stateless = True

    def encode(self, images):
        return images.flatten(1) * 0
'''


@pytest.mark.parametrize(
    ("name", "check", "message"),
    [
        ("Stateful", "eval mode", "training mode"),
        ("Stateful", "input left alone", "wrote into its input"),
        ("Noisy", "determinism", "two encodings of one batch differ"),
        ("Maps", "shape", "required features of shape"),
        ("Constant", "value range", "all images have the same features"),
    ],
)
def test_each_broken_promise_is_named(name: str, check: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad_methods.py"
    path.write_text(BAD)
    assert message in problems(Entry(name, f"{path}:{name}", ""), tmp_path)[check]
