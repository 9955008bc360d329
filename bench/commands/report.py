"""`bench report`: one HTML page of a run."""

import webbrowser
from pathlib import Path

from bench.execution.invocations import Invocation, invocations, path_of
from bench.pipeline.store import Store
from bench.results.report import report_path, write_report
from bench.streams import say
from datasets.errors import BenchError


def report_command(run: str | None, output: Path | None, *, open_page: bool, store: Path) -> None:
    """Write the page of the run named (by default the latest), and open it if asked."""
    place = Store(store)
    invocation = chosen_run(run, place)
    records = invocation.records(place.root)
    if not records:
        raise BenchError(f"run {invocation.id} has no records: nothing to report")
    target = output or report_path(place, invocation)
    write_report(invocation, records, place, target)
    say(target)
    if open_page:
        webbrowser.open(target.resolve().as_uri())


def chosen_run(run: str | None, store: Store) -> Invocation:
    """The invocation of an identity, or the latest."""
    if run is not None:
        return Invocation.read(path_of(store.root, run))
    known = [invocation for invocation in invocations(store.root) if invocation.cells]
    if not known:
        raise BenchError(f"no run in {store.root}: start with python -m bench run --methods all --tasks bbt,buffy")
    return known[-1]
