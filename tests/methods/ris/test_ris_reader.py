"""Memberships read off a small generator while it runs, against all its activations kept."""

import pytest
import torch
from torch import Tensor

from methods.ris.catalogue import PARTS, Catalogue
from methods.ris.membership import hard_membership, part_energies, part_masks, soft_membership, straight_through
from methods.ris.reader import CatalogueLayer, Reader, catalogue_activations
from methods.stylegan2.architecture import Architecture
from methods.stylegan2.generator import Generator, Modulated

TINY = Architecture(resolution=32, style_dim=8, mapping_layers=1, max_channels=12, channel_base=256)


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = Generator(TINY).eval()
        for module in built.modules():
            if (weight := getattr(module, "noise", None)) is not None:
                weight.weight.data.fill_(0.5)
    return built


@pytest.fixture(scope="module")
def codes() -> Tensor:
    return torch.randn(3, TINY.styles, TINY.style_dim, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    stream = torch.Generator().manual_seed(2)
    centroids = torch.nn.functional.normalize(torch.rand(10, 12, generator=stream), dim=1)
    return Catalogue(centroids, torch.arange(10) % len(PARTS))


def everything(generator: Generator, codes: Tensor) -> list[Modulated]:
    found: list[Modulated] = []
    generator.synthesize(codes, observe=found.append)
    return found


@pytest.mark.parametrize(("resolution", "index", "channels"), [(1024, 9, 512), (64, 9, 512), (32, 6, 512)])
def test_the_catalogues_layer(resolution: int, index: int, channels: int) -> None:
    with torch.device("meta"):
        layer = CatalogueLayer(Generator(Architecture(resolution=resolution)))
    assert (layer.index, layer.channels) == (index, channels)


def test_it_is_the_second_convolution_of_its_side_before_noise(generator: Generator, codes: Tensor) -> None:
    outputs: list[Tensor] = []
    with generator.convs[3].conv.register_forward_hook(lambda module, inputs, output: outputs.append(output)):
        generator.synthesize(codes)
    found = catalogue_activations(generator, codes)
    assert found.shape == (3, 12, 16, 16)
    assert torch.equal(found, outputs[0])


def test_nothing_is_synthesised_beyond_what_is_read(generator: Generator, codes: Tensor) -> None:
    ran: list[int] = []
    hooks = [
        conv.register_forward_hook(lambda module, inputs, output, number=number: ran.append(number))
        for number, conv in enumerate(generator.convs)
    ]
    try:
        catalogue_activations(generator, codes)
        assert ran == [0, 1, 2]
    finally:
        for hook in hooks:
            hook.remove()


def test_memberships_are_those_of_all_activations(generator: Generator, codes: Tensor, catalogue: Catalogue) -> None:
    reader = Reader(generator, catalogue)
    kept = everything(generator, codes)
    masks = part_masks(catalogue.parts(catalogue_activations(generator, codes)))
    assert len(masks.flatten(2).any(dim=2).any(dim=0).nonzero()) > 2, "the test needs some parts to be there"
    soft = soft_membership([part_energies(layer.activation, masks) for layer in kept])
    found = reader(codes)
    assert found.shape == (3, 8, sum(layer.channels for layer in generator.layers))
    torch.testing.assert_close(found * reader.keep, soft * reader.keep)
    assert torch.equal(reader.parts(codes), masks.argmax(dim=1))
    hard = hard_membership(found, reader.keep)
    torch.testing.assert_close(hard, ((soft > 0.8) & reader.keep).float())
    assert 0 < hard.mean() < 1


def test_gradients_reach_the_code(generator: Generator, codes: Tensor, catalogue: Catalogue) -> None:
    reader = Reader(generator, catalogue)
    leaf = codes.clone().requires_grad_()
    through = straight_through(reader(leaf), reader.keep)
    weights = torch.rand(through.shape, generator=torch.Generator().manual_seed(3))
    (through * weights).sum().backward()
    assert leaf.grad is not None
    assert torch.isfinite(leaf.grad).all()
    assert leaf.grad.abs().sum() > 0
    with torch.no_grad():
        assert torch.equal(through, hard_membership(reader(codes), reader.keep))


@pytest.mark.parametrize(("resolution", "together"), [(1024, 1), (256, 4), (64, 64)])
def test_few_large_images_at_once(resolution: int, together: int) -> None:
    with torch.device("meta"):
        architecture = Architecture(resolution=resolution)
        catalogue = Catalogue(torch.zeros(18, 512), torch.zeros(18, dtype=torch.int64))
        reader = Reader(Generator(architecture), catalogue)
        sizes = [len(chunk) for chunk in reader.chunks(torch.zeros(1000, architecture.styles, 512))]
    assert sum(sizes) == 1000
    assert max(sizes) == together
