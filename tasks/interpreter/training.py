"""Training an ensemble on pixels: batches of each member's own order, and when each member stops."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.nn import functional as F

from datasets.base import Progress
from datasets.errors import Divergence
from datasets.streams import generator
from tasks.interpreter.ensemble import Ensemble

# A loss of outputs (members, b, k) and targets (members, b) or (members, b, k): one number per member.
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Pace:
    """How long members are trained; the defaults are the released code's.

    Attributes
    ----------
    batch: pixels per step of each member; learning_rate: Adam's.
    epochs: at most. The incomplete last batch of an epoch is left out, other pixels in every epoch.
    warm: epochs before a member may stop.
    patience: batches after them, one after another, without a loss below the best since then, after which one more
        ends a member's training.
    """

    batch: int = 64
    learning_rate: float = 1e-3
    epochs: int = 100
    warm: int = 4
    patience: int = 50


@dataclass
class Stopping:
    """When one member has had enough, from the losses of its single batches."""

    warm: int = 4
    patience: int = 50
    best: float = field(default=float("inf"), init=False)
    waited: int = field(default=0, init=False)

    def after(self, epoch: int, loss: float) -> bool:
        """Whether this batch of an epoch, from 0, was the last."""
        if epoch < self.warm:
            return False
        if loss < self.best:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        return self.waited > self.patience


def cross_entropy(logits: Float[Tensor, "m b k"], targets: Int[Tensor, "m b"]) -> Float[Tensor, " m"]:
    """Each member's mean cross-entropy."""
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return losses.view(targets.shape).mean(dim=1)


def squared_error(heat: Float[Tensor, "m b k"], targets: Float[Tensor, "m b k"]) -> Float[Tensor, " m"]:
    """Each member's mean squared error."""
    return (heat - targets).square().mean(dim=(1, 2))


def train(
    ensemble: Ensemble,
    rows: Shaped[Tensor, "n d"],
    targets: Shaped[Tensor, "n *k"],
    pace: Pace,
    *,
    seed: int,
    progress: Progress,
    what: str,
    loss: Loss = cross_entropy,
) -> list[int]:
    """Train all members side by side, each in an order of its own, and leave them in eval mode.

    A member that has stopped keeps the weights that it had then. `rows` may be in half precision; a batch is widened.

    Returns the batches that each member took.

    Raises Divergence where a loss is not finite.
    """
    members, count = ensemble.members, len(rows)
    batch = min(pace.batch, count)
    per_epoch = count // batch
    optimizer = torch.optim.Adam(ensemble.parameters(), lr=pace.learning_rate, fused=True)
    rules = [Stopping(pace.warm, pace.patience) for _ in range(members)]
    taken: list[int] = [0] * members
    finished: dict[int, dict[str, Tensor]] = {}
    ensemble.train()
    for epoch, order in enumerate(_orders(members, count, pace.epochs, seed)):
        order = order[:, : per_epoch * batch].to(rows.device)
        steps = range(per_epoch)
        for step in progress.track(steps, total=per_epoch, what=f"{what}: epoch {epoch + 1}"):
            chosen = order[:, step * batch : (step + 1) * batch]
            found = loss(ensemble(rows[chosen].float()), targets[chosen])
            optimizer.zero_grad()
            found.sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            for member, value in enumerate(found.tolist()):
                if member in finished:
                    continue
                if not abs(value) < float("inf"):
                    raise Divergence(f"{what}: the loss of classifier {member + 1} is {value} in epoch {epoch + 1}")
                taken[member] += 1
                if rules[member].after(epoch, value):
                    finished[member] = {name: own[member].clone() for name, own in ensemble.state_dict().items()}
            if len(finished) == members:
                break
        if len(finished) == members:
            break
    with torch.no_grad():
        for name, own in ensemble.state_dict().items():
            for member, state in finished.items():
                own[member] = state[name]
    ensemble.requires_grad_(False).eval()
    return taken


def _orders(members: int, count: int, epochs: int, seed: int) -> Iterator[Int[Tensor, "m n"]]:
    """The order of the pixels for each member, epoch by epoch."""
    for epoch in range(epochs):
        rows = [generator(seed, "order", member, epoch).permutation(count) for member in range(members)]
        yield torch.stack([torch.from_numpy(row) for row in rows])
