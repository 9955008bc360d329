"""PDR's training objective for the shared loop: reconstruction, and LOOCC where it is on."""

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.streams import seed_for
from methods.base import Learner, Losses
from methods.pdr.config import PARAMETERS, PDRConfig
from methods.pdr.loocc import Perturbed, choose, nt_xent, perturb_light, perturb_view, unchanged
from methods.pdr.losses import ReconstructionLoss
from methods.pdr.model import Autoencoder, Reconstruction
from methods.pdr.networks import Networks
from methods.pdr.scene import look_up, shaded
from methods.ranges import signed

# What validation perturbs.
PERTURBED: dict[str, tuple[Perturbed, ...]] = {"none": (), "l": ("light",), "lv": ("light", "view")}


class PDRLearner(Learner):
    """One Adam over all networks (PDR, section 4.3).

    Losses: `loss`, `reconstruction`, `contrastive` (with LOOCC), and the reconstruction's parts.
    """

    def __init__(self, networks: Networks, config: PDRConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Autoencoder(networks, config)
        self.reconstruction = ReconstructionLoss(config)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One phase, `autoencoder`."""
        schedule = self.config.schedule
        adam = torch.optim.Adam(
            self.model.networks.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
        )
        return {"autoencoder": adam}

    def forward(self, images: Float[Tensor, "b 3 h w"], *, phase: str, step: int, generator: torch.Generator) -> Losses:
        """The losses of a batch, of which LOOCC perturbs one scene parameter."""
        which = () if self.config.loocc == "none" else (choose(self.config.loocc, generator),)
        return self._losses(images, which, generator)

    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        """As in training, but every batch is perturbed by the same numbers; in LOOCC-LV both ways, averaged."""
        generator = torch.Generator().manual_seed(seed_for(0, "pdr", "validate"))
        return self._losses(images, PERTURBED[self.config.loocc], generator)

    def _losses(
        self, images: Float[Tensor, "b 3 h w"], perturbed: tuple[Perturbed, ...], generator: torch.Generator
    ) -> Losses:
        result = self.model(signed(images))
        losses = self.reconstruction(result)
        loss = self.config.reconstruction_weight * losses["reconstruction"]
        if perturbed:
            terms = [self.contrastive(result, which, generator) for which in perturbed]
            losses["contrastive"] = torch.stack(terms).mean()
            loss = loss + self.config.loocc_weight * losses["contrastive"]
        return {"loss": loss, **{name: value.detach() for name, value in losses.items()}}

    def contrastive(
        self, result: Reconstruction, perturbed: Perturbed, generator: torch.Generator
    ) -> Float[Tensor, ""]:
        """Perturb one parameter of each scene, render, encode again, compare the features of the other three (or, where
        nothing is left out, of all four)."""
        kept = unchanged(perturbed) if self.config.leave_out else PARAMETERS
        again = self.model.networks.features(self.perturbed_image(result, perturbed, generator), kept)
        before, after = (torch.cat([found[name].float() for name in kept], dim=1) for found in (result.features, again))
        with torch.autocast(before.device.type, enabled=False):
            return nt_xent(before, after, self.config.temperature)

    def perturbed_image(
        self, result: Reconstruction, perturbed: Perturbed, generator: torch.Generator
    ) -> Float[Tensor, "b 3 s s"]:
        """The reconstruction under another light or from another view, 0 where the object does not cover it.

        Only what the change reaches is computed anew: another light leaves the rendered depth as it is, another view
        the shaded albedo. With the mask of `both`, pixels count that the object mirrored left-right covers too. As in
        the released code, which changes the views of plain and mirrored objects alike but apart, a mirrored object is
        seen from a random view of its own.
        """
        count = len(result.image)
        scenes = 2 * count if self.config.loocc_mask == "both" else count
        with torch.autocast(result.image.device.type, enabled=False):
            if perturbed == "light":
                light = perturb_light(result.light, self.config, generator)
                canonical = shaded(result.albedo[:count], light.shading(result.normal[:count]))
                rendered = result.rendered
            else:
                view = perturb_view(result.view.repeat(scenes // count, 1), self.config, generator)
                canonical = result.canonical_image[:count]
                rendered = self.model.scene.render(result.depth[:scenes], view)
            covered = rendered.covered[:scenes].view(-1, count, *rendered.covered.shape[1:]).all(dim=0)
            return look_up(canonical, rendered.grid[:count]) * covered[:, None]
