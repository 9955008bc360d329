"""Heads, the loss that leaves out what is unknown, predictions."""

import numpy as np
import pytest
import torch
from torch import nn

from datasets.errors import BenchError
from tasks.celeba_linear.probe import (
    HIDDEN,
    AttributeClassifier,
    known_cross_entropy,
    logits_of,
    new_head,
    width_of,
)


def parameters(head: nn.Module) -> int:
    return sum(parameter.numel() for parameter in head.parameters())


def test_heads() -> None:
    assert parameters(new_head("linear", 512, 40, 0)) == 513 * 40
    assert parameters(new_head("mlp", 512, 40, 0)) == 513 * HIDDEN + (HIDDEN + 1) * 40
    logits = new_head("mlp", 6, 40, 0)(torch.ones(2, 6))
    assert logits.shape == (2, 40)
    assert (logits < 0).any()


def test_heads_come_from_their_seed_alone() -> None:
    torch.manual_seed(1)
    first = new_head("linear", 8, 40, 5).weight
    expected = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), expected), "the caller's generator is left alone"
    assert torch.equal(new_head("linear", 8, 40, 5).weight, first)
    assert not torch.equal(new_head("linear", 8, 40, 6).weight, first)


def test_loss_is_the_mean_over_what_is_known() -> None:
    logits = torch.tensor([[2.0, -1.0, 5.0], [0.0, 3.0, -7.0]], requires_grad=True)
    targets = torch.tensor([[1, 0, -1], [-1, 0, -1]], dtype=torch.int8)
    loss = known_cross_entropy(logits, targets)
    known = torch.tensor([2.0, -1.0, 3.0])
    expected = nn.functional.binary_cross_entropy(known.sigmoid(), torch.tensor([1.0, 0.0, 0.0]))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad != 0, targets >= 0)


def test_loss_of_a_batch_without_any_known_attribute_is_zero() -> None:
    logits = torch.ones(2, 3, requires_grad=True)
    loss = known_cross_entropy(logits, torch.full((2, 3), -1, dtype=torch.int8))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_width_of_an_encoder_leaves_its_statistics_alone() -> None:
    encoder = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()).eval()
    assert width_of(encoder, np.full((4, 4, 3), 255, dtype=np.uint8), "cpu") == 48
    assert encoder[0].num_batches_tracked == 0


def test_log_odds_are_the_heads() -> None:
    classifier = AttributeClassifier(nn.Identity(), nn.Identity(), 1e-3).eval()
    logits = torch.tensor([[-0.01, 0.01, 0.0, 9.0]])
    np.testing.assert_array_equal(logits_of(classifier, logits), logits.numpy())


def test_predictions_that_are_not_finite_are_an_error() -> None:
    classifier = AttributeClassifier(nn.Identity(), nn.Identity(), 1e-3).eval()
    logits = torch.tensor([[1.0, 2.0], [torch.nan, 1.0], [torch.inf, 0.0]])
    with pytest.raises(BenchError, match="2 of 3 test images get a prediction that is not a finite number"):
        logits_of(classifier, logits)


def test_weights_that_are_to_stay_are_not_optimised() -> None:
    encoder = nn.Linear(4, 4).requires_grad_(False)
    classifier = AttributeClassifier(encoder, nn.Linear(4, 2), 2e-4)
    (group,) = classifier.optimizers()["classifier"].param_groups
    assert [id(value) for value in group["params"]] == [id(value) for value in classifier.head.parameters()]
    assert (group["lr"], group["weight_decay"]) == (2e-4, 0)


def test_the_head_computes_in_single_precision_under_autocast() -> None:
    seen: list[torch.dtype] = []
    encoder = nn.Linear(4, 4)
    encoder.register_forward_hook(lambda module, given, out: seen.append(out.dtype))
    classifier = AttributeClassifier(encoder, nn.Linear(4, 2), 2e-4)
    with torch.autocast("cpu", torch.bfloat16):
        logits = classifier.logits(torch.ones(3, 4))
    assert (seen, logits.dtype) == ([torch.bfloat16], torch.float32)
