"""Retrieve in Style as a method: which style channels of StyleGAN2 belong to which part of the face in an image."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from datasets.base import Dataset, Progress
from datasets.blocks import to_float
from datasets.errors import BenchError
from datasets.layout import SPLITS
from datasets.streams import generator, seed_for
from methods.base import Domain, Method
from methods.ranges import signed, unsigned
from methods.ris.catalogue import PARTS, Catalogue, count_votes, elect, nearest
from methods.ris.config import PROFILES, RISConfig
from methods.ris.kmeans import spherical_kmeans
from methods.ris.membership import hard_membership, straight_through
from methods.ris.reader import CatalogueLayer, Reader, catalogue_activations
from methods.stylegan2.method import StyleGAN2E4E
from methods.stylegan2.networks import Networks, resized

# Images generated or inverted at once for the catalogue, where synthesis ends at 32 px.
BATCH = 20
# Colours in a picture, RGB in [0, 1].
COLOURS = {
    "nose": (0.90, 0.60, 0.00),
    "eyes": (0.34, 0.71, 0.91),
    "mouth": (0.80, 0.25, 0.20),
    "hair": (0.35, 0.20, 0.10),
    "background": (0.75, 0.75, 0.75),
    "cheeks": (0.95, 0.80, 0.70),
    "neck": (0.95, 0.90, 0.25),
    "clothes": (0.00, 0.45, 0.70),
}


class RISEncoder(nn.Module):
    """Images in [0, 1] (b, 3, s, s) to their memberships, flattened: the same zeros and ones as `RIS.encode`.

    Only e4e's encoder is trained. Gradients reach it through the generator, whose weights stay as they are, and
    through the soft membership in place of the thresholded one (straight-through); which cell of an image is which
    part is decided by the catalogue, which stays as it is too.
    """

    latent_avg: Tensor

    def __init__(self, networks: Networks, reader: Reader) -> None:
        super().__init__()
        self.encoder = networks.encoder
        self.encoder_side = networks.encoder_side
        self.reader = reader
        self.register_buffer("latent_avg", networks.latent_avg)
        networks.generator.requires_grad_(False)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Memberships, with gradients to e4e's encoder."""
        w_plus = self.encoder(signed(resized(images, self.encoder_side))).float() + self.latent_avg
        chunks = list(self.reader.chunks(w_plus))
        if len(chunks) == 1:
            return self._memberships(w_plus)
        # What does not fit into memory at once is computed again, chunk by chunk, on the way back.
        parts = [checkpoint(self._memberships, chunk, use_reentrant=False) for chunk in chunks]
        return torch.cat(parts)

    def _memberships(self, w_plus: Float[Tensor, "b layers style"]) -> Float[Tensor, "b d"]:
        with torch.autocast(w_plus.device.type, enabled=False):
            return straight_through(self.reader(w_plus), self.reader.keep).flatten(1)


