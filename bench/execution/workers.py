"""How many processes a run's cells are spread over."""

from bench.grid.request import Request
from datasets.cores import usable_cores

# Worker processes at most, unless more are asked for.
MOST_WORKERS = 4
# What one takes where nothing is known of its cells, MiB: torch alone takes half of it.
USUAL_MB = 1024.0


def worker_count(request: Request, device: str, memory_mb: float | None) -> int:
    """As many as were asked for, else one per core that this process may use, or one on a GPU, which they would have to
    share; and no more than fit into the memory that may be used.

    `memory_mb`: the largest peak that is known of a cell, MiB.
    """
    usual = 1 if device == "cuda" else min(max(1, usable_cores() // request.threads), MOST_WORKERS)
    wanted = request.jobs or usual
    if request.memory is None:
        return wanted
    return max(1, min(wanted, int(request.memory * 1024 / (memory_mb or USUAL_MB))))
