"""What all stand-ins have in common."""

from pathlib import Path

import pytest

from datasets.errors import BenchError
from datasets.synthetic.cars.sources import ShapeNetCarsStandIn
from datasets.synthetic.drawn import source_digest
from datasets.synthetic.sources import UTKFaceStandIn


def test_the_digest_is_of_names_and_text_wherever_they_lie(tmp_path: Path) -> None:
    digests = []
    for number, text in enumerate(("a = 1", "a = 1", "a = 2")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "module.py").write_text(text)
        (folder / "notes.txt").write_text(str(number))
        digests.append(source_digest(folder))
    assert digests[0] == digests[1] != digests[2]


def test_subsets_by_name() -> None:
    for cls in (UTKFaceStandIn, ShapeNetCarsStandIn):
        assert isinstance(cls.open("smoke"), cls)
        with pytest.raises(BenchError, match=r"\[synthetic\] has no subset 'tiny': expected one of smoke, mini, full"):
            cls.open("tiny")
