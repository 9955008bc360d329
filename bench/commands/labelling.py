"""What the commands on labelled images share: the cell of `few_shot_parts` with the generator trained."""

from collections.abc import Sequence
from pathlib import Path

from bench.grid.catalogue import METHODS
from bench.grid.request import Options
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.single import single, walked
from bench.pipeline.specs import task_spec
from bench.pipeline.status import CellStatus
from bench.pipeline.store import Store
from datasets.base import Progress
from datasets.errors import BenchError, NotApplicable
from methods.base import CAPABILITIES
from methods.datasetgan.method import DatasetGAN

TASK = "few_shot_parts"


def ready(
    method: str,
    out: Path,
    *,
    profile: str | None,
    data_root: Path | None,
    data: str | None,
    seed: int,
    settings: Sequence[str],
    protocol: str,
    device: str,
    store: Path,
    progress: Progress,
) -> tuple[Cell, CellStatus, Context]:
    """The cell, with its data decoded and its generator trained, and where it computes.

    Raises BenchError where the method is no generator, or `out` is there already.
    """
    entry = METHODS.get(method)
    cls = entry.load()
    if not (isinstance(cls, type) and issubclass(cls, DatasetGAN)):
        raise NotApplicable(f"{entry.name} {CAPABILITIES['training_pairs']}: expected datasetgan")
    if out.exists() or out.is_symlink():
        raise BenchError(f"--out {out} is there already: name a folder that is not")
    request = Options(
        methods=method,
        tasks=TASK,
        profile=profile,
        data_root=data_root,
        data=data,
        settings=settings,
        protocol=protocol,
        device=device,
        seeds=str(seed),
        baselines=False,
    ).request()
    context = Context.of(request, Store(store), progress)
    cell = single(request, task_spec(request.tasks[0], request), context.store)
    return cell, walked(cell, context), context
