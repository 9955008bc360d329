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
from bench.results.regression import Reference, Suite, calibrated, changed, findings, void
from bench.run import SIGNALLED, Run
from bench.terminal import Terminal
from bench.training.device import resolve_device
from datasets.errors import BenchError

FOLDER = Path(__file__).parents[2] / "results" / "reference"

SAME, REGRESSION, VOID, CRASH = 0, 1, 3, 4
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


def check_command(path: Path, store: Path) -> int:
    """Run a reference's suite and compare; see `bench check --help` for the exit codes."""
    reference = Reference.read(path)
    console = Terminal()
    reasons = void(reference, environment(resolve_device("auto")))
    if reasons:
        for reason in reasons:
            console.print(f"void: {reason}", soft_wrap=True)
        console.print("the comparison would mean nothing here: make a reference with `bench calibrate`")
        return VOID
    place = suite_store(store)
    records = _run(_request(reference.suite, reference.seeds[0]), place, console)
    found = findings(reference, records, place)
    for finding in found:
        console.print(f"{finding.kind}: {finding.cell}: {finding.text}", soft_wrap=True)
    measured = sum(len(cell.metrics) for cell in reference.cells.values())
    console.print(
        f"{len(reference.cells)} cells, {measured} metrics compared with {path.name} "
        f"of {reference.calibrated:%Y-%m-%d}: {_outcome(len(found), changed(reference, records))}",
    )
    if any(finding.kind == "crash" for finding in found):
        return CRASH
    return REGRESSION if found else SAME


def suite_store(root: Path) -> Store:
    """The store of suites, within the one of runs: whatever looks for a run's records never finds those of a suite."""
    return Store(Store(root).root / SUITES / "store")


def _outcome(differing: int, moved: int) -> str:
    """In words; a number that moved within its limit is no regression, but worth knowing."""
    if differing:
        return f"{differing} differ"
    return f"no more than by chance, but {moved} changed" if moved else "same"


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
