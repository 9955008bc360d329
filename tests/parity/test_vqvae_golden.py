"""VQ-VAE against the published implementation's numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from methods.vqvae.network import VQVAENetwork, losses


@pytest.fixture
def golden(golden_file: Path) -> dict[str, np.ndarray]:
    with np.load(golden_file) as file:
        return dict(file)


@pytest.fixture
def network(golden: dict[str, np.ndarray]) -> VQVAENetwork:
    width, codes = golden["weights/emb.weight"].shape
    network = VQVAENetwork(width, codes)
    prefix = "weights/"
    state = {
        name.removeprefix(prefix): torch.from_numpy(value) for name, value in golden.items() if name.startswith(prefix)
    }
    network.load_state_dict(state)
    return network.eval()


@pytest.mark.golden("vqvae.npz")
def test_forward_matches(golden: dict[str, np.ndarray], network: VQVAENetwork) -> None:
    image = torch.from_numpy(golden["image"])
    out = network(image)

    np.testing.assert_array_equal(out.indices.numpy(), golden["indices"])
    close = {"rtol": 0, "atol": 1e-5}
    np.testing.assert_allclose(out.reconstruction.detach().numpy(), golden["recon"], **close)
    np.testing.assert_allclose(out.continuous.detach().numpy(), golden["z_e"], **close)
    np.testing.assert_allclose(out.quantised.detach().numpy(), golden["z_q"], **close)
    got = losses(image, out)
    for ours, theirs in {"mse": "mse", "vq": "vq", "commit": "commit", "loss": "total"}.items():
        assert got[ours].item() == pytest.approx(float(golden[theirs]), abs=1e-5)


@pytest.mark.golden("vqvae.npz")
def test_gradients_match(golden: dict[str, np.ndarray], network: VQVAENetwork) -> None:
    image = torch.from_numpy(golden["image"])
    losses(image, network(image))["loss"].backward()

    norms = {name: parameter.grad.norm().item() for name, parameter in network.named_parameters()}
    expected = dict(zip(golden["gradnorm_names"].tolist(), golden["gradnorm"].tolist(), strict=True))
    assert norms.keys() == expected.keys()
    for name, value in expected.items():
        assert norms[name] == pytest.approx(value, rel=1e-4), name
