"""`bench render` as a person meets it: a sheet, an animation, and mistakes of one line."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from bench.__main__ import main
from bench.grid.request import Options, Request
from bench.pipeline.cell import cells
from bench.pipeline.context import Context
from bench.pipeline.fit import fit_stage
from bench.pipeline.store import Store
from bench.scenes.relight import TYPICAL, find_checkpoint, load_trained
from datasets.base import Silent
from datasets.prepared import prepare
from datasets.synthetic.sources import UTKFaceStandIn

SETTINGS = ("--profile", "smoke", "--device", "cpu", "--set", "pdr.schedule.max_steps=2")
Bench = Callable[..., tuple[int, str, str]]


def smoke_request() -> Request:
    return Options(
        methods="pdr",
        tasks="bbt",
        profile="smoke",
        data_root=None,
        data=None,
        settings=["pdr.schedule.max_steps=2"],
        protocol="default",
        device="cpu",
        baselines=False,
    ).request()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    """A store with a face model that was trained for two steps."""
    root = tmp_path_factory.mktemp("trained")
    (root / "data").symlink_to(drawn)
    request, opened = smoke_request(), Store(root)
    [cell] = cells(request, opened)
    context = Context.of(request, opened)
    context.data.prepare(cell.datasets[0], cell.method.size, Silent())
    stage = fit_stage(cell, context.data.find(cell.datasets[0], cell.method.size), context)
    stage.get_or_compute(context)
    return root


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    """A drawn face of the training set's kind as a photograph: wide, large, and lying on its side."""
    shown = prepare(UTKFaceStandIn.open("smoke"), 64, drawn, Silent()).images[5]
    path = tmp_path_factory.mktemp("photographs") / "my face.jpg"
    wide = Image.new("RGB", (200, 128), "green")
    wide.paste(Image.fromarray(np.asarray(shown)).resize((128, 128)), (36, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter to the right
    wide.rotate(90, expand=True).save(path, exif=exif, quality=95)
    return path


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], store: Path, tmp_path: Path) -> Bench:
    """Run `python -m bench render ...` in this process, in an empty folder: exit code, standard output, error."""
    monkeypatch.setenv("BENCH_STORE", str(store))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", "render", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_sheet_of_a_photograph(bench: Bench, face: Path, tmp_path: Path) -> None:
    code, out, err = bench(*SETTINGS, "--image", str(face), "--yaw", "-30:30", "--out", "sheet.png")
    assert code == 0, err
    assert "1 image, 7 renderings" in out
    assert "has seen drawn faces only (utkface[synthetic])" in out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.width == 9 * (128 + 4) + 4
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    tiles = [pixels[-132:-4, 4 + 132 * place : 132 + 132 * place] for place in range(9)]
    with Image.open(face) as photograph:
        upright = np.asarray(photograph.rotate(-90, expand=True).crop((36, 0, 164, 128))).astype(int)
    assert np.abs(tiles[0] - upright).mean() < 12, "the input is upright and its centre"
    assert np.array_equal(tiles[5], tiles[1]), "in the middle of the sweep it is the reconstruction"
    assert np.abs(tiles[2] - tiles[8]).mean() > 2
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_an_animation_of_a_folder(bench: Bench, face: Path, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in ("b.png", "a.png"):
        with Image.open(face) as image:
            image.save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    arguments = ("--image", "faces", "--light", "sweep", "--frames", "5", "--size", "64", "--out", "turn.GIF")
    code, out, err = bench(*SETTINGS, *arguments)
    assert code == 0, err
    assert "2 images, 8 frames, forth and back" in out
    with Image.open(tmp_path / "turn.GIF") as image:
        assert (image.n_frames, image.info["loop"]) == (8, 0)
        frames = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(image)]
    assert np.abs(frames[1] - frames[7]).max() == 0
    assert np.abs(frames[0] - frames[4]).mean() > 0.5


def test_what_is_unlike_the_training_images_is_told(bench: Bench, face: Path, store: Path, tmp_path: Path) -> None:
    """Of the held-out images 95 % pass; a flat colour does not. The value is measured once."""
    Image.new("RGB", (80, 80), (90, 140, 60)).save(tmp_path / "lawn.png")
    code, out, err = bench(*SETTINGS, "--image", str(face), "--image", "lawn.png", "--out", "sheet.png")
    assert code == 0, err
    (warning,) = [line for line in out.splitlines() if line.startswith("warning")]
    assert "lawn.png is unlike the images that the model knows" in warning
    assert "crop it to one upright, centred face" in warning
    (file,) = store.glob("derived/*/typical.json")
    written = file.stat().st_mtime_ns
    request = smoke_request()
    trained = load_trained(request, "faces", Context.of(request, Store(store)), [])
    assert file.stat().st_mtime_ns == written
    assert trained.training is not None
    assert trained.typical is not None
    _, misfits = trained.scenes(np.array(trained.training.images))
    assert (misfits < trained.typical).float().mean() == pytest.approx(TYPICAL, abs=0.1)


