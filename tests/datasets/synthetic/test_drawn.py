"""What all stand-ins have in common."""

import shutil
from pathlib import Path

import pytest

from datasets.errors import BenchError
from datasets.synthetic.cars.sources import ShapeNetCarsStandIn
from datasets.synthetic.drawn import Drawn, source_digest
from datasets.synthetic.labelled import RAFDBStandIn
from datasets.synthetic.sources import FacesTruth, UTKFaceStandIn
from datasets.synthetic.sweeps import ViewSweepStandIn
from methods import numba_threads, rendering


def test_the_digest_is_of_names_and_text_wherever_they_lie(tmp_path: Path) -> None:
    digests = []
    for number, text in enumerate(("a = 1", "a = 1", "a = 2")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "module.py").write_text(text)
        (folder / "notes.txt").write_text(str(number))
        digests.append(source_digest(folder))
    assert digests[0] == digests[1] != digests[2]


def test_the_digest_of_a_file_is_of_that_file(tmp_path: Path) -> None:
    for name, text in (("a.py", "a = 1"), ("b.py", "b = 1")):
        (tmp_path / name).write_text(text)
    before = source_digest(tmp_path / "a.py")
    (tmp_path / "b.py").write_text("b = 2")
    source_digest.cache_clear()
    assert source_digest(tmp_path / "a.py") == before
    (tmp_path / "a.py").write_text("a = 2")
    source_digest.cache_clear()
    assert source_digest(tmp_path / "a.py") != before


@pytest.mark.parametrize("kind", [UTKFaceStandIn, FacesTruth, RAFDBStandIn, ViewSweepStandIn, ShapeNetCarsStandIn])
def test_another_renderer_is_another_fingerprint(
    kind: type[Drawn], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images that were drawn before a change in the renderer, or in how its kernels run, are drawn anew."""
    before = kind.open("smoke").fingerprint()
    copy = shutil.copytree(rendering.__path__[0], tmp_path / "rendering", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(rendering, "__path__", [str(copy)])
    assert kind.open("smoke").fingerprint() == before, "wherever it lies"
    with (copy / "rasterize.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    source_digest.cache_clear()
    after = kind.open("smoke").fingerprint()
    assert {name for name in before if before[name] != after[name]} == {"renderer"}
    threads = tmp_path / "numba_threads.py"
    threads.write_text(Path(str(numba_threads.__file__)).read_text() + "\nCHANGED = True\n")
    monkeypatch.setattr(numba_threads, "__file__", str(threads))
    after = kind.open("smoke").fingerprint()
    assert {name for name in before if before[name] != after[name]} == {"renderer", "kernels"}


def test_subsets_by_name() -> None:
    for cls in (UTKFaceStandIn, ShapeNetCarsStandIn):
        assert isinstance(cls.open("smoke"), cls)
        with pytest.raises(BenchError, match=r"\[synthetic\] has no subset 'tiny': expected one of smoke, mini, full"):
            cls.open("tiny")
