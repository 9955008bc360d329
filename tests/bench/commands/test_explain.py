"""`bench explain` from its options to its percentages and its picture, and what it refuses."""

from pathlib import Path

import pytest

from bench.commands.explain import explain_command, known
from bench.pipeline.store import Store
from datasets.errors import BenchError


def explained(store: Path, **changes: object) -> int:
    options = {
        "method": "random_init",
        "task": "celeba_linear",
        "attribute": "smiling",
        "out": None,
        "suite": "tests",
        "mirror": False,
        "profile": "smoke",
        "data_root": None,
        "data": "synthetic",
        "settings": [],
        "protocol": "default",
        "device": "cpu",
    }
    return explain_command(store=store, **{**options, **changes})  # type: ignore[arg-type]


def test_percentages_a_picture_and_nothing_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "smiling.png"
    assert explained(tmp_path / "store", out=out) == 0
    text = capsys.readouterr().out
    assert "Smiling by random_init" in text
    assert all(name in text for name in ("geometry", "albedo", "light", "view"))
    assert "100.0" in text
    assert out.read_bytes().startswith(b"\x89PNG")
    [record] = Store(tmp_path / "store").records()
    assert record.task == "attribution:Smiling"
    assert sum(record.details["attribution"]["percent"].values()) == pytest.approx(100)
    page = next((tmp_path / "reports").glob("*.html")).read_text()
    assert "attribution:Smiling" in page
    assert "data:image/webp" in page, "the Grad-CAM picture"
    assert explained(tmp_path / "store") == 0
    assert "1 from the cache" in capsys.readouterr().out


def test_a_method_without_groups_is_not_applicable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(tmp_path / "store", method="raw_pixels") == 0
    assert "no groups of features" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attribute": "smilng"}, "did you mean Smiling"),
        ({"task": "bbt"}, "expected celeba_linear"),
        ({"out": Path("a.jpg")}, r"ends in \.png"),
        ({"method": "pdrr"}, "did you mean pdr"),
    ],
)
def test_what_is_wrong_is_said_first(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        explained(tmp_path / "store", **changes)


def test_attributes_are_spelled_as_celeba_does() -> None:
    assert known("eyeglasses") == "Eyeglasses"
    with pytest.raises(BenchError, match="5_o_Clock_Shadow"):
        known("qqqq")