def test_a_model_that_is_not_trained_names_the_command(bench: Bench, face: Path, store: Path) -> None:
    common = ("--image", str(face), "--out", "x.png", "--profile", "smoke", "--device", "cpu")
    code, _, err = bench(*common, "--set", "pdr.nf=32", "--seed", "3")
    assert code == 2
    assert "pdr is not trained for faces with these settings; train it first: " in err
    command = shlex.split(err.partition("train it first: ")[2])
    wanted = "run --methods pdr --tasks bbt --profile smoke --set pdr.nf=32 --device cpu --seeds 3 --store"
    assert command == ["python", "-m", "bench", *wanted.split(), str(store)]
    code, _, err = bench(*common, "--set", "pdr.schedule.max_steps=2", "--domain", "cars")
    assert code == 2
    assert "pdr is not trained for cars with these settings (it is for faces: --domain faces)" in err
    assert "--tasks shapenet_cars" in err
    assert len(err.strip().splitlines()) == 1


def test_weights_of_another_precision_are_taken(
    bench: Bench, face: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A model that a GPU trained in bfloat16 is found on a CPU, and the other way round."""
    first = bench(*SETTINGS, "--image", str(face), "--out", "a.png")
    monkeypatch.setattr("bench.training.precision.fast_bfloat16", lambda device: True)
    changed = bench(*SETTINGS, "--image", str(face), "--out", "b.png")
    monkeypatch.setattr("bench.training.precision.fast_bfloat16", lambda device: False)
    plain = bench(*SETTINGS, "--image", str(face), "--out", "c.png")
    assert (first[0], changed[0], plain[0]) == (0, 0, 0), (first, changed, plain)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes() == (tmp_path / "c.png").read_bytes()


def test_weights_of_another_device_are_taken(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.training.precision.fast_bfloat16", lambda device: device == "cuda")
    request, opened = smoke_request(), Store(store)
    [cell] = cells(request, opened)
    here = Context.of(request, opened)
    found, elsewhere = (find_checkpoint(cell, context).checkpoint for context in (here, replace(here, device="cuda")))
    assert found is not None
    assert elsewhere is not None
    assert elsewhere.key == found.key


def test_damaged_weights_are_not_used_and_the_command_that_mends_them_is_named(
    bench: Bench, face: Path, store: Path
) -> None:
    (weights,) = store.glob("checkpoints/*/weights.safetensors")
    whole = weights.read_bytes()
    try:
        weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        code, _, err = bench(*SETTINGS, "--image", str(face), "--out", "x.png")
    finally:
        weights.write_bytes(whole)
    assert code == 2
    assert "weights.safetensors is damaged" in err
    assert "train it again: python -m bench run --methods pdr" in err
    assert "--force" in err


def test_imported_weights_need_no_training(bench: Bench, face: Path, store: Path) -> None:
    (weights,) = store.glob("checkpoints/*/weights.safetensors")
    (store / "weights" / "mine.safetensors").write_bytes(weights.read_bytes())
    common = ("--profile", "smoke", "--device", "cpu", "--image", str(face), "--out", "x.png")
    code, out, err = bench(*common, "--set", "pdr.weights=mine")
    assert code == 0, err
    assert "not checked whether these are centred faces: no held-out images, the weights are imported" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--image", "gone.jpg"), "gone.jpg: no such file; expected an image or a folder of images"),
        (("--image", "empty"), "no image in empty"),
        (("--image", "notes.jpg"), "notes.jpg: cannot identify image file"),
        (("--image", "tiny.png"), "tiny.png: 90 x 40 pixels, too small: expected at least 64 x 64"),
        (("--out", "sheet.jpg"), "--out sheet.jpg: expected a name that ends in .png (a sheet) or .gif"),
        (("--image", "fine.png", "--out", "fine.png"), "--out fine.png is one of the images"),
        (("--yaw", "-120:120"), "--yaw -120:120: expected -90 to 90 degrees"),
        (("--yaw", "10", "--out", "x.gif"), "--out x.gif: nothing moves"),
        (("--size", "32"), "--size 32: smaller than the model's 64 pixels"),
        (
            ("--method", "vqvae"),
            "vqvae cannot be de-rendered, since it predicts no scene: expected pdr, pdr_loocc_l",
        ),
        (("--method", "random_init"), "random_init is never trained to take images apart: expected pdr"),
        (("--method", "pdr_locc_l"), "unknown method 'pdr_locc_l': did you mean pdr_loocc_l?"),
        (("--domain", "boats"), "--domain 'boats': expected faces or cars"),
        (("--data-root", "gone"), "data root gone is not a folder"),
        (("--profile", "min"), "unknown profile 'min': did you mean mini?"),
    ],
)
def test_a_mistake_is_one_line(bench: Bench, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    Image.new("RGB", (90, 40)).save(tmp_path / "tiny.png")
    Image.new("RGB", (90, 90)).save(tmp_path / "fine.png")
    (tmp_path / "notes.jpg").write_text("no picture")
    (tmp_path / "empty").mkdir()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    settings = [*SETTINGS] if "--method" not in given else [*SETTINGS[:4]]
    defaults = {"--image": "fine.png", "--out": "x.png", **given}
    code, _, err = bench(*settings, *(part for pair in defaults.items() for part in pair))
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1, err
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
