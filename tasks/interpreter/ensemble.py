"""The classifiers of an ensemble side by side, and what they say together: a vote, and how far they disagree.

Zhang et al., "DatasetGAN", CVPR 2021, section 3.1. The layers are numbered as in the released code, so that the weights
of one of its classifiers, with an axis of length one in front, load as they are.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

# Classifiers of an ensemble.
MEMBERS = 10
# From so many outputs on, the hidden layers are the wide ones.
MANY = 32
NARROW, WIDE = (128, 32), (256, 128)
# Standard deviation of the weights at first; biases start at 0.
INITIAL = 0.02
# Values of the widest layer that are held at once where pixels are classified.
HELD = 2**23


def hidden_widths(outputs: int) -> tuple[int, int]:
    """Channels of the two hidden layers, by the number of outputs."""
    return NARROW if outputs < MANY else WIDE


class Linears(nn.Module):
    """A linear layer of each member: `weight` (members, outputs, inputs) and `bias` (members, outputs)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(INITIAL * torch.randn(members, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(members, outputs))

    def forward(self, x: Float[Tensor, "*m n inputs"]) -> Float[Tensor, "m n outputs"]:
        """Of inputs of each member's own (members, n, inputs), or of the same for all (n, inputs)."""
        if x.ndim == 2:
            flat = F.linear(x, self.weight.flatten(0, 1), self.bias.flatten())
            return flat.view(len(x), *self.bias.shape).transpose(0, 1)
        return torch.baddbmm(self.bias[:, None], x, self.weight.transpose(1, 2))


class Norms(nn.Module):
    """Batch normalisation of each member's channels (eps 1e-5, momentum 0.1)."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, members: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, channels))
        self.bias = nn.Parameter(torch.zeros(members, channels))
        self.register_buffer("running_mean", torch.zeros(members, channels))
        self.register_buffer("running_var", torch.ones(members, channels))

    def forward(self, x: Float[Tensor, "m n c"]) -> Float[Tensor, "m n c"]:
        """Normalised by the batch's own statistics in training, by the running ones in eval mode."""
        # A member's channels are channels like any others: one call for all members.
        flat = x.transpose(0, 1).flatten(1)
        own = (self.running_mean.view(-1), self.running_var.view(-1), self.weight.view(-1), self.bias.view(-1))
        found = F.batch_norm(flat, *own, training=self.training)
        return found.view(len(flat), *self.weight.shape).transpose(0, 1)


class Ensemble(nn.Module):
    """Classifiers of one pixel each, of three linear layers; after the first two a ReLU and *then* batch normalisation.

    Parameters
    ----------
    features: values of a pixel.
    outputs: classes, or heat maps.
    members: classifiers; each has weights of its own.
    """

    def __init__(self, features: int, outputs: int, members: int = MEMBERS) -> None:
        super().__init__()
        first, second = hidden_widths(outputs)
        self.features, self.outputs, self.members = features, outputs, members
        self.block = max(1, HELD // (members * first))
        self.layers = nn.Sequential(
            Linears(members, features, first),
            nn.ReLU(),
            Norms(members, first),
            Linears(members, first, second),
            nn.ReLU(),
            Norms(members, second),
            Linears(members, second, outputs),
        )

    def forward(self, x: Float[Tensor, "*m n d"]) -> Float[Tensor, "m n outputs"]:
        """Logits of pixels: each member's own (members, n, d), or the same for all (n, d)."""
        logits: Tensor = self.layers(x)
        return logits

    @torch.no_grad()
    def judge(self, x: Float[Tensor, "n d"]) -> "Judged":
        """What the members say of pixels, a block of them at a time; in eval mode."""
        parts = [judged(self(part.float())) for part in torch.split(x, self.block)]
        return Judged(torch.cat([part.label for part in parts]), torch.cat([part.uncertainty for part in parts]))

    @torch.no_grad()
    def regress(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, " n"]]:
        """The mean of the members' outputs, and their variance, that of all outputs averaged; in eval mode, a block of
        pixels at a time."""
        found = [torch.var_mean(self(part.float()), dim=0, correction=0) for part in torch.split(x, self.block)]
        return torch.cat([mean for _, mean in found]), torch.cat([variance.mean(dim=1) for variance, _ in found])


def new_ensemble(features: int, outputs: int, seed: int, members: int = MEMBERS) -> Ensemble:
    """An ensemble with initial weights from the stream `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Ensemble(features, outputs, members)


@dataclass(frozen=True)
class Judged:
    """What an ensemble says of pixels: `label` (uint8) by majority vote, and `uncertainty` (see `disagreement`)."""

    label: UInt8[Tensor, " n"]
    uncertainty: Float[Tensor, " n"]


def judged(logits: Float[Tensor, "m n k"]) -> Judged:
    """The vote and the disagreement of members' logits."""
    return Judged(elected(votes(logits)), disagreement(logits))


def votes(logits: Float[Tensor, "m n k"]) -> Int[Tensor, "n k"]:
    """How many members name each class."""
    classes = logits.shape[-1]
    return F.one_hot(logits.argmax(dim=-1), classes).sum(dim=0)


def elected(counts: Int[Tensor, "n k"]) -> UInt8[Tensor, " n"]:
    """The class of most votes, of equal ones the smallest."""
    classes = counts.shape[1]
    # arg max may take any of equal values: none are left equal.
    first: Tensor = counts * classes - torch.arange(classes, device=counts.device)
    return first.argmax(dim=1).to(torch.uint8)


def disagreement(logits: Float[Tensor, "m n k"]) -> Float[Tensor, " n"]:
    """The members' Jensen-Shannon divergence: the entropy of their mean probability less the mean of their entropies.

    Natural logarithm; 0 where all say the same, ln(classes) at most.
    """
    log = logits.float().log_softmax(dim=-1)
    each = -(log.exp() * log).sum(dim=-1).mean(dim=0)
    mean = log.exp().mean(dim=0)
    difference: Tensor = torch.special.entr(mean).sum(dim=-1) - each
    return difference.clamp(min=0)
