"""Shared by all tests: enforced tensor shapes, the golden folder, and where real photographs may lie."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Every shape in a signature is checked at each call while the tests run.
install_import_hook(["methods", "tasks", "datasets"], "beartype.beartype")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", type=Path, default=GOLDEN, help="folder of the golden .npz files")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with a `golden_file` argument and a `golden("renderer_*.npz")` mark runs once per file."""
    if "golden_file" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("golden")
    assert marker is not None, f"{metafunc.definition.nodeid} takes golden_file: mark it with golden(glob)"
    folder: Path = metafunc.config.getoption("--golden")
    files = sorted(folder.glob(marker.args[0]))
    assert files, f"no golden file {marker.args[0]} in {folder}"
    metafunc.parametrize("golden_file", files, ids=[path.stem for path in files])


@pytest.fixture
def real_data() -> Path:
    """The folder of real photographs in the official layouts: $BENCH_REAL_DATA, else ../shared/real."""
    root = Path(os.environ.get("BENCH_REAL_DATA", Path(__file__).parents[2] / "shared" / "real"))
    if not root.is_dir():
        pytest.skip(f"no real photographs at {root}: set BENCH_REAL_DATA")
    return root
