"""Training the encoder on a frozen generator.

Tov et al., "Designing an Encoder for StyleGAN Image Manipulation", SIGGRAPH 2021, sections 4 and 5. Of its losses the
reconstruction's squared error and the regularisation of the offsets are here, and styles get offsets of their own one
after the other. Left out are LPIPS and the identity loss, which need networks trained on other images, and the latent
discriminator, which keeps codes close to W: here the codes of generated images, whose w is known, do that.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from methods.learning import Learner, Losses, Schedule
from methods.ranges import signed, unsigned
from methods.stylegan2.losses import offset_size
from methods.stylegan2.networks import Networks


class E4ELearner(Learner):
    """Trains `networks.encoder`; its one phase is `encoder`.

    Parameters
    ----------
    latent_weight: weight of the squared error of the w of generated images, as many as there are real ones.
    offset_weight: weight of the offsets' regularisation (the paper's lambda_d-reg).
    start, every: the step from which style 1 has an offset of its own, and the steps until the next one gets it.
    """

    def __init__(
        self,
        networks: Networks,
        schedule: Schedule,
        *,
        latent_weight: float,
        offset_weight: float,
        start: int,
        every: int,
    ) -> None:
        super().__init__()
        self.networks = networks
        self.schedule = schedule
        self.latent_weight = latent_weight
        self.offset_weight = offset_weight
        self.start = start
        self.every = every
        self.step = 0

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on the encoder; the generator stays as it is."""
        return {
            "encoder": torch.optim.Adam(
                self.networks.encoder.parameters(),
                lr=self.schedule.learning_rate,
                weight_decay=self.schedule.weight_decay,
            )
        }

    @property
    def stage(self) -> int:
        """The last style that has an offset of its own."""
        return 0 if self.step < self.start else 1 + (self.step - self.start) // self.every

    def forward(self, images: Float[Tensor, "b 3 h w"], *, phase: str, step: int, generator: torch.Generator) -> Losses:
        """Reconstruction and offsets of real images, and the w of generated ones where that has a weight."""
        self.step = step
        losses = self.validate(images)
        if self.latent_weight:
            losses["latent"] = self.latent_loss(len(images), generator)
            losses["loss"] = losses["loss"] + self.latent_weight * losses["latent"]
        return losses

    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        """Reconstruction and offsets, without generated images."""
        codes = self.networks.invert(images, stage=self.stage).float()
        error = F.mse_loss(self.networks.generator.synthesize(codes), signed(images))
        offsets = offset_size(codes)
        return {"loss": error + self.offset_weight * offsets, "mse": error, "offsets": offsets}

    def latent_loss(self, count: int, generator: torch.Generator) -> Float[Tensor, ""]:
        """Squared error of the codes of generated images, whose styles are all one w."""
        gan = self.networks.generator
        z = torch.randn(count, gan.architecture.style_dim, generator=generator).to(self.networks.latent_avg.device)
        with torch.no_grad():
            w_plus = gan.broadcast(gan.style(z))
            images = unsigned(gan.synthesize(w_plus, noise=generator))
        return F.mse_loss(self.networks.invert(images, stage=self.stage).float(), w_plus)
