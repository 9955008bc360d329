"""DeepLab-v3 (Chen et al., 2017), torchvision's, which DatasetGAN trains on labelled images."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from methods.torchvision_compat import declare_missing_operators

# What images are enlarged to, the paper's working size: the network's maps have an eighth of the side.
SIDE = 512
# Of ImageNet's images, as the authors' code has them.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class DeepLab(nn.Module):
    """Images in [0, 1] to logits of every pixel, by a ResNet-101 with dilated convolutions, from weights of chance.

    Parameters
    ----------
    outputs: classes, or heat maps.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__()
        declare_missing_operators()
        from torchvision.models.segmentation import deeplabv3_resnet101

        self.network = deeplabv3_resnet101(weights=None, weights_backbone=None, num_classes=outputs, aux_loss=False)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b outputs s s"]:
        """Logits of every pixel; in training mode of two images at least, over which it normalises."""
        enlarged = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        logits: Tensor = self.network((enlarged - self.mean) / self.deviation)["out"]
        return F.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)
