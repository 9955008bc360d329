"""DC-IGN against the released code's numbers, and what the paper's text says where the code does something else."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.controlled import FACTORS, ControlledBatches
from datasets.streams import generator
from datasets.synthetic.controlled import BATCH, TEST, TRAINING
from methods.dcign.config import RELEASED, DCIGNConfig
from methods.dcign.learner import FactorSampler
from methods.dcign.model import DCIGNModel
from methods.dcign.network import PADDING, DCIGNNetwork, Posterior, code_side
from methods.dcign.sgvb import Clamp, bce, clamped, kl, objective

RULES: dict[str, Clamp] = {"paper": "mean", "released": "first"}
Golden = dict[str, np.ndarray]


@pytest.fixture
def golden(golden_file: Path) -> Golden:
    with np.load(golden_file) as file:
        return dict(file)


@pytest.fixture
def network(golden: Golden) -> DCIGNNetwork:
    channels, size = golden["image"].shape[1:3]
    *widths, last = golden["decoder_widths"].tolist()
    assert (last, PADDING[size]) == (channels, int(golden["padding"]))
    network = DCIGNNetwork(size, channels, golden["encoder_widths"].tolist(), widths, golden["eps"].shape[1])
    prefix = "weights/"
    state = {
        name.removeprefix(prefix): torch.from_numpy(value) for name, value in golden.items() if name.startswith(prefix)
    }
    network.load_state_dict(state)
    return network


def tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values)


def double(values: np.ndarray) -> Tensor:
    """In float64, where gradients are compared: in float32 a ReLU's input may fall on the other side of 0."""
    return torch.from_numpy(values).double()


def leaf(values: np.ndarray) -> Tensor:
    return tensor(values).clone().requires_grad_()


def near(found: Tensor, wanted: np.ndarray, relative: float) -> None:
    """Within a share of the largest value wanted."""
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=0, atol=relative * float(np.abs(wanted).max()))


def gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def check_norms(network: DCIGNNetwork, names: np.ndarray, wanted: np.ndarray) -> None:
    norms = {name: gradient(parameter).norm().item() for name, parameter in network.named_parameters()}
    assert norms == pytest.approx(dict(zip(names.tolist(), wanted.tolist(), strict=True)), rel=1e-4)


@pytest.mark.golden("dcign_forward_*.npz")
def test_forward_matches(golden: Golden, network: DCIGNNetwork) -> None:
    image, noise = tensor(golden["image"]), tensor(golden["eps"])
    posterior = network.encode(image)
    code = posterior.sample(noise)
    made = network.decode(code)

    assert sum(parameter.numel() for parameter in network.parameters()) == int(golden["parameters"])
    close = {"rtol": 0, "atol": 5e-5}
    np.testing.assert_allclose(network.encoder(image).detach(), golden["encoder_flat"], **close)
    np.testing.assert_allclose(posterior.mean.detach(), golden["mu"], **close)
    np.testing.assert_allclose(posterior.logvar.detach(), golden["logvar"], **close)
    np.testing.assert_allclose(code.detach(), golden["z"], **close)
    np.testing.assert_allclose(network.decoder.linear(code).relu().detach(), golden["decoder_first"], **close)
    np.testing.assert_allclose(made.detach(), golden["recon"], rtol=0, atol=2e-5)

    assert bce(made, image).item() == pytest.approx(float(golden["bce"]), rel=1e-5)
    assert kl(posterior).sum().item() == pytest.approx(float(golden["kl"]), rel=5e-5)


@pytest.mark.golden("dcign_forward_*.npz")
def test_gradients_match(golden: Golden, network: DCIGNNetwork) -> None:
    network.double()
    image, noise = double(golden["image"]), double(golden["eps"])
    posterior = network.encode(image)
    for values in (posterior.mean, posterior.logvar):
        values.retain_grad()
    (bce(network.decode(posterior.sample(noise)), image) + kl(posterior).sum()).backward()
    near(gradient(posterior.mean), golden["grad_mu"], 1e-4)
    near(gradient(posterior.logvar), golden["grad_logvar"], 1e-4)
    check_norms(network, golden["gradnorm_names"], golden["gradnorm"])


@pytest.mark.golden("dcign_forward_*.npz")
def test_the_objective_without_clamps_is_the_same_number(golden: Golden, network: DCIGNNetwork) -> None:
    network.double()
    image, noise = double(golden["image"]), double(golden["eps"])
    found = objective(network, image, noise, torch.zeros(noise.shape[1], dtype=torch.bool), "none", 0.01)

    assert found["loss"].item() == pytest.approx(float(golden["loss"]), rel=1e-5)
    assert found["pull"].item() == 0
    found["loss"].backward()
    check_norms(network, golden["gradnorm_names"], golden["gradnorm"])


