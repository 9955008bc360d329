"""PDR without a part of its physics, and LOOCC with nothing left out."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from bench.grid.catalogue import METHODS
from bench.grid.request import Options
from bench.pipeline.cell import cells
from bench.pipeline.store import Store
from datasets.errors import BenchError
from methods.pdr.config import PARAMETERS, PHYSICS, PDRConfig
from methods.pdr.learner import PDRLearner
from methods.pdr.method import PDR
from methods.ranges import signed

SMALL = {"nf": 16, "nf_encoder": 4, "nf_confidence": 16, "zdim": 32, "zdim_confidence": 16, "perceptual_weight": 0.0}
# The networks that a part of the physics is predicted by.
PREDICTS = {"depth": "netD", "light": "netL", "view": "netV"}


def learner(**settings: Any) -> PDRLearner:
    torch.manual_seed(0)
    method = PDR(PDRConfig(**{**SMALL, **settings}))
    return PDRLearner(method.module, method.config)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def trained(own: PDRLearner, images: torch.Tensor) -> set[str]:
    """The networks that a step's gradient reaches."""
    losses = own(images, phase="autoencoder", step=0, generator=torch.Generator().manual_seed(0))
    losses["loss"].backward()
    networks = own.model.networks
    return {
        name
        for name, network in networks.named_children()
        if any(value.grad is not None and bool(value.grad.any()) for value in network.parameters())
    }


@pytest.mark.parametrize("part", PHYSICS)
def test_a_part_that_is_left_out_is_not_learned(images: torch.Tensor, part: str) -> None:
    everything = {"netD", "netA", "netL", "netV", "netC"}
    assert trained(learner(), images) == everything
    assert trained(learner(without=part), images) == everything - {PREDICTS.get(part, "")}


def test_without_symmetry_the_mirrored_copy_has_no_say(images: torch.Tensor) -> None:
    whole, plain = learner(view_yaw=10.0), learner(without="symmetry")
    with torch.no_grad():
        both, one = whole.model(signed(images)), plain.model(signed(images))
        losses = plain.validate(images)
    covered = one.rendered.covered.view(2, 4, 1, 64, 64)
    assert torch.equal(one.mask.bool(), covered[0])
    assert torch.equal(both.mask.bool(), covered.all(dim=0))
    torch.testing.assert_close(losses["loss"], losses["l1"])


def test_without_depth_the_object_is_a_plane(images: torch.Tensor) -> None:
    with torch.no_grad():
        result = learner(without="depth", bounded_outputs=True).model(signed(images))
    assert result.depth.unique().tolist() == [1.0]
    inner = result.normal[:, 1:-1, 1:-1]
    torch.testing.assert_close(inner, torch.tensor([0.0, 0.0, 1.0]).expand_as(inner), atol=0.01, rtol=0)


def test_without_light_the_albedo_is_what_is_seen(images: torch.Tensor) -> None:
    with torch.no_grad():
        result = learner(without="light").model(signed(images))
    torch.testing.assert_close(result.canonical_image, result.albedo)


def test_without_view_nothing_is_turned(images: torch.Tensor) -> None:
    with torch.no_grad():
        result = learner(without="view").model(signed(images))
    assert not result.view.any()


def test_several_parts_are_left_out_by_one_row(tmp_path: Path) -> None:
    row = METHODS.get("pdr[without=view,light]")
    request = Options(methods=row.name, tasks="bbt", profile="smoke", baselines=False).request()
    (cell,) = cells(request, Store(tmp_path))
    assert cell.method.config.without == ("light", "view")
    notes = PDR(cell.method.config).notes()
    assert [note.split(":")[0] for note in notes if "trained without" in note][-2:] == [
        "trained without light",
        "trained without view",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pdr[without=colour]", "without.*colour.*'symmetry', 'depth', 'light' or 'view'"),
        ("pdr[without=]", "'symmetry', 'depth', 'light' or 'view'"),
        ("pdr[without=light,light]", "once at most"),
        ("pdr_loocc_l[without=light]", r"LOOCC \(l\) changes the light, which without=light takes away"),
        ("pdr_loocc_lv[without=depth,view]", r"LOOCC \(lv\) changes the view, which without=depth,view takes away"),
        ("simclr_physical[without=light]", "changes the light"),
    ],
)
def test_what_cannot_be_left_out(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        cells(Options(methods=name, tasks="bbt", profile="smoke", baselines=False).request(), Store(tmp_path))


def test_loocc_changes_what_is_left() -> None:
    assert PDRConfig(loocc="l", without="view").without == ("view",)
    with pytest.raises(ValidationError, match="leave out one of the two"):
        PDRConfig(loocc="lv", without="view")


@pytest.mark.parametrize("loocc", ["l", "lv"])
def test_with_nothing_left_out_all_features_are_compared(images: torch.Tensor, loocc: str) -> None:
    """The loss is NT-Xent of the image's four features and those of the very image that LOOCC makes."""
    from methods.pdr.loocc import choose, nt_xent

    own = learner(loocc=loocc, leave_out=False, loocc_weight=1.0)
    with torch.no_grad():
        found = own(images, phase="autoencoder", step=0, generator=torch.Generator().manual_seed(3))
        chance = torch.Generator().manual_seed(3)
        result = own.model(signed(images))
        again = own.model.networks.features(own.perturbed_image(result, choose(loocc, chance), chance))
    pair = [torch.cat([each[name] for name in PARAMETERS], dim=1) for each in (result.features, again)]
    torch.testing.assert_close(found["contrastive"], nt_xent(*pair, own.config.temperature))


def test_simclr_physical_is_loocc_with_nothing_left_out() -> None:
    lv, physical = METHODS.get("pdr_loocc_lv"), METHODS.get("simclr_physical")
    assert physical.preset == {**lv.preset, "leave_out": False}
    assert (physical.group, physical.target) == ("controls", lv.target)
    assert "simclr_physical" not in {entry.name for entry in METHODS.select("all")}
    assert any("nothing is left out" in note for note in PDR(PDRConfig(**SMALL, **physical.preset)).notes())
    assert not any("nothing is left out" in note for note in PDR(PDRConfig(**SMALL, **lv.preset)).notes())
