"""StyleGAN2 with e4e as a method: an image's features are its code in W+."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.base import Domain, Method, ProtocolName, Trainer
from methods.ranges import unsigned
from methods.stylegan2 import checkpoints
from methods.stylegan2.architecture import FFHQ
from methods.stylegan2.config import PROFILES, RELEASED, StyleGAN2E4EConfig
from methods.stylegan2.discriminator import Discriminator
from methods.stylegan2.learner_e4e import E4ELearner
from methods.stylegan2.learner_gan import GANLearner
from methods.stylegan2.networks import Networks, resized
from methods.stylegan2.taps import bounded_taps


class StyleEncoder(nn.Module):
    """Images in [0, 1] (b, 3, s, s) to their codes in W+, flattened: (b, layers * style_dim)."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.networks = networks

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The codes, flattened."""
        return self.networks.invert(images).flatten(1)


class StyleGAN2E4E(Method):
    """A StyleGAN2 generator and the e4e encoder that inverts it; features are W+, 18 x 512 values at full size.

    The official weights are loaded (`methods.stylegan2.checkpoints` says which file is used for what), or, with
    `train`, a generator and an encoder of the source images' size are trained one after the other.
    """

    Config = StyleGAN2E4EConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = PROFILES
    domains: ClassVar[tuple[Domain, ...]] = ("faces",)
    provides: ClassVar[frozenset[str]] = frozenset({"features", "encoder", "groups", "pixel_features"})
    cites: ClassVar[tuple[str, ...]] = ("karras2020stylegan2", "tov2021e4e")
    trains: ClassVar[bool] = True

    def __init__(self, config: StyleGAN2E4EConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        settings: StyleGAN2E4EConfig = self.config
        architecture = settings.architecture
        self.image_size = settings.input_size
        # Weights that are loaded need not be made up first: the official ones take 1.2 GB.
        with torch.device("cpu" if settings.train else "meta"):
            self.module: Networks = Networks(architecture, encoder_input=settings.encoder_input)
        self.encode_batch = 256 if self.module.encoder_side <= 64 else 16
        # Here and not in `fit`, so that it starts from the stream of the method's other weights.
        self.discriminator = Discriminator(architecture) if settings.train else None

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """The released code's input of the encoder."""
        return RELEASED if protocol == "released" else {}

    @classmethod
    def resolve(cls, config: StyleGAN2E4EConfig) -> StyleGAN2E4EConfig:
        """Fill in the official files that are found, and check them."""
        if config.train or config.weights:
            return config
        encoder = config.encoder or checkpoints.found(checkpoints.ENCODER_FILE)
        if encoder is None:
            return config
        generator = config.generator or checkpoints.found(checkpoints.GENERATOR_FILE)
        resolved = config.model_copy(update={"encoder": encoder, "generator": generator})
        cls._published(resolved, encoder)
        return resolved

    @classmethod
    def trains_with(cls, config: StyleGAN2E4EConfig) -> bool:
        """Whether no official encoder is named or found."""
        return config.encoder is None

    @classmethod
    def size_for(cls, config: StyleGAN2E4EConfig) -> int:
        """The size of the images that a generator of this resolution is trained on."""
        return config.input_size

    @classmethod
    def check_resources(cls, config: StyleGAN2E4EConfig) -> None:
        """Raise WeightsMissing where nothing is trained and no official encoder is there."""
        if not config.train and config.encoder is None:
            raise checkpoints.missing()

    def load_published(self) -> None:
        """Load the official files, where they are named or found."""
        if self.config.encoder is not None:
            self.module.load_state_dict(self._published(self.config, self.config.encoder), assign=True)

    @staticmethod
    def _published(config: StyleGAN2E4EConfig, encoder: str) -> dict[str, Tensor]:
        generator = None if config.generator is None else Path(config.generator)
        return checkpoints.load(config.architecture, Path(encoder), generator)

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        """Train the generator (`gan`), then the encoder that inverts it (`e4e`)."""
        settings: StyleGAN2E4EConfig = self.config
        self.check_resources(settings)
        assert self.discriminator is not None
        gan = trainer.train(
            GANLearner(
                self.module.generator,
                self.discriminator,
                settings.gan,
                gamma=settings.gamma,
                half_life=settings.half_life,
                mixing=settings.mixing,
            ),
            images,
            settings.gan,
            name="gan",
        )
        self.module.average_latent()
        self.module.generator.requires_grad_(False)
        learner = E4ELearner(
            self.module,
            settings.schedule,
            latent_weight=settings.latent_weight,
            offset_weight=settings.offset_weight,
            start=settings.offsets_start,
            every=settings.offsets_every,
        )
        e4e = trainer.train(learner, images, settings.schedule, name="e4e")
        self.module.generator.requires_grad_(True)
        return {"gan": gan, "e4e": e4e, "seconds": gan["seconds"] + e4e["seconds"]}

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The codes in W+, flattened."""
        return self.module.invert(images).flatten(1)

    def feature_groups(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b d"]]:
        """Coarse, middle and fine styles: those of up to 8 px, of 16 and 32 px, and of more (StyleGAN, section 3.1)."""
        w_plus = self.module.invert(images)
        found = {"coarse": w_plus[:, :4], "middle": w_plus[:, 4:8], "fine": w_plus[:, 8:]}
        return {name: styles.flatten(1) for name, styles in found.items() if styles.shape[1]}

    def pixel_features(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The generator's activations where it makes the images' inversions (`methods.stylegan2.taps`)."""
        return bounded_taps(self.module.generator, self.module.invert(images), images.shape[-1])

    def encoder(self) -> nn.Module:
        """The encoder with the average latent that its codes start from."""
        return StyleEncoder(self.module)

    @classmethod
    def import_weights(cls, path: Path) -> dict[str, Tensor]:
        """The official encoder's file, with the generator in it."""
        return checkpoints.load(FFHQ, path)

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """Images, what the generator makes of their codes, and images that it makes of latents drawn."""
        count, side = len(images), images.shape[-1]
        shown = {"inversion": unsigned(self.module.generator.synthesize(self.module.invert(images)))}
        shown |= {name: self.module.samples(count, name) for name in ("sample", "another sample")}
        return {"input": images, **{name: resized(picture, side) for name, picture in shown.items()}}

    def notes(self) -> list[str]:
        """Where the weights are from, and what a small model and its training leave out."""
        settings: StyleGAN2E4EConfig = self.config
        if settings.weights is not None:
            return []
        if not settings.train:
            names = [Path(file).name for file in (settings.generator, settings.encoder) if file]
            return [f"generator and encoder from {' and '.join(names)}"]
        side = settings.architecture.resolution
        count = sum(parameter.numel() for parameter in self.module.parameters())
        return [
            f"small StyleGAN2 ({side} px, {count:,} parameters with its encoder) trained here on the training images, "
            "not the official FFHQ weights",
            "e4e trained without LPIPS, identity loss and latent discriminator",
        ]
