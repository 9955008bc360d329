"""Shared by all tests: enforced tensor shapes, the golden folder, and the real photographs where there are any."""

import os
import signal
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Every shape in a signature is checked at each call while the tests run.
install_import_hook(["bench", "methods", "tasks", "datasets"], "type_checker.checked")

# A shell that runs the tests in the background has them ignore Ctrl-C, and their child processes with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

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
    """The folder of real photographs in the official layouts, named by $BENCH_REAL_DATA."""
    name = os.environ.get("BENCH_REAL_DATA")
    if not name or not Path(name).is_dir():
        pytest.skip("no real photographs: set BENCH_REAL_DATA to a folder with one folder per dataset")
    return Path(name)
