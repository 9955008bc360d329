"""What all stages of a grid's cells share."""

from dataclasses import dataclass
from typing import Any

from bench.grid.request import THREADS, Request
from bench.pipeline.data import Data
from bench.pipeline.store import Store
from bench.training.device import resolve_device
from datasets.base import Progress, Silent


@dataclass(frozen=True)
class Context:
    """Where stages compute, what they read, and where they keep it.

    Attributes
    ----------
    device: `cpu` or `cuda`.
    progress: shows how far long work is.
    run: identity of the invocation that computes, which every artifact bears.
    force: whether only what this very run has computed counts as being there. Several processes of one run so compute
        everything anew, and each thing once.
    threads: how many a stage computes on. Keys hold it; whoever runs the cells leaves it as it is.
    """

    device: str
    store: Store
    data: Data
    progress: Progress
    run: str = ""
    force: bool = False
    threads: int = THREADS

    @property
    def hardware(self) -> dict[str, Any]:
        """What of the machine numbers depend on, for a key."""
        return {"device": self.device, "threads": self.threads}

    @classmethod
    def of(cls, request: Request, store: Store, progress: Progress | None = None, *, run: str = "") -> "Context":
        """The context of a request's cells."""
        return cls(
            device=resolve_device(request.device),
            store=store,
            data=Data.of(request, store.data),
            progress=Silent() if progress is None else progress,
            run=run,
            force=request.force,
            threads=request.threads,
        )
