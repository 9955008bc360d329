"""The supervised ResNet-18: size, start, and where it stands in the grid."""

import torch

from bench.grid.catalogue import METHODS
from methods.supervised import SupervisedResNet18


def test_it_is_a_resnet_18_without_its_classifier() -> None:
    method = SupervisedResNet18()
    assert sum(parameter.numel() for parameter in method.encoder().parameters()) == 11_176_512
    maps: list[torch.Size] = []
    method.module.backbone.layer4.register_forward_hook(lambda module, given, out: maps.append(out.shape))
    method.module.eval()
    images = torch.rand(2, 3, 64, 64)
    assert method.encoder()(images).shape == (2, 512)
    assert maps == [(2, 512, 2, 2)], "images are not resized"
    assert torch.equal(method.encode(images), method.encoder()(images))


def test_it_starts_untrained_from_the_generator() -> None:
    def first(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return SupervisedResNet18().module.backbone.conv1.weight

    assert torch.equal(first(0), first(0))
    assert not torch.equal(first(0), first(1))
    assert SupervisedResNet18().notes() == ["trained from scratch on the task's labelled images alone"]


def test_it_has_nothing_before_labels_and_is_a_row_of_every_task() -> None:
    assert SupervisedResNet18.provides == {"encoder"}
    assert not SupervisedResNet18.trains
    assert METHODS.get("supervised_resnet18").tasks == ()
    assert "supervised_resnet18" in {entry.name for entry in METHODS.select("all")}
