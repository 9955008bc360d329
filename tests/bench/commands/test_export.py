"""`bench export` as a person meets it: a folder of images and masks, and mistakes of one line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.commands import export
from tasks.few_shot_parts.classes import EIGHT

Bench = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    root = tmp_path_factory.mktemp("exporting")
    (root / "data").symlink_to(drawn)
    return root


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], store: Path, tmp_path: Path) -> Bench:
    monkeypatch.setenv("BENCH_STORE", str(store))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", "export", *arguments, "--profile", "smoke", "--device", "cpu"])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, error = capfd.readouterr()
        return code, out, error

    return run


def test_images_masks_and_a_manifest(
    bench: Bench, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = bench("datasetgan", "--count", "11", "--out", "made")
    assert code == 0
    assert "made: 10 labelled images of 11 generated, 8 classes" in out
    folder = tmp_path / "made"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [one["name"] for one in manifest["classes"]] == list(EIGHT)
    assert len(manifest["items"]) == 10
    assert len(manifest["taught_by"]["images"]) == 2
    for item in manifest["items"]:
        with Image.open(folder / item["image"]) as image, Image.open(folder / item["mask"]) as mask:
            assert (image.mode, mask.mode) == ("RGB", "P")
            assert image.size == mask.size == (64, 64)
            numbers = np.asarray(mask)
            assert numbers.max() < len(EIGHT)
            colour = mask.getpalette()
            assert colour is not None
            assert colour[:24] == [value for one in manifest["classes"] for value in one["colour"]]
        assert item["uncertainty"] >= 0
    assert not list((store / "evaluations").iterdir()), "what was kept on the way is gone"

    # Cut short while writing: nothing is left half, and what was drawn is not drawn again.
    def fails(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(export, "write_json", fails)
        assert bench("datasetgan", "--count", "11", "--out", "again")[0] != 0
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    [kept] = (store / "evaluations").rglob("*.npz")
    before = kept.stat().st_mtime_ns
    monkeypatch.setattr(export, "remove", lambda folder: None)
    assert bench("datasetgan", "--count", "11", "--out", "again")[0] == 0
    assert kept.stat().st_mtime_ns == before
    for name in ("images/000003.png", "masks/000003.png", "manifest.json"):
        if name.endswith(".png"):
            assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("raw_pixels", "--count", "5", "--out", "x"), "raw_pixels gives no labelled images to train a network on"),
        (("unet_few_labels", "--count", "5", "--out", "x"), "expected datasetgan"),
        (("datasetgan", "--count", "5", "--out", "there"), "--out there is there already"),
        (("datasetgun", "--count", "5", "--out", "x"), "unknown method 'datasetgun'"),
        (
            ("datasetgan", "--count", "5", "--out", "x", "--set", "few_shot_parts.labelled_images=900"),
            "900 labelled images were asked for",
        ),
    ],
)
def test_mistakes_are_one_line(bench: Bench, tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    (tmp_path / "there").mkdir()
    code, _, error = bench(*arguments)
    assert code != 0
    assert text in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "x").exists()
