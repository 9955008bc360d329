"""One cell by itself, outside any grid: one method with one seed, walked as far as its caller needs."""

from bench.grid.request import Request
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.specs import TaskSpec, method_spec
from bench.pipeline.status import CellStatus
from bench.pipeline.store import Store
from bench.pipeline.walk import Last, compute
from datasets.errors import BenchError, NotApplicable


def single(request: Request, task: TaskSpec, store: Store) -> Cell:
    """The cell of the one method and seed of a request on a task; the request's own tasks do not matter.

    Raises BenchError where it has several of either, or its settings do not fit the method.
    """
    if len(request.methods) != 1 or len(request.seeds) != 1:
        names = ", ".join(entry.name for entry in request.methods)
        raise BenchError(f"{names}: expected one method and one seed; call once for each")
    method = method_spec(request.methods[0], request, task.task.domain, store)
    return Cell(method, task, request.seeds[0], request.profile.name, request.protocol)


def walked(cell: Cell, context: Context, *, until: Last = "fit") -> CellStatus:
    """What is found or made of a cell, to its method's weights or as far as `until` says.

    Raises NotApplicable where the method has nothing for the task, and otherwise as `compute` does.
    """
    if cell.not_applicable is not None:
        raise NotApplicable(cell.not_applicable)
    status = CellStatus(cell)
    compute(status, context, until=until)
    return status
