"""`bench calibrate` and `bench check`."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.grid.request import Options, Request
from bench.pipeline.cell import cells
from bench.pipeline.environment import environment
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.checked import FORMATS, Checked, Outcome
from bench.results.regression import Reference, Suite, calibrated, changed, findings, void
from bench.run import SIGNALLED, Run
from bench.streams import say
from bench.terminal import Terminal
from bench.training.device import resolve_device
from datasets.errors import BenchError

FOLDER = Path(__file__).parents[2] / "results" / "reference"

CODES: dict[Outcome, int] = {"same": 0, "differs": 1, "void": 3, "crashed": 4}
# The folder of suites in a store; their tables and reports lie in it too.
SUITES = "suites"
# How many threads a cell has when the numeric noise is measured: sums are then added up in another order.
OTHER_THREADS = 2


def calibrate_command(runs: int, suite: Suite, output: Path | None, store: Path) -> int:
    """Run a suite with seeds 0 to `runs` - 1, and seed 0 once more, and write its reference."""
    if runs < 2:
        raise BenchError(f"--runs {runs}: a standard deviation needs at least 2 runs")
    console = Terminal()
    place = suite_store(store)
    records = [_run(_request(suite, seed), place, console) for seed in range(runs)]
    console.print("seed 0 once more, with another number of threads")
    with TemporaryDirectory(prefix="calibrate-") as folder:
        elsewhere = Store(Path(folder) / "store")
        again = _run(_request(suite, 0, threads=OTHER_THREADS), elsewhere, console)
    reference = calibrated(suite, records, again, place, datetime.now(UTC))
    path = output or FOLDER / f"{suite.profile}.json"
    reference.write(path)
    widest = max(
        (
            (measured.limit, name, metric)
            for name, cell in reference.cells.items()
            for metric, measured in cell.metrics.items()
        ),
        default=None,
    )
    console.print(f"{path}: {len(reference.cells)} cells, {runs} seeds")
    if widest is not None:
        console.print(f"widest limit: {widest[0]:.3f}, {widest[2]} of {widest[1]}")
    return 0


def check_command(path: Path, store: Path, form: str = "text", *, quiet: bool = False) -> int:
    """Run a reference's suite and compare; see `bench check --help` for the exit codes.

    What it came to goes to standard output in the format `form`, and how far the suite is to standard error; that not
    where it is to be `quiet`.
    """
    if form not in FORMATS:
        raise BenchError(f"unknown format {form!r}: expected one of {', '.join(FORMATS)}")
    reference = Reference.read(path)
    measured = sum(len(cell.metrics) for cell in reference.cells.values())
    checked = Checked(path.name, reference.calibrated, tuple(reference.cells), measured)
    if reasons := void(reference, environment(resolve_device("auto"))):
        checked = replace(checked, reasons=tuple(reasons))
    else:
        place = suite_store(store)
        console = Terminal(stderr=True, quiet=quiet)
        records = _run(_request(reference.suite, reference.seeds[0]), place, console)
        found = tuple(findings(reference, records, place))
        checked = replace(checked, findings=found, moved=changed(reference, records))
    say(FORMATS[form](checked))
    return CODES[checked.outcome]


def suite_store(root: Path) -> Store:
    """The store of suites, within the one of runs: whatever looks for a run's records never finds those of a suite."""
    return Store(Store(root).root / SUITES / "store")


def _request(suite: Suite, seed: int, threads: int = 1) -> Request:
    options = Options(suite.methods, suite.tasks, suite.profile, data="synthetic", seeds=str(seed), threads=threads)
    # One seed is compared with one: the rows whose seeds are nearly free have no others here.
    return replace(options.request(), baselines=False)


def _run(request: Request, store: Store, console: Console) -> list[Record]:
    """The records of one run, in the order of its plan. Ctrl-C ends the command; what was run stays in the store."""
    run = Run(request, store, cells(request, store), console, "check", mirror=False)
    if run.go() > SIGNALLED:
        raise KeyboardInterrupt
    return run.records
