"""Grad-CAM: where on an image a network looks for what it says (Selvaraju et al., 2017), by captum."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from datasets.errors import BenchError


class Probe(nn.Module):
    """A head's logit of one attribute (b, 1), on the features of several encoders side by side."""

    def __init__(self, encoders: Mapping[str, nn.Module], head: nn.Module, attribute: int) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.head = head
        self.attribute = attribute

    def forward(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 1"]:
        """The logit of the attribute for images in [0, 1]."""
        features = torch.cat([encoder(images).flatten(1) for encoder in self.encoders.values()], dim=1)
        logits: Tensor = self.head(features)[:, [self.attribute]]
        return logits


def last_spatial_layer(encoder: nn.Module, images: Float[Tensor, "b 3 s s"]) -> nn.Module:
    """The last layer to run whose output still has places: (b, c, h, w) with more than one of them.

    Raises BenchError where there is none.
    """
    found: list[nn.Module] = []

    def note(layer: nn.Module, _: object, output: object) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1:
            found.append(layer)

    leaves = [layer for layer in encoder.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(note) for layer in leaves]
    try:
        with torch.no_grad():
            encoder(images)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise BenchError(
            f"{type(encoder).__name__} has no layer with places in it, so Grad-CAM cannot say where it looks"
        )
    return found[-1]


def grad_cam(probe: Probe, images: Float[Tensor, "b 3 s s"]) -> dict[str, Float[Tensor, "b s s"]]:
    """For each encoder of a probe in eval mode, how much each place of images in [0, 1] speaks for the attribute.

    The gradients of the logit at the encoder's last spatial layer, averaged over places, weigh that layer's channels;
    their sum is enlarged to the image (Selvaraju et al., 2017, equations 1 and 2, without the cut at 0): where the
    values of an encoder of few channels speak against the attribute as a whole, the cut would leave an empty map.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    maps = {}
    for name, encoder in probe.encoders.items():
        layer = last_spatial_layer(encoder, images)
        found = LayerGradCam(probe, layer).attribute(images, target=0)
        maps[name] = LayerAttribution.interpolate(found, images.shape[2:], "bilinear")[:, 0].detach()
    return maps
