"""The supervised row of PDR's table 2: a ResNet-18 that learns from a task's labelled images alone."""

from typing import ClassVar

from methods.base import Domain, MethodConfig
from methods.timm_backbone import BackboneMethod, TimmConfig, build


class SupervisedResNet18(BackboneMethod):
    """ResNet-18 (He et al., 2016) as timm has it, from initial weights; its 512 pooled features go to a task's head.

    The paper's table gives it no frozen figure and its text names no pre-training, so it starts untrained; the
    backbone pre-trained on ImageNet is `timm:resnet18`. The network is the one for large images, stem and all: 64
    pixels, the size of the paper's images, reach the pooling as a map of 2 x 2. 11,176,512 parameters.
    """

    provides: ClassVar[frozenset[str]] = frozenset({"encoder"})
    cites: ClassVar[tuple[str, ...]] = ("he2016resnet", *BackboneMethod.cites)

    def __init__(self, config: MethodConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self.module = build(TimmConfig(model="resnet18", pretrained=False, input_size=self.image_size))

    def notes(self) -> list[str]:
        """That labels alone train it."""
        return ["trained from scratch on the task's labelled images alone"]
