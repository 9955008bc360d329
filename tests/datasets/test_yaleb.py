"""Extended Yale B: the light in the names, and the files that are no samples."""

from pathlib import Path

import numpy as np
import pytest

from datasets.base import Silent
from datasets.errors import DatasetMissing
from datasets.yaleb import YaleB


def test_people_lights_and_files_that_are_no_samples(draw, tmp_path: Path) -> None:
    folder = tmp_path / "yaleb" / "CroppedYale"
    for person in ("yaleB01", "yaleB13"):
        for light in ("A+035E-20", "A-005E+10", "_Ambient"):
            draw(folder / person / f"{person}_P00{light}.pgm", mode="L")
        (folder / person / f"{person}_P00A+000E+00.pgm.bad").write_bytes(b"bad")
        (folder / person / f"{person}_P00.info").write_text("names")
    draw(folder / "yaleB13" / "odd.pgm", mode="L")
    (folder / "yaleB14").mkdir()
    content = YaleB.open(tmp_path).read(8, Silent())
    assert content.classes == {"identity": ("yaleB01", "yaleB13")}
    assert content.labels["identity"].tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(content.truth["light"], [[35, -20], [-5, 10]] * 2)
    assert content.skipped == {"name without a light direction": 1, "person without an image": 1}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match=r"yaleb: no CroppedYale in .*yaleb"):
        YaleB.open(tmp_path)


def test_real_yaleb(real_data: Path) -> None:
    source = YaleB.open(real_data)
    assert np.bincount(source.listing.labels["identity"]).tolist() == [20] * 15
    assert source.listing.skipped == {}
    row = source.decode(0, 16)
    assert (row["images"][..., 0] == row["images"][..., 1]).all()
    assert row["light"].tolist() == [5, 10]
