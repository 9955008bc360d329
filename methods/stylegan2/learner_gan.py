"""Training the generator against its discriminator, with a moving average of the generator as the result.

Karras et al., CVPR 2020: non-saturating logistic loss, lazy R1 regularisation (section 3.1), style mixing. Path length
regularisation is left out: it doubles the cost of the steps that have it, for smoothness that W+ codes do not need.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor

from methods.learning import Learner, Losses, Schedule
from methods.ranges import signed
from methods.stylegan2.discriminator import Discriminator
from methods.stylegan2.generator import Generator
from methods.stylegan2.losses import discriminator_loss, generator_loss, gradient_penalty

# R1 is added to every 16th discriminator step, 16 times as strong.
EVERY = 16
# Early on the average covers this share of the images seen so far, so that it does not hold the random start.
RAMP_UP = 0.05


class GANLearner(Learner):
    """Phases `discriminator` and `generator`; both see batches of the same size.

    Parameters
    ----------
    average: the generator that becomes the moving average. Training starts from a copy of it.
    gamma: weight of R1.
    half_life: images over which the moving average forgets half.
    mixing: share of generated images whose styles come from two latents.
    """

    def __init__(
        self,
        average: Generator,
        discriminator: Discriminator,
        schedule: Schedule,
        *,
        gamma: float,
        half_life: float,
        mixing: float,
    ) -> None:
        super().__init__()
        self.average = average
        self.generator = copy.deepcopy(average)
        self.discriminator = discriminator
        self.schedule = schedule
        self.gamma = gamma
        self.half_life = half_life
        self.mixing = mixing
        self.batch = 0
        self.shown = 0

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for each side, with the paper's rates for lazy regularisation."""
        rate = self.schedule.learning_rate
        # Of EVERY + 1 gradients (the penalty's is one) EVERY are taken; the rates make up for it (appendix B).
        lazy = EVERY / (EVERY + 1)
        return {
            "discriminator": torch.optim.Adam(
                self.discriminator.parameters(), lr=rate * lazy, betas=(0.0, 0.99**lazy), eps=1e-8
            ),
            "generator": torch.optim.Adam(self.generator.parameters(), lr=rate, betas=(0.0, 0.99), eps=1e-8),
        }

    def forward(self, images: Float[Tensor, "b 3 h w"], *, phase: str, step: int, generator: torch.Generator) -> Losses:
        """The logistic loss of the phase's side, and R1 in every 16th step of the discriminator."""
        if phase == "generator":
            return {"loss": generator_loss(self.discriminator(self.fakes(images, generator)))}
        self.batch, self.shown = len(images), (step + 1) * len(images)
        real = signed(images)
        with torch.no_grad():
            fake = self.fakes(images, generator)
        penalised = step % EVERY == 0
        logits = self.discriminator(real.requires_grad_(penalised))
        loss = discriminator_loss(logits, self.discriminator(fake))
        losses = {"loss": loss, "logistic": loss}
        if penalised:
            losses["r1"] = gradient_penalty(logits, real)
            losses["loss"] = loss + EVERY * self.gamma / 2 * losses["r1"]
        return losses

    def fakes(self, images: Float[Tensor, "b 3 h w"], generator: torch.Generator) -> Float[Tensor, "b 3 h w"]:
        """As many generated images, in about [-1, 1]; a share of them with the styles of two latents."""
        architecture = self.generator.architecture
        count, styles = len(images), architecture.styles
        z = torch.randn(2 * count, architecture.style_dim, generator=generator).to(images.device)
        # The style from which on the second latent counts; `styles` where it never does.
        crossover = torch.randint(1, styles, (count,), generator=generator)
        crossover[torch.rand(count, generator=generator) >= self.mixing] = styles
        second = (torch.arange(styles) >= crossover[:, None]).to(images.device)[:, :, None]
        first_w, second_w = self.generator.style(z).chunk(2)
        w_plus = torch.where(second, self.generator.broadcast(second_w), self.generator.broadcast(first_w))
        return self.generator.synthesize(w_plus, noise=generator)

    @torch.no_grad()
    def after_step(self) -> None:
        """Move the average towards the generator."""
        half_life = min(self.half_life, RAMP_UP * self.shown)
        kept = 0.5 ** (self.batch / half_life)
        pairs = list(zip(self.average.parameters(), self.generator.parameters(), strict=True))
        torch._foreach_lerp_([old for old, _ in pairs], [new for _, new in pairs], 1 - kept)

    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        """Never called: a GAN has no validation loss, so its schedule holds nothing out."""
        raise NotImplementedError("a GAN has no validation loss: its schedule holds nothing out")
