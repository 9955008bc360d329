"""The contrastive loss against the published implementation's numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from methods.pdr.loocc import nt_xent


@pytest.mark.golden("nt_xent*.npz")
def test_loss_and_gradients_match(golden_file: Path) -> None:
    with np.load(golden_file) as file:
        golden = dict(file)
    features, others = (torch.from_numpy(golden[name]).requires_grad_() for name in ("features", "features_aug"))

    loss = nt_xent(features, others, float(golden["temperature"]))
    loss.backward()

    assert loss.item() == pytest.approx(float(golden["loss_cosine"]), abs=1e-5)
    np.testing.assert_allclose(features.grad, golden["grad_features"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(others.grad, golden["grad_features_aug"], rtol=0, atol=1e-8)
