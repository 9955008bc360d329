"""Names of imported weights: plain ones that a setting can give back, on every system."""

from pathlib import Path

import pytest

from bench.commands.weights import check_name, import_weights_command
from bench.grid.values import parse_value
from datasets.errors import BenchError


@pytest.mark.parametrize("name", ["celeba", "unsup3d-celeba_v1.2", "my weights (2)", "größe", "a" * 150])
def test_plain_names_are_taken(name: str) -> None:
    check_name(name)
    assert parse_value(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "../../escaped",
        "/tmp/absolute",
        "a/b",
        "a\\b",
        "C:x",
        "",
        ".",
        "..",
        ".hidden",
        "ends.",
        "ends ",
        " begins",
        "nul\0byte",
        "two\nlines",
        "a" * 151,
        "ü" * 76,
        "CON",
        "nul.v2",
        "com1",
        "a,b",
        "12",
        "1e400",
        "true",
        "null",
        "~home",
        "\udcff",
    ],
)
def test_other_names_are_refused_before_anything_is_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"weights cannot be called .*expected a plain name") as caught:
        import_weights_command("pdr", tmp_path / "absent.pth", name, tmp_path / "store")
    assert len(str(caught.value)) < 300
    assert not (tmp_path / "store").exists()
