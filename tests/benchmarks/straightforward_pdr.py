"""PDR's training step as its published code has it (Unsup3D's, after Wu et al., 2020), for the speed of ours.

Plain layers, float32, memory in torch's default order, one Adam per network, which updates one parameter after the
other. Weights are those that ours starts from, and the mesh is rendered by the same renderer: what the original
renderer would cost is no part of the comparison.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.pdr.config import MAX_DEPTH, MIN_DEPTH, PDRConfig
from methods.pdr.networks import Networks
from methods.pdr.vgg import VGGFeatures
from methods.rendering.scene import DepthRenderer

EPSILON = 1e-7


def _norm(width: int, multiple: int) -> nn.GroupNorm:
    return nn.GroupNorm(16 * multiple, width * multiple)


def _down(nf: int, zdim: int) -> list[nn.Module]:
    return [
        *(nn.Conv2d(3, nf, 4, 2, 1, bias=False), _norm(nf, 1), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.Conv2d(nf, 2 * nf, 4, 2, 1, bias=False), _norm(nf, 2), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.Conv2d(2 * nf, 4 * nf, 4, 2, 1, bias=False), _norm(nf, 4), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.Conv2d(4 * nf, 8 * nf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)),
        *(nn.Conv2d(8 * nf, zdim, 4, 1, 0, bias=False), nn.ReLU(inplace=True)),
    ]


class PlainEncoderDecoder(nn.Module):
    """Depth and albedo."""

    def __init__(self, cout: int, nf: int, zdim: int, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.network_down = nn.Sequential(*_down(nf, zdim))
        self.network_up = nn.Sequential(
            *(nn.ConvTranspose2d(zdim, 8 * nf, 4, 1, 0, bias=False), nn.ReLU(inplace=True)),
            *(nn.Conv2d(8 * nf, 8 * nf, 3, 1, 1, bias=False), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(8 * nf, 4 * nf, 4, 2, 1, bias=False), _norm(nf, 4), nn.ReLU(inplace=True)),
            *(nn.Conv2d(4 * nf, 4 * nf, 3, 1, 1, bias=False), _norm(nf, 4), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(4 * nf, 2 * nf, 4, 2, 1, bias=False), _norm(nf, 2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(2 * nf, 2 * nf, 3, 1, 1, bias=False), _norm(nf, 2), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(2 * nf, nf, 4, 2, 1, bias=False), _norm(nf, 1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(nf, nf, 3, 1, 1, bias=False), _norm(nf, 1), nn.ReLU(inplace=True)),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *(nn.Conv2d(nf, nf, 3, 1, 1, bias=False), _norm(nf, 1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(nf, nf, 5, 1, 2, bias=False), _norm(nf, 1), nn.ReLU(inplace=True)),
            nn.Conv2d(nf, cout, 5, 1, 2, bias=False),
            *([] if activation is None else [activation]),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.network_up(self.network_down(image))


class PlainEncoder(nn.Module):
    """Light and view; PDR's, whose feature ends with tanh and whose values are free."""

    def __init__(self, cout: int, nf: int) -> None:
        super().__init__()
        self.network = nn.Sequential(
            *(nn.Conv2d(3, nf, 4, 2, 1, bias=False), nn.ReLU(inplace=True)),
            *(nn.Conv2d(nf, 2 * nf, 4, 2, 1, bias=False), nn.ReLU(inplace=True)),
            *(nn.Conv2d(2 * nf, 4 * nf, 4, 2, 1, bias=False), nn.ReLU(inplace=True)),
            *(nn.Conv2d(4 * nf, 8 * nf, 4, 2, 1, bias=False), nn.ReLU(inplace=True)),
            *(nn.Conv2d(8 * nf, 8 * nf, 4, 1, 0, bias=False), nn.ReLU(inplace=True)),
            nn.Tanh(),
        )
        self.conv = nn.Conv2d(8 * nf, cout, 1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        return self.conv(self.network(image)).flatten(1)


class PlainConfidenceNet(nn.Module):
    """Deviations for pixels and for VGG-16's maps."""

    def __init__(self, nf: int, zdim: int) -> None:
        super().__init__()
        self.network = nn.Sequential(
            *_down(nf, zdim),
            *(nn.ConvTranspose2d(zdim, 8 * nf, 4, 1, 0, bias=False), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(8 * nf, 4 * nf, 4, 2, 1, bias=False), _norm(nf, 4), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(4 * nf, 2 * nf, 4, 2, 1, bias=False), _norm(nf, 2), nn.ReLU(inplace=True)),
        )
        self.out_net1 = nn.Sequential(
            *(nn.ConvTranspose2d(2 * nf, nf, 4, 2, 1, bias=False), _norm(nf, 1), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(nf, nf, 4, 2, 1, bias=False), _norm(nf, 1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(nf, 2, 5, 1, 2, bias=False), nn.Softplus()),
        )
        self.out_net2 = nn.Sequential(nn.Conv2d(2 * nf, 2, 3, 1, 1, bias=False), nn.Softplus())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.network(image)
        return self.out_net1(hidden), self.out_net2(hidden)


def _photometric(ours: Tensor, target: Tensor, mask: Tensor, sigma: Tensor) -> Tensor:
    loss = (ours - target).abs() * math.sqrt(2) / (sigma + EPSILON) + (sigma + EPSILON).log()
    mask = mask.expand_as(loss)
    return (loss * mask).sum() / mask.sum()


def _perceptual(ours: Tensor, target: Tensor, mask: Tensor, sigma: Tensor) -> Tensor:
    loss = (ours - target) ** 2 / (2 * sigma**2 + EPSILON) + (sigma + EPSILON).log()
    mask = F.avg_pool2d(mask, 4, 4).expand_as(loss)
    return (loss * mask).sum() / mask.sum()


class StraightforwardPDR:
    """The face model and its optimisers, on the device of `networks`, with copies of their weights.

    Parameters
    ----------
    networks: ours, before training. vgg: fixed features for the perceptual term, or None.
    """

    def __init__(self, networks: Networks, config: PDRConfig, vgg: VGGFeatures | None) -> None:
        device = next(networks.parameters()).device
        self.config = config
        self.vgg = vgg
        self.nets: dict[str, nn.Module] = {
            "netD": PlainEncoderDecoder(1, config.nf, config.zdim),
            "netA": PlainEncoderDecoder(3, config.nf, config.zdim, nn.Tanh()),
            "netL": PlainEncoder(4, config.nf_encoder),
            "netV": PlainEncoder(6, config.nf_encoder),
            "netC": PlainConfidenceNet(config.nf_confidence, config.zdim_confidence),
        }
        for name, net in self.nets.items():
            net.load_state_dict(getattr(networks, name).state_dict())
            net.to(device)
        schedule = config.schedule
        self.optimizers = [
            torch.optim.Adam(
                net.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay, foreach=False, fused=False
            )
            for net in self.nets.values()
        ]
        self.renderer = DepthRenderer(64, min_depth=MIN_DEPTH, max_depth=MAX_DEPTH).to(device)

    def step(self, images: Tensor) -> float:
        """Train on images (b, 3, 64, 64) in [0, 1]; returns the loss."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss = self.loss(images.contiguous() * 2 - 1)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.item()

    def loss(self, image: Tensor) -> Tensor:
        """The objective of images in [-1, 1]."""
        b, _, h, w = image.shape
        depth = self.nets["netD"](image).squeeze(1)
        depth = (depth - depth.view(b, -1).mean(1).view(b, 1, 1)).tanh()
        depth = (1 + depth) / 2 * MAX_DEPTH + (1 - depth) / 2 * MIN_DEPTH
        border = F.pad(torch.zeros(1, h, w - 4, device=image.device), (2, 2), value=1)
        depth = depth * (1 - border) + border * self.config.border_depth
        depth = torch.cat([depth, depth.flip(2)])

        albedo = self.nets["netA"](image)
        albedo = torch.cat([albedo, albedo.flip(3)])
        sigma, sigma_perceptual = self.nets["netC"](image)

        light = self.nets["netL"](image).repeat(2, 1)
        ambient, diffuse = light[:, :1] / 2 + 0.5, light[:, 1:2] / 2 + 0.5
        direction = torch.cat([light[:, 2:], torch.ones(2 * b, 1, device=image.device)], 1)
        direction = direction / (direction**2).sum(1, keepdim=True) ** 0.5
        normal = self.renderer.normals(depth)
        lambert = (normal * direction.view(-1, 1, 1, 3)).sum(3).clamp(min=0).unsqueeze(1)
        shading = ambient.view(-1, 1, 1, 1) + diffuse.view(-1, 1, 1, 1) * lambert
        canonical = (albedo / 2 + 0.5) * shading * 2 - 1

        view = self.nets["netV"](image).repeat(2, 1)
        turn, shift = view[:, :3] * math.pi / 180 * 60, view[:, 3:5] * 0.1
        view = torch.cat([turn, shift, view[:, 5:] * 0], 1)
        seen = self.renderer.warp(depth, view)
        found = F.grid_sample(canonical, self.renderer.inverse_grid(seen, view), mode="bilinear", align_corners=False)
        mask = (seen < self.renderer.depth_limits[1]).float()
        mask = (mask[:b] * mask[b:]).unsqueeze(1).detach()
        found = found * mask.repeat(2, 1, 1, 1)

        loss = _photometric(found[:b], image, mask, sigma[:, :1])
        loss = loss + self.config.flip_weight * _photometric(found[b:], image, mask, sigma[:, 1:])
        if self.vgg is not None:
            plain = _perceptual(self.vgg(found[:b]), self.vgg(image).detach(), mask, sigma_perceptual[:, :1])
            flipped = _perceptual(self.vgg(found[b:]), self.vgg(image).detach(), mask, sigma_perceptual[:, 1:])
            loss = loss + self.config.perceptual_weight * (plain + self.config.flip_weight * flipped)
        return loss
