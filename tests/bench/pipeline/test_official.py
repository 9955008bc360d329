"""Files of weights that are known, and what a row says of others."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bench.grid.catalogue import METHODS
from bench.grid.request import Options
from bench.pipeline import official
from bench.pipeline.official import unknown_files
from bench.pipeline.records import Record
from bench.pipeline.specs import MethodSpec, method_spec
from bench.pipeline.store import Store
from datasets.sealed import file_digest
from methods.pdr import vgg
from methods.vqvae import VQVAE


def spec(name: str, tmp_path: Path, *settings: str) -> MethodSpec:
    options = Options(methods=name, tasks="bbt", profile="smoke", baselines=False, settings=settings)
    return method_spec(METHODS.get(name), options.request(), "faces", Store(tmp_path / "store"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Any file, under torchvision's name."""
    path = tmp_path / vgg.FILE_NAME
    path.write_bytes(b"weights of whoever called them so")
    return path


def test_torchvisions_name_carries_the_beginning_of_its_digest() -> None:
    assert vgg.FILE_NAME.removesuffix(".pth").rpartition("-")[2] == official.OFFICIAL[vgg.FILE_NAME][:8]
    assert all(len(digest) == 64 for digest in official.OFFICIAL.values())


def test_a_file_is_known_by_what_it_holds_and_not_by_its_name(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = file_digest(file)
    [said] = unknown_files(spec("pdr", tmp_path, f"pdr.vgg16={file}"))
    assert said == f"vgg16: {vgg.FILE_NAME} (SHA-256 {digest[:12]}) is no official file that is known here"
    monkeypatch.setitem(official.OFFICIAL, vgg.FILE_NAME, digest)
    renamed = file.rename(tmp_path / "mine.pth")
    assert list(unknown_files(spec("pdr", tmp_path, f"pdr.vgg16={renamed}"))) == []


def test_a_backbones_file_is_noted(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"a backbone")
    [said] = unknown_files(spec("timm:resnet18", tmp_path, f"timm.file={tmp_path / 'model.safetensors'}"))
    assert said.startswith("file: model.safetensors (SHA-256 ")


def test_a_method_that_reads_no_file_says_nothing_of_it(file: Path, tmp_path: Path) -> None:
    assert list(unknown_files(spec("random_init", tmp_path, f"random_init.vgg16={file}"))) == []
    assert list(unknown_files(spec("pdr", tmp_path))) == []


def test_the_row_of_an_imported_file_notes_it(grid: Callable[..., tuple[int, list[Record]]], tmp_path: Path) -> None:
    module = VQVAE(VQVAE.Config(**VQVAE.for_profile("smoke", "faces"))).module
    assert isinstance(module, torch.nn.Module)
    save_file(module.state_dict(), tmp_path / "mine.safetensors")
    code, [record] = grid("vqvae", settings=[f"vqvae.weights={tmp_path / 'mine.safetensors'}"])
    assert code == 0, record.error
    digest = file_digest(tmp_path / "mine.safetensors")
    assert f"weights: mine.safetensors (SHA-256 {digest[:12]}) is no official file that is known here" in record.notes
    assert record.method_settings == {"weights": "mine.safetensors"}
    assert str(tmp_path) not in record.model_dump_json()
