"""Reads memberships off a generator: what each style channel does where, by the parts that a catalogue finds."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from methods.ris.catalogue import PARTS, Catalogue
from methods.ris.membership import kept, part_energies, part_masks, soft_membership
from methods.stylegan2.generator import Generator, Modulated

# Side of the catalogue's layer in pixels, unless the generator is so small that it ends there.
SIDE = 32
# Pixels of the largest layer held at once: one image of 1024 px, or 64 of 64 px, as many as a CPU's cache likes.
PIXELS = 2**18


class CatalogueLayer:
    """The layer whose activations are clustered: the output of the second convolution at 32 px, before noise, bias
    and nonlinearity (`stop_idx` 11 in the released code).

    In a generator of less than 64 px it is the second convolution at half the side of the images.

    Attributes
    ----------
    index: of the modulation layer whose output that is, in `Generator.layers`.
    channels: of that output.
    """

    def __init__(self, generator: Generator) -> None:
        side = min(SIDE, generator.architecture.resolution // 2)
        self.index = next(i for i, layer in enumerate(generator.layers) if layer.side == side and not layer.to_rgb)
        self.channels = generator.architecture.channels(side)
        self._conv = generator.convs[generator.layers[self.index].latent - 1].get_submodule("conv")

    def output(self, entering: Modulated) -> Float[Tensor, "b c h w"]:
        """The activations, of what enters the modulation layer `index`."""
        output: Tensor = self._conv(entering.activation, entering.style)
        return output


def catalogue_activations(generator: Generator, w_plus: Float[Tensor, "b layers style"]) -> Float[Tensor, "b c h w"]:
    """The activations that a catalogue is made of, for codes in W+."""
    layer = CatalogueLayer(generator)
    found: list[Tensor] = []

    def observe(entering: Modulated) -> None:
        if entering.index == layer.index:
            found.append(layer.output(entering))

    generator.synthesize(w_plus, observe=observe, last=layer.index)
    return found[0]


class Reader(nn.Module):
    """Codes in W+ to the membership of all style channels in `PARTS`.

    `keep` marks the entries of a membership that are not set to zero.
    """

    centroids: Tensor
    part_of_cluster: Tensor
    keep: Tensor

    def __init__(self, generator: Generator, catalogue: Catalogue) -> None:
        super().__init__()
        self.generator = generator
        for name, value in catalogue.tensors().items():
            self.register_buffer(name, value)
        layers = generator.layers
        keep = kept([layer.channels for layer in layers], [layer.to_rgb for layer in layers])
        self.register_buffer("keep", keep.to(catalogue.centroids.device))

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, on the module's device."""
        return Catalogue(self.centroids, self.part_of_cluster)

    def parts(self, w_plus: Float[Tensor, "b layers style"]) -> Int[Tensor, "b h w"]:
        """The part of each cell of the catalogue's layer, an index into `PARTS`."""
        return self.catalogue.parts(catalogue_activations(self.generator, w_plus))

    def forward(self, w_plus: Float[Tensor, "b layers style"]) -> Float[Tensor, "b parts channels"]:
        """The soft membership of every style channel; what a toRGB's entries hold means nothing.

        Which cells belong to which part passes no gradient on; how active the channels are there does.
        """
        located = CatalogueLayer(self.generator)
        waiting: list[Modulated] = []
        energies: list[Tensor] = []
        masks: Tensor | None = None

        def observe(entering: Modulated) -> None:
            nonlocal masks
            waiting.append(entering)
            if entering.index == located.index:
                with torch.no_grad():
                    masks = part_masks(self.catalogue.parts(located.output(entering)))
            if masks is not None:
                energies.extend(self._energies(layer, masks) for layer in waiting)
                waiting.clear()

        # The last layer is a toRGB: what enters it, at the highest resolution, need not be computed.
        layers = self.generator.layers
        self.generator.synthesize(w_plus, observe=observe, last=len(layers) - 2)
        energies.append(energies[-1].new_zeros(len(w_plus), len(PARTS), layers[-1].channels))
        return soft_membership(energies)

    def chunks(self, w_plus: Float[Tensor, "b layers style"]) -> Iterator[Tensor]:
        """The codes, as many at a time as fit into memory."""
        yield from torch.split(w_plus, max(1, PIXELS // self.generator.architecture.resolution**2))

    def _energies(self, layer: Modulated, masks: Float[Tensor, "b parts u v"]) -> Float[Tensor, "b parts c"]:
        if self.generator.layers[layer.index].to_rgb:
            return masks.new_zeros(len(masks), len(PARTS), layer.style.shape[1])
        return part_energies(layer.activation, masks)
