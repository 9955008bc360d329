"""The command line as a person meets it: help, plans, reasons, and mistakes of one line."""

import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bench.__main__ import main
from bench.commands.why import parse_cell
from bench.grid.catalogue import METHODS
from bench.grid.seeds import Seeds
from bench.pipeline.store import Store


@pytest.fixture
def bench(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], new_store: Callable[[str], Path]
) -> Callable[..., tuple[int, str, str]]:
    """Run `python -m bench ...` in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("BENCH_STORE", str(new_store("store")))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


Bench = Callable[..., tuple[int, str, str]]
QUICK = ("--profile", "smoke", "--no-baselines", "--no-mlflow", "--jobs", "1", "--device", "cpu")


@pytest.mark.parametrize("command", ["", "run", "list", "why", "doctor", "render", "import-weights", "ui", "mlflow"])
def test_help_everywhere(bench: Bench, command: str) -> None:
    code, out, _ = bench(*filter(None, [command, "--help"]))
    assert code == 0
    assert "Usage" in out


def test_the_version_is_that_of_the_project(bench: Bench) -> None:
    assert bench("--version") == (0, f"pdr-bench {importlib.metadata.version('pdr-bench')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--methods", "prd"), "unknown method 'prd': did you mean pdr?"),
        (("run", "--tasks", "bbd"), "unknown task 'bbd': did you mean bbt?"),
        (("run", "--profile", "min"), "unknown profile 'min': did you mean mini?"),
        (("run", "--set", "pdr.nff=3"), "pdr has no setting 'nff': did you mean nf?"),
        (("run", "--set", "pdr.nf=wide"), "pdr: nf = 'wide': Input should be a valid integer"),
        (("run", "--data-root", "nowhere"), "data root nowhere is not a folder"),
        (("run", "--data", "real"), "--data 'real': expected synthetic"),
        (("run", "--tasks", "tracks:nowhere"), "tracks:nowhere: nowhere is not a folder: expected one of images"),
        (("run", "--tasks", "bbt,images:nowhere"), "images:nowhere: nowhere is not a folder: expected one of images"),
        (("run", "--device", "cuda"), "torch sees no usable GPU"),
        (("why", "pdr"), "expected METHOD/TASK"),
        (("import-weights", "pdr", "nowhere.pth"), "nowhere.pth: no such file"),
        (("mlflow", "sync"), "nothing to mirror"),
        (("doctor", "absent.py:X"), "absent.py: no such file"),
    ],
)
def test_a_mistake_is_one_line_and_a_code(bench: Bench, arguments: tuple[str, ...], message: str) -> None:
    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    code, _, err = bench(*arguments)
    assert code not in (0, None)
    assert message in err
    assert len(err.strip().splitlines()) == 1, err


def test_missing_weights_are_seen_before_anything_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's loss needs VGG-16: the plan says so, and the run files the cell as missing."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: "nowhere")
    arguments = ("run", "--methods", "pdr", "--tasks", "bbt", *QUICK, "--set", "pdr.perceptual_weight=1")
    code, out, _ = bench(*arguments, "--dry-run")
    assert code == 0
    assert "missing: the perceptual loss needs VGG-16's weights" in out
    code, _, err = bench(*arguments)
    assert code == 1
    assert "name a file with --set pdr.vgg16=FILE" in err


def test_missing_weights_of_a_backbone_are_seen_before_anything_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A method that trains nothing may lack its weights, too."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    arguments = ("run", "--methods", "timm:test_resnet", "--tasks", "bbt", *QUICK)
    code, out, _ = bench(*arguments, "--dry-run")
    assert code == 0
    assert "missing: weights of test_resnet are not on this machine" in out
    code, _, err = bench(*arguments)
    assert code == 1
    assert "hf download timm/test_resnet.r160_in1k model.safetensors" in err
    _, out, _ = bench(*arguments, "--dry-run", "--set", "timm.pretrained=false")
    assert "missing" not in out


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("pdr/bbt", ("pdr", "bbt", Seeds())),
        ("pdr/bbt/3", ("pdr", "bbt", Seeds(3, 3, 3))),
        ("pdr/tracks:a/b", ("pdr", "tracks:a/b", Seeds())),
        ("pdr/bbt/1,split=0", ("pdr", "bbt", Seeds(1, 0, 1))),
        ("pdr/tracks:a/1/2", ("pdr", "tracks:a/1", Seeds(2, 2, 2))),
    ],
)
def test_cells_by_name(name: str, parts: tuple[str, str, Seeds]) -> None:
    assert parse_cell(name) == parts


def test_plan_run_reason(bench: Bench, own_tracks: Path) -> None:
    """A dry run, the run, a dry run that finds everything cached, and why a changed setting is not."""
    task = ("--tasks", f"tracks:{own_tracks}")
    pdr = ("--set", "pdr.schedule.max_steps=2", "--set", "pdr.nf=16")
    code, out, _ = bench("run", "--methods", "pdr", *task, *QUICK, *pdr, "--dry-run")
    assert code == 0
    assert "to do" in out
    assert "to train: 1 model" in out
    code, out, err = bench("run", "--methods", "pdr", *task, *QUICK, *pdr)
    assert code == 0, err
    assert "1 of 1 cells, 0 from the cache" in out
    _, out, _ = bench("run", "--methods", "pdr", *task, *QUICK, *pdr, "--dry-run")
    assert "to do" not in out
    assert "nothing to train" in out
    cell = ("why", f"pdr/tracks:{own_tracks}", "--profile", "smoke")
    _, out, _ = bench(*cell, *pdr)
    assert out.count("cached") == 4
    _, out, _ = bench(*cell, "--set", "pdr.schedule.max_steps=3", "--set", "pdr.nf=16")
    assert "fit method.config.schedule.max_steps: 2 -> 3" in out


def test_imported_weights_take_the_place_of_training(
    bench: Bench, own_tracks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint in the original layout is converted, used, and named under the row."""
    cls = METHODS.get("pdr").load()
    method = cls(cls.Config(nf=16, nf_encoder=8, nf_confidence=16, zdim_confidence=32, bounded_outputs=True))
    nested: dict[str, dict[str, torch.Tensor]] = {}
    for name, value in method.module.state_dict().items():
        net, _, rest = name.partition(".")
        nested.setdefault(net, {})[rest] = torch.randn_like(value)
    torch.save(nested, tmp_path / "published.pth")
    code, out, err = bench("import-weights", "pdr", str(tmp_path / "published.pth"), "--name", "celeba")
    assert code == 0, err
    imported = load_file(Store(tmp_path / "store").weights("celeba"))
    torch.testing.assert_close(imported["netA.network_down.0.weight"], nested["netA"]["network_down.0.weight"])
    code, out, err = bench(
        "run", "--methods", "pdr", "--tasks", f"tracks:{own_tracks}", *QUICK, "--set", "pdr.weights=celeba"
    )
    assert code == 0, err
    assert "imported from celeba.safetensors" in out
    monkeypatch.setattr(torch.hub, "get_dir", lambda: "nowhere")
    untrained = ("--set", "pdr.weights=celeba", "--set", "pdr.perceptual_weight=1", "--dry-run")
    code, out, err = bench("run", "--methods", "pdr", "--tasks", f"tracks:{own_tracks}", *QUICK, *untrained)
    assert (code, "missing" in out) == (0, False), "what training alone needs is not asked for"
    file = Store(tmp_path / "store").weights("celeba")
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    code, out, err = bench(
        "run", "--methods", "pdr", "--tasks", f"tracks:{own_tracks}", *QUICK, "--set", "pdr.weights=celeba"
    )
    assert code == 2
    assert "celeba.safetensors is damaged" in err
    assert "import the weights 'celeba' again with bench import-weights" in err