@pytest.mark.golden("dcign_parameters.npz")
def test_numbers_of_parameters(golden: Golden) -> None:
    for place, name in enumerate(golden["names"].tolist()):
        channels, size = int(golden["channels"][place]), int(golden["size"][place])
        *widths, last = golden["decoder_widths"][place].tolist()
        assert (last, int(golden["side"][place])) == (channels, code_side(size)), name
        with torch.device("meta"):
            encoder_widths, latents = golden["encoder_widths"][place].tolist(), int(golden["latents"][place])
            network = DCIGNNetwork(size, channels, encoder_widths, widths, latents)
        parts = {
            "encoder": [network.encoder],
            "heads": [network.head_mu, network.head_logvar],
            "decoder": [network.decoder],
            "total": [network],
        }
        found = {part: sum(p.numel() for module in parts[part] for p in module.parameters()) for part in parts}
        assert found == {part: int(golden[part][place]) for part in parts}, name


@pytest.mark.golden("dcign_sgvb_*.npz")
def test_losses_alone_match(golden: Golden) -> None:
    prob, target, noise = leaf(golden["prob"]), tensor(golden["target"]), tensor(golden["eps"])
    posterior = Posterior(leaf(golden["mu"]), leaf(golden["logvar"]))

    code = posterior.sample(noise)
    np.testing.assert_allclose(code.detach(), golden["z"], rtol=0, atol=2e-6)
    code.backward(tensor(golden["grad_z"]))
    near(gradient(posterior.mean), golden["reparam_grad_mu"], 1e-6)
    near(gradient(posterior.logvar), golden["reparam_grad_logvar"], 1e-6)

    cost = bce(prob, target)
    cost.backward()
    near(gradient(prob), golden["grad_prob"], 1e-4)
    each = [bce(one, other).item() for one, other in zip(prob.detach()[:, None], target[:, None], strict=True)]
    np.testing.assert_allclose(each, golden["bce_per_image"], rtol=1e-5)

    posterior = Posterior(leaf(golden["mu"]), leaf(golden["logvar"]))
    divergence = kl(posterior)
    divergence.sum().backward()
    np.testing.assert_allclose(gradient(posterior.mean), golden["kl_grad_mu"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(gradient(posterior.logvar), golden["kl_grad_logvar"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(divergence.detach().sum(1), golden["kl_per_image"], rtol=1e-5)
    np.testing.assert_allclose(divergence.detach().sum(0), golden["kl_per_latent"], rtol=1e-5)

    assert cost.item() == pytest.approx(float(golden["bce"]), rel=1e-5)
    assert divergence.sum().item() == pytest.approx(float(golden["kl"]), rel=1e-5)
    assert (cost + divergence.sum()).item() == pytest.approx(float(golden["loss"]), rel=1e-5)
    mse = torch.nn.functional.mse_loss(prob, target).item()
    assert mse == pytest.approx(float(golden["mse"]), rel=1e-5)
    # The released code's figure of images with one channel is a third of theirs.
    assert mse * prob.shape[1] / 3 == pytest.approx(float(golden["mse_released_test"]), rel=1e-5)


@pytest.mark.golden("dcign_clamping_*.npz")
@pytest.mark.parametrize("rule", RULES)
def test_clamping_matches(golden: Golden, rule: str) -> None:
    strength = float(golden["strength"]) if rule == "paper" else 0.0
    for place, kind in enumerate(golden["types"].tolist()):
        active = tensor(golden["active"][place])
        posterior = Posterior(leaf(golden["mu"]), leaf(golden["logvar"]))
        found = clamped(posterior, active, RULES[rule])
        upstream = (found.posterior.mean * tensor(golden["grad_mu"])).sum()
        upstream = upstream + (found.posterior.logvar * tensor(golden["grad_logvar"])).sum()
        (upstream + strength * found.pull).backward()

        for head, values, given in (
            ("mu", found.posterior.mean, posterior.mean),
            ("logvar", found.posterior.logvar, posterior.logvar),
        ):
            near(values, golden[f"{rule}_{kind}_clamped_{head}"], 1e-6)
            wanted = golden[f"{rule}_{kind}_grad_{head}"]
            near(gradient(given), wanted, 1e-6)
            np.testing.assert_array_equal(gradient(given).numpy()[wanted == 0], 0)


@pytest.mark.golden("dcign_step_*.npz")
@pytest.mark.parametrize("rule", RULES)
def test_whole_steps_match(golden: Golden, network: DCIGNNetwork, rule: str) -> None:
    network.double()
    image, noise = double(golden["image"]), double(golden["eps"])
    strength = float(golden["strength"]) if rule == "paper" else 0.0
    for place, kind in enumerate(golden["types"].tolist()):
        active = tensor(golden["active"][place])
        network.zero_grad()
        posterior = network.encode(image)
        for values in (posterior.mean, posterior.logvar):
            values.retain_grad()
        found = clamped(posterior, active, RULES[rule])
        code = found.posterior.sample(noise)
        made = network.decode(code)
        cost, divergence = bce(made, image), kl(found.posterior).sum()
        (cost + divergence + strength * found.pull).backward()

        def wanted(name: str, kind: str = kind) -> np.ndarray:
            return golden[f"{rule}_{kind}_{name}"]

        close = {"rtol": 0, "atol": 5e-5}
        np.testing.assert_allclose(found.posterior.mean.detach(), wanted("clamped_mu"), **close)
        np.testing.assert_allclose(found.posterior.logvar.detach(), wanted("clamped_logvar"), **close)
        np.testing.assert_allclose(code.detach(), wanted("z"), **close)
        np.testing.assert_allclose(made.detach().mean(dim=(2, 3)), wanted("recon_mean"), rtol=0, atol=2e-5)
        assert cost.item() == pytest.approx(float(wanted("bce")), rel=1e-5)
        assert divergence.item() == pytest.approx(float(wanted("kl")), rel=1e-5)
        for head, values in (("mu", posterior.mean), ("logvar", posterior.logvar)):
            own = gradient(values)
            near(own, wanted(f"grad_{head}"), 1e-4)
            np.testing.assert_allclose(own[:, ~active], wanted(f"grad_{head}")[:, ~active], rtol=0, atol=1e-6)
        check_norms(network, golden["gradnorm_names"], wanted("gradnorm"))
        norms = {name: gradient(parameter).clone() for name, parameter in network.named_parameters()}
        network.zero_grad()
        again = objective(network, image, noise, active, RULES[rule], strength)
        again["loss"].backward()
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(gradient(parameter), norms[name])


@pytest.mark.golden("dcign_rmsprop.npz")
def test_adam_is_the_released_rmsprop_where_gradients_are_not_tiny(golden: Golden) -> None:
    given = golden["loss_gradients"]
    scale = np.sqrt((given.astype(np.float64) ** 2).mean(axis=0))
    large = scale > 0.1
    assert large.sum() > 10
    parameter = leaf(golden["x0"][large])
    betas = tuple(golden["betas"].tolist())
    adam = torch.optim.Adam([parameter], float(golden["learning_rate"]), betas=betas, eps=float(golden["epsilon"]))
    for row, wanted in zip(given[:, large], golden["x"][:, large], strict=True):
        parameter.grad = tensor(row)
        adam.step()
        np.testing.assert_allclose(parameter.detach(), wanted, rtol=0, atol=1e-6)


@pytest.mark.golden("dcign_batch_types.npz")
def test_factors_are_drawn_by_their_odds(golden: Golden) -> None:
    draws = int(golden["test_draws"])
    assert tuple(golden["types"].tolist()) == FACTORS
    none = ControlledBatches(np.zeros((0, 2), dtype=int), np.zeros(0, dtype=int), np.zeros((0, 3)))
    ours = {"paper": DCIGNConfig().ratio, "released_uniform": DCIGNConfig(**RELEASED).ratio}
    for place, name in enumerate(golden["variants"].tolist()):
        ratio = ours.get(name, tuple(golden["probability"][place].tolist()))
        np.testing.assert_allclose(np.array(ratio) / sum(ratio), golden["probability"][place])
        drawn = FactorSampler(none, ratio).factors(draws, generator(0, "test", name))
        counts = np.bincount(drawn, minlength=len(FACTORS))
        low, high = golden["test_bounds"][place].T
        assert ((low <= counts) & (counts <= high)).all(), name
    assert DCIGNConfig().schedule.batch_size == BATCH == int(golden["batch_size"])
    assert TRAINING["full"] == (int(golden["training_batches_per_type"]),) * len(FACTORS)
    assert TEST["full"] == (int(golden["test_batches_per_type"]),) * len(FACTORS)


def test_the_configurations_have_the_published_numbers_of_parameters() -> None:
    for config, count in ((DCIGNConfig(), 5_392_945), (DCIGNConfig(**RELEASED), 4_131_137)):
        with torch.device("meta"):
            model = DCIGNModel(config)
        assert sum(parameter.numel() for parameter in model.parameters()) == count
