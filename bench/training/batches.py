"""Batches of images (or other inputs), gathered and converted in a background thread while the step before them runs.

Only numpy works in that thread: a torch operation there would start a second pool of OpenMP threads, and the two
pools would fight for the same cores.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from datasets.errors import BenchError
from methods.learning import Sampler

S = TypeVar("S")
T = TypeVar("T")

AHEAD = 2


def prefetched(make: Callable[[S], T], items: Iterable[S], ahead: int = AHEAD) -> Generator[T, None, None]:
    """`map(make, items)`, computed in one background thread at most `ahead` items early.

    An error in `make` is raised where its item is due. Closing the iterator ends the thread.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
    pending: deque[Future[T]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(make, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def gather(
    images: Shaped[np.ndarray, "n *shape"], chosen: Int[np.ndarray, " b"], flips: Bool[np.ndarray, " b"] | None = None
) -> Shaped[np.ndarray, "b *shape"]:
    """Copies of the chosen images (n, s, s, 3), those marked in `flips` mirrored left to right; or of other rows."""
    batch = np.take(images, chosen, axis=0)
    if flips is not None and flips.any():
        batch[flips] = batch[flips, :, ::-1]
    return batch


Batch = tuple[Tensor, Tensor | None]


class Batches:
    """Epochs of batches of inputs, which may be a memory map, each with its targets if there are any.

    Images, uint8 (n, s, s, 3), arrive on the device as float32 (b, 3, s, s) in [0, 1], channels last in memory. To a
    GPU the bytes travel from pinned memory, a quarter of the floats, and are converted there. Other inputs, and
    targets, arrive as they are. With a `sampler`, it says what makes up a training batch, and of what size.
    """

    def __init__(
        self,
        images: Shaped[np.ndarray, "n *shape"],
        batch_size: int,
        device: torch.device | str,
        targets: Shaped[np.ndarray, "n *target"] | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        if targets is not None and len(targets) != len(images):
            raise ValueError(f"{len(targets)} targets for {len(images)} inputs")
        self.images = images
        self.targets = targets
        self.sampler = sampler
        self.batch_size = batch_size
        self.device = torch.device(device)

    def per_epoch(self, count: int) -> int:
        """Training batches in an epoch of `count` images.

        The incomplete last one is left out, because batch statistics and contrastive losses depend on the batch's
        size; another permutation leaves out other images. Fewer images than a batch make one batch of them all.
        """
        if self.sampler is not None:
            return max(1, self.sampler.per_epoch)
        return max(1, count // self.batch_size)

    def training(
        self, chosen: Int[np.ndarray, " n"], steps: int, order: np.random.Generator, flips: np.random.Generator | None
    ) -> Generator[Batch, None, None]:
        """The first `steps` batches of an epoch over `chosen` in random order, or as the sampler draws them from all
        inputs; mirrored at random by `flips`."""
        if self.sampler is None:
            size, shuffled = self.batch_size, order.permutation(chosen)
        else:
            drawn = self._drawn(self.sampler, steps, order)
            size, shuffled = drawn.shape[1], drawn.ravel()
        mirrored = None if flips is None else flips.random(len(shuffled)) < 0.5
        parts = [slice(i * size, (i + 1) * size) for i in range(steps)]
        return self._moved(parts, shuffled, mirrored)

    def _drawn(self, sampler: Sampler, steps: int, rng: np.random.Generator) -> Int[np.ndarray, "steps b"]:
        """The sampler's batches; a BenchError unless they are indices of the inputs."""
        found: object = sampler.draw(steps, rng)
        due = f"{type(sampler).__name__}.draw: expected indices of {len(self.images)} inputs, ({steps}, batch)"
        if not isinstance(found, np.ndarray) or found.ndim != 2 or len(found) != steps or found.dtype.kind not in "iu":
            shown = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
            raise BenchError(f"{due}; got {shown}")
        if found.size == 0 or found.min() < 0 or found.max() >= len(self.images):
            given = f"{found.min()} to {found.max()}" if found.size else "empty batches"
            raise BenchError(f"{due}; got {given}")
        return found

    def validation(self, chosen: Int[np.ndarray, " n"]) -> Generator[Batch, None, None]:
        """All of `chosen` in order; the last batch may be smaller."""
        starts = range(0, len(chosen), self.batch_size)
        return self._moved([slice(i, i + self.batch_size) for i in starts], chosen, None)

    def _moved(
        self, parts: list[slice], chosen: Int[np.ndarray, " n"], flips: Bool[np.ndarray, " n"] | None
    ) -> Generator[Batch, None, None]:
        on_gpu = self.device.type == "cuda"
        pictures = self.images.dtype == np.uint8

        def host(rows: np.ndarray) -> Tensor:
            return torch.from_numpy(rows).pin_memory() if on_gpu else torch.from_numpy(rows)

        def make(part: slice) -> Batch:
            targets = None if self.targets is None else host(np.take(self.targets, chosen[part], axis=0))
            batch = gather(self.images, chosen[part], None if flips is None else flips[part])
            if pictures and not on_gpu:
                return torch.from_numpy(batch.astype(np.float32) / np.float32(255)).permute(0, 3, 1, 2), targets
            return host(batch), targets

        with closing(prefetched(make, parts)) as made:
            for batch, targets in made:
                if not on_gpu:
                    yield batch, targets
                    continue
                moved = batch.to(self.device, non_blocking=True)
                yield (
                    moved.permute(0, 3, 1, 2).float().div_(255) if pictures else moved,
                    None if targets is None else targets.to(self.device, non_blocking=True),
                )
