"""DC-IGN's weights with what is read of its code after training: where its factors are, and on which scale."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from datasets.controlled import INTRINSIC, ControlledBatches
from methods.dcign.config import EXTRINSIC, DCIGNConfig
from methods.dcign.images import prepared
from methods.dcign.network import DCIGNNetwork

# Strength of the ridge regression of angles on codes, per image, in units of each latent's variance under the prior.
RIDGE = 1e-3


class DCIGNModel(nn.Module):
    """The networks, and as buffers what `read_scale` finds.

    axes: the latents of azimuth, elevation and light (3,).
    weights, offset: the angle of each in degrees is `code @ weights + offset`; (latents, 3) and (3,).
    slopes: by how much a factor's latent grows per degree below 0 and above, and how far it jumps at 0; (3, 3).
    """

    axes: Tensor
    weights: Tensor
    offset: Tensor
    slopes: Tensor

    def __init__(self, config: DCIGNConfig) -> None:
        super().__init__()
        self.channels = config.channels
        self.network = DCIGNNetwork(
            config.size, config.channels, config.encoder_widths, config.decoder_widths, config.latents
        )
        self.register_buffer("axes", torch.arange(INTRINSIC))
        self.register_buffer("weights", torch.zeros(config.latents, INTRINSIC))
        self.register_buffer("offset", torch.zeros(INTRINSIC))
        self.register_buffer("slopes", torch.zeros(INTRINSIC, INTRINSIC))

    def code(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b d"]:
        """Means of the latents of images in [0, 1]; nothing is clamped."""
        means: Tensor = self.network.encode(prepared(images, self.channels)).mean
        return means

    def groups(self, code: Float[Tensor, "b d"]) -> dict[str, Float[Tensor, "b _"]]:
        """The latents of each factor, by name, and all the others as `intrinsic`."""
        rest = torch.ones(code.shape[1], dtype=torch.bool, device=code.device)
        rest[self.axes] = False
        own: dict[str, Tensor] = {name: code[:, self.axes[place], None] for place, name in enumerate(EXTRINSIC)}
        return {**own, "intrinsic": code[:, rest]}

    def angles(self, code: Float[Tensor, "b d"]) -> Float[Tensor, "b 3"]:
        """Yaw, pitch and light azimuth in degrees, as all latents together tell them on training scenes."""
        return code @ self.weights + self.offset

    def moved(self, code: Float[Tensor, "b d"], change: Float[Tensor, " 3"]) -> Float[Tensor, "b d"]:
        """The code of the same scenes with other angles: each factor's latent moved along its scale by `change`
        degrees, from where the image's angle is."""
        angles = self.angles(code)
        found = code.clone()
        for place in range(INTRINSIC):
            step = self._scale(place, angles[:, place] + change[place]) - self._scale(place, angles[:, place])
            found[:, self.axes[place]] += torch.where(change[place] == 0, 0.0, step)
        return found

    def _scale(self, place: int, angle: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """What a factor's latent is at an angle, but for a constant."""
        below, above, jump = self.slopes[place]
        scale: Tensor = below * angle.clamp(max=0) + above * angle.clamp(min=0) + jump * (angle >= 0)
        return scale

    @torch.no_grad()
    def read_scale(self, codes: Float[np.ndarray, "n d"], batches: ControlledBatches, *, find: bool) -> None:
        """Read from the codes of training scenes what the buffers hold.

        Parameters
        ----------
        codes: of every image of `batches`.
        find: whether factors are where they vary most, as the latents of a training without clamps have to be looked
            for; else they are the first three.
        """
        if find:
            self.axes.copy_(torch.from_numpy(varying_most(codes, batches)))
        weights, offset = readout(codes, batches.angles)
        self.weights.copy_(torch.from_numpy(weights))
        self.offset.copy_(torch.from_numpy(offset))
        for place, axis in enumerate(self.axes.tolist()):
            rows = batches.of_factor(place)
            slopes = two_sided(batches.angles[rows, place], codes[rows, axis].astype(np.float64))
            self.slopes[place].copy_(torch.from_numpy(slopes))


def varying_most(codes: Float[np.ndarray, "n d"], batches: ControlledBatches) -> Int[np.ndarray, " 3"]:
    """For each of the first three factors the latent that varies most within its batches; none is taken twice."""
    taken: list[int] = []
    for place in range(INTRINSIC):
        within = codes[batches.of_factor(place)].var(axis=1).mean(axis=0)
        within[taken] = -1
        taken.append(int(within.argmax()))
    return np.array(taken)


def readout(
    codes: Float[np.ndarray, "n d"], angles: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "d 3"], Float[np.ndarray, " 3"]]:
    """Weights and offset of the ridge regression of angles on codes."""
    values = codes.astype(np.float64)
    mean, target = values.mean(axis=0), angles.mean(axis=0)
    values = values - mean
    penalty = RIDGE * len(values) * np.eye(values.shape[1])
    weights = np.linalg.solve(values.T @ values + penalty, values.T @ (angles - target))
    return weights, target - mean @ weights


def two_sided(angles: Float[np.ndarray, "k b"], latent: Float[np.ndarray, "k b"]) -> Float[np.ndarray, " 3"]:
    """Slopes of a latent below 0 and above, and its jump at 0, by least squares within batches: what differs between
    batches besides the angle is taken off. What the angles do not tell (a jump where all are on one side) is 0."""
    columns = np.stack([np.minimum(angles, 0), np.maximum(angles, 0), angles >= 0], axis=-1).astype(np.float64)
    columns -= columns.mean(axis=1, keepdims=True)
    latent = latent - latent.mean(axis=1, keepdims=True)
    found: np.ndarray = np.linalg.lstsq(columns.reshape(-1, 3), latent.ravel(), rcond=1e-9)[0]
    return found