class RIS(StyleGAN2E4E):
    """Features are the binary membership of all style channels in 8 parts: 8 x 9,088 zeros and ones at full size.

    The weights are those of StyleGAN2 and e4e. On top comes a catalogue: clusters of the activations of generated
    images, each mapped to the part that most pixels of segmented training images have in its cells.

    What is small in a small generator: the catalogue's layer is the one of 32 px, or of half the images' side where
    that is less (`methods.ris.reader`); entries left to the hair alone are those of the first four style layers, the
    2,048 of the official size.
    """

    Config = RISConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = PROFILES
    # The generator's maps are those of StyleGAN2 and e4e: a second row would say the same.
    provides: ClassVar[frozenset[str]] = StyleGAN2E4E.provides - {"pixel_features"}
    pixel_features = Method.pixel_features
    cites: ClassVar[tuple[str, ...]] = ("chong2021ris", *StyleGAN2E4E.cites)
    shares = StyleGAN2E4E
    derives_from = "celebamask"
    binary = True

    def __init__(self, config: RISConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self._reader: Reader | None = None
        self._source: str | None = None

    @property
    def reader(self) -> Reader:
        """Reads memberships by the catalogue in use; BenchError before there is one."""
        if self._reader is None:
            raise BenchError(
                "RIS has no catalogue of parts: `bench run` derives one from celebamask; elsewhere give what derive() "
                "returns to use()"
            )
        return self._reader

    def derive(self, dataset: Dataset, *, seed: int, progress: Progress) -> dict[str, Tensor]:
        """The catalogue: `centroids` (clusters, channels) and `part_of_cluster`, as `methods.ris.catalogue.Catalogue`.

        Spherical k-means on the squared activations of generated images, then a majority vote of the pixels of
        training images, segmented (`truth["parts"]`) and inverted by e4e.

        Raises BenchError where `dataset` has no segmented training image.
        """
        settings: RISConfig = self.config
        voters = self._voters(dataset, seed)
        rows = []
        drawn = torch.split(self._drawn(seed), BATCH)
        for w_plus in progress.track(drawn, total=len(drawn), what="ris: generate"):
            activations = catalogue_activations(self.module.generator, w_plus)
            rows.append(activations.square().movedim(1, -1).flatten(0, 2))
        centroids = spherical_kmeans(torch.cat(rows), settings.clusters, seed_for(seed, "k-means"))
        votes = torch.zeros(settings.clusters, len(PARTS), dtype=torch.int64, device=centroids.device)
        starts = range(0, len(voters), BATCH)
        for start in progress.track(starts, total=len(starts), what="ris: vote"):
            chosen = voters[start : start + BATCH]
            w_plus = self.module.invert(to_float(dataset.images[chosen], centroids.device))
            clusters = nearest(centroids, catalogue_activations(self.module.generator, w_plus))
            classes = torch.from_numpy(np.asarray(dataset.truth["parts"][chosen])).to(centroids.device)
            votes += count_votes(clusters, classes, settings.clusters)
        self._source = dataset.label
        return Catalogue(centroids, elect(votes, centroids)).tensors()

    def use(self, derived: Mapping[str, Tensor]) -> None:
        """Take a catalogue; BenchError where it does not fit this generator."""
        channels = CatalogueLayer(self.module.generator).channels
        self._reader = Reader(self.module.generator, Catalogue.read(derived, channels))

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Memberships of all style channels in the parts, thresholded to 0 and 1; BenchError before `use`."""
        reader = self.reader
        chunks = reader.chunks(self.module.invert(images))
        return torch.cat([hard_membership(reader(chunk), reader.keep).flatten(1) for chunk in chunks])

    def feature_groups(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b d"]]:
        """The memberships in each of the 8 parts."""
        return dict(zip(PARTS, self.encode(images).chunk(len(PARTS), dim=1), strict=True))

    def encoder(self) -> nn.Module:
        """For fine-tuning: e4e's encoder behind the frozen generator, see `RISEncoder`."""
        return RISEncoder(self.module, self.reader)

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """Images, what the generator makes of their codes, and the part of each cell in a colour of its own."""
        side = images.shape[-1]
        w_plus = self.module.invert(images)
        colours = torch.tensor([COLOURS[part] for part in PARTS], device=images.device)
        inversion = unsigned(self.module.generator.synthesize(w_plus))
        parts = colours[self.reader.parts(w_plus)].movedim(-1, 1)
        return {
            "input": images,
            "inversion": resized(inversion, side),
            "parts": F.interpolate(parts, size=(side, side), mode="nearest-exact"),
        }

    def notes(self) -> list[str]:
        """StyleGAN2's, and what the catalogue is made of."""
        found = super().notes()
        if self._reader is None:
            return found
        on = f" on {self._source}" if self._source else ""
        found.append(f"catalogue of {len(self._reader.centroids)} clusters, mapped to parts{on} by majority vote")
        if missing := self._reader.catalogue.missing:
            found.append(f"no cluster stands for {', '.join(missing)}, whose features are all 0")
        return found

    def _drawn(self, seed: int) -> Float[Tensor, "b layers style"]:
        """Codes of the generated images, z ~ N(0, 1), their w pulled towards the average."""
        settings: RISConfig = self.config
        stream = torch.Generator().manual_seed(seed_for(seed, "z"))
        z = torch.randn(settings.catalogue_images, settings.style_dim, generator=stream)
        w_plus = self.module.generator.broadcast(self.module.generator.style(z.to(self.module.latent_avg.device)))
        return torch.lerp(self.module.latent_avg, w_plus, settings.truncation)

    def _voters(self, dataset: Dataset, seed: int) -> np.ndarray:
        """Indices of the segmented training images that vote, ascending."""
        if "parts" not in dataset.truth or "split" not in dataset.labels:
            raise BenchError(
                f"{dataset.label} cannot tell RIS which cluster is which part of the face: expected truth named parts "
                "and labels named split, as celebamask has"
            )
        train = np.flatnonzero(np.asarray(dataset.labels["split"]) == SPLITS.index("train"))
        if not len(train):
            raise BenchError(f"{dataset.label} has no training image to tell RIS which cluster is which part")
        return np.sort(generator(seed, "voters").permutation(train)[: self.config.voting_images])
