"""Texture maps: which texel is where, and what happens at the seam."""

import pytest
import torch

from methods.rendering.dibr_texture import lookup

TEXTURE = torch.arange(12.0).view(1, 1, 3, 4)


def at(u: float, v: float, seam: str) -> float:
    return float(lookup(TEXTURE, torch.tensor([[[[u, v]]]]), seam))


def test_row_0_is_at_the_top() -> None:
    for row in range(3):
        for column in range(4):
            centre = (column + 0.5) / 4, 1 - (row + 0.5) / 3
            assert at(*centre, "border") == pytest.approx(float(TEXTURE[0, 0, row, column]), abs=1e-5)
            point = column / 4, 1 - row / 2
            assert at(*point, "wrap") == pytest.approx(float(TEXTURE[0, 0, row, column]), abs=1e-5)


def test_a_border_is_flat_and_a_wrapped_seam_goes_on_at_the_other_edge() -> None:
    middle = TEXTURE[0, 0, 1]
    assert at(0.0, 0.5, "border") == pytest.approx(float(middle[0]), abs=1e-5)
    assert at(1.0, 0.5, "border") == at(1.2, 0.5, "border") == pytest.approx(float(middle[3]), abs=1e-5)
    assert at(1.0, 0.5, "wrap") == pytest.approx(at(0.0, 0.5, "wrap"), abs=1e-5)
    assert at(0.875, 0.5, "wrap") == pytest.approx(float(middle[3] + middle[0]) / 2, abs=1e-5)


def test_an_unknown_seam_is_refused() -> None:
    with pytest.raises(Exception, match="seam"):
        at(0.5, 0.5, "mirror")
