"""`bench doctor METHOD`: does a method keep the promises that the harness relies on?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.text import Text
from torch import Tensor

from bench.grid.catalogue import DATASETS
from bench.grid.request import Options
from bench.pipeline.data import Data
from bench.pipeline.specs import MethodSpec, method_spec
from bench.pipeline.store import Store
from bench.pipeline.undisturbed import undisturbed
from bench.terminal import Terminal
from bench.training.device import resolve_device
from datasets.base import Silent
from datasets.errors import described
from datasets.streams import seed_for
from methods.base import Method

BATCH = 6
# Largest difference, in units of the features' standard deviation, that batching may make: other batch sizes take
# other kernels, whose float32 sums differ in their last digits.
TOLERANCE = 1e-3


@dataclass
class BuiltTwice:
    """A method to be checked: two instances built alike, and images in [0, 1]."""

    spec: MethodSpec
    method: Method
    twin: Method
    images: Tensor

    def encode(self, images: Tensor | None = None, *, twin: bool = False) -> Tensor:
        """Features as the harness would take them."""
        with torch.inference_mode():
            found = (self.twin if twin else self.method).encode(self.images if images is None else images)
            return torch.as_tensor(found).float().cpu()


def doctor_command(methods: str, *, settings: Iterable[str], profile: str, device: str, store: Path) -> int:
    """Examine each method and print a line per check; returns 1 where one failed."""
    console = Terminal()
    request = Options(
        methods=methods, tasks="bbt", profile=profile, settings=settings, device=device, baselines=False
    ).request()
    failed = 0
    for entry in request.methods:
        opened = Store(store)
        spec = method_spec(entry, request, "faces", opened)
        built = build_twice(spec, resolve_device(device), Data.of(request, opened.data))
        console.print(Text.assemble((entry.name, "bold"), f"  ({spec.cls.__module__}.{spec.cls.__qualname__})"))
        for name, check in CHECKS.items():
            problem = examined(check, built)
            failed += problem is not None
            mark = ("ok    ", "green") if problem is None else ("failed", "red")
            console.print(Text.assemble("  ", mark, f" {name}", f": {problem}" if problem else ""), soft_wrap=True)
    console.print("all checks passed" if not failed else f"{failed} checks failed")
    return int(failed > 0)


def examined(check: Callable[[BuiltTwice], str | None], built: BuiltTwice) -> str | None:
    """What a check finds; an error of the method's own is a finding too, whatever it raises."""
    try:
        with undisturbed(0):
            return check(built)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return described(error)


def build_twice(spec: MethodSpec, device: str, data: Data) -> BuiltTwice:
    """Build the method twice from the same stream, with images of noise that include pure black and white.

    Both derive what encoding needs besides weights, if anything, from the dataset in `data`.
    """
    methods = [spec.build(seed=0) for _ in range(2)]
    for method in methods:
        if method.module is not None:
            method.module.to(device).eval()
        if (source := spec.cls.derived_from(spec.domain)) is not None:
            dataset = data.prepare(DATASETS.get(source), spec.size, Silent())
            with torch.inference_mode():
                method.use(method.derive(dataset, seed=seed_for(0, "doctor", "derive"), progress=Silent()))
    size = methods[0].image_size
    generator = torch.Generator().manual_seed(seed_for(0, "doctor"))
    images = torch.rand(BATCH, 3, size, size, generator=generator)
    images[0], images[1] = 0.0, 1.0
    return BuiltTwice(spec, methods[0], methods[1], images.to(device))


def check_declaration(built: BuiltTwice) -> str | None:
    """A method has weights, or says that it has none."""
    has = built.method.module is not None
    if has == built.spec.cls.stateless:
        return f"stateless is {built.spec.cls.stateless}, but module is {'set' if has else 'None'}: they must agree"
    return None


def check_shape(built: BuiltTwice) -> str | None:
    """(b, 3, h, w) -> (b, d)."""
    shape = tuple(built.encode().shape)
    if len(shape) != 2 or shape[0] != BATCH:
        return f"required features of shape ({BATCH}, d), got {shape}: flatten all but the batch"
    return None


def check_finite(built: BuiltTwice) -> str | None:
    """No NaN or infinity, on black and white images neither."""
    bad = (~torch.isfinite(built.encode().flatten(1))).any(dim=1).nonzero().flatten().tolist()
    names = {0: "the black image", 1: "the white image"}
    return f"NaN or infinity on {', '.join(names.get(i, f'image {i}') for i in bad)}" if bad else None


def check_range(built: BuiltTwice) -> str | None:
    """Features differ between images, and values fit float32 sums."""
    features = built.encode().flatten(1)
    # Before training, a quantiser may well give every image the same code.
    if features.std(dim=0).max() == 0 and not built.spec.trains:
        return "all images have the same features: nothing could be clustered"
    largest = features.abs().max().item()
    return f"values up to {largest:.1e}: squared distances lose their digits above 1e6" if largest > 1e6 else None


def check_determinism(built: BuiltTwice) -> str | None:
    """The same image gives the same bits."""
    return None if torch.equal(built.encode(), built.encode()) else "two encodings of one batch differ"


def check_initialisation(built: BuiltTwice) -> str | None:
    """The same seed builds the same method."""
    return None if torch.equal(built.encode(), built.encode(twin=True)) else "two builds from one seed differ"


def check_batch_size(built: BuiltTwice) -> str | None:
    """An image's features do not depend on the images beside it."""
    whole = built.encode()
    single = torch.cat([built.encode(built.images[i : i + 1]) for i in range(BATCH)])
    return _apart(whole, single, "features depend on the batch's size")


def check_order(built: BuiltTwice) -> str | None:
    """Nor on their order."""
    whole = built.encode()
    turned = built.encode(built.images.flip(0)).flip(0)
    return _apart(whole, turned, "features depend on the batch's order")


def check_eval_mode(built: BuiltTwice) -> str | None:
    """Encoding leaves the module in eval mode and its state as it was."""
    module = built.method.module
    if module is None:
        return None
    before = {name: value.clone() for name, value in module.state_dict().items()}
    built.encode()
    if any(part.training for part in module.modules()):
        return "encode() switched to training mode"
    changed = [name for name, value in module.state_dict().items() if not torch.equal(value, before[name])]
    return f"encode() changed {changed[0]}" if changed else None


def check_input_kept(built: BuiltTwice) -> str | None:
    """The caller's images are not written to."""
    before = built.images.clone()
    built.encode()
    return None if torch.equal(before, built.images) else "encode() wrote into its input"


CHECKS: dict[str, Callable[[BuiltTwice], str | None]] = {
    "declares its weights": check_declaration,
    "shape": check_shape,
    "finite values": check_finite,
    "value range": check_range,
    "determinism": check_determinism,
    "same seed, same weights": check_initialisation,
    "batch-size invariance": check_batch_size,
    "order invariance": check_order,
    "eval mode": check_eval_mode,
    "input left alone": check_input_kept,
}


def _apart(one: Tensor, other: Tensor, what: str) -> str | None:
    """`what`, with the difference, where two encodings differ by more than rounding."""
    if one.shape != other.shape:
        return f"{what}: shapes {tuple(one.shape)} and {tuple(other.shape)}"
    scale = one.std().clamp_min(1e-12)
    difference = ((one - other).abs().max() / scale).item()
    return f"{what} (by {difference:.1e} standard deviations)" if not difference <= TOLERANCE else None
