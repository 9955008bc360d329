"""VGG-16 up to relu3_3, the perceptual loss's fixed features (Simonyan and Zisserman, 2015).

Weights are torchvision's ImageNet checkpoint, which the project neither ships nor downloads.
"""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.errors import BenchError, WeightsMissing
from methods.torch_files import read_torch_file
from methods.weight_files import as_wanted, check_finite, plain_names

FILE_NAME = "vgg16-397923af.pth"

# Number of each convolution in torchvision's `features`, its channels, and whether the image is halved before it.
LAYERS = (
    (0, 3, 64, False),
    (2, 64, 64, False),
    (5, 64, 128, True),
    (7, 128, 128, False),
    (10, 128, 256, True),
    (12, 256, 256, False),
    (14, 256, 256, False),
)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def default_file() -> Path:
    """Where torchvision's download of the weights lies, if there is one."""
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME


def find(file: str | None) -> Path:
    """The file of weights: `file`, or torchvision's download. Raises WeightsMissing where it is not there."""
    path = Path(file) if file is not None else default_file()
    if not path.is_file():
        raise WeightsMissing(
            f"the perceptual loss needs VGG-16's weights, looked for at {path}: put torchvision's {FILE_NAME} "
            "there, name a file with --set pdr.vgg16=FILE, or train without by --set pdr.perceptual_weight=0"
        )
    return path


class VGGFeatures(nn.Module):
    """relu3_3 of images in [-1, 1]: (b, 3, s, s) -> (b, 256, s/4, s/4).

    The weights are buffers that stay out of `state_dict`: they are not trained, and a checkpoint need not hold them.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)
        for number, *_ in LAYERS:
            for part in ("weight", "bias"):
                self.register_buffer(f"{part}{number}", state[f"features.{number}.{part}"].float(), persistent=False)

    @classmethod
    def load(cls, file: str | None = None) -> "VGGFeatures":
        """Read the weights from `file`, or from torchvision's download cache.

        Raises WeightsMissing where the file is not there, BenchError where it holds anything but tensors or is no
        VGG-16.
        """
        path = find(file)
        expected = f"expected torchvision's {FILE_NAME}"
        wrong = f"{path} is no PyTorch file of tensors alone: {expected}"
        state = read_torch_file(path, pickled=wrong, damaged=wrong, expected=expected)
        state = plain_names(state)
        for number, cin, cout, _ in LAYERS:
            for part, shape in (("weight", (cout, cin, 3, 3)), ("bias", (cout,))):
                key = f"features.{number}.{part}"
                value = state.get(key)
                if not isinstance(value, Tensor) or tuple(value.shape) != shape:
                    raise BenchError(f"{path}: {key} must be a tensor of {shape}: {expected}")
                state[key] = as_wanted(value, torch.float32, f"{path}: {key}")
        check_finite({key: value for key, value in state.items() if isinstance(value, Tensor)}, path)
        return cls(state)

    def forward(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 256 t t"]:
        """relu3_3 of images normalised as ImageNet's."""
        x = (images / 2 + 0.5 - self.mean) / self.deviation
        for number, _, _, halve in LAYERS:
            x = F.max_pool2d(x, 2) if halve else x
            x = F.conv2d(x, getattr(self, f"weight{number}"), getattr(self, f"bias{number}"), padding=1).relu()
        return x
