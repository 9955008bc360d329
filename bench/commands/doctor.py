"""`bench doctor METHOD`: does a method keep the promises that the harness relies on?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.markup import escape
from torch import Tensor

from bench.grid.catalogue import DATASETS
from bench.grid.request import parse_request
from bench.pipeline.data import Data
from bench.pipeline.environment import resolve_device
from bench.pipeline.specs import MethodSpec, method_spec
from bench.pipeline.store import Store
from datasets.base import Silent
from datasets.streams import seed_for
from methods.base import Method

BATCH = 6
# Largest difference, in units of the features' standard deviation, that batching may make: other batch sizes take
# other kernels, whose float32 sums differ in their last digits.
TOLERANCE = 1e-3


@dataclass
class Patient:
    """A method under examination: two instances built alike, and images in [0, 1]."""

    spec: MethodSpec
    method: Method
    twin: Method
    images: Tensor

    def encode(self, images: Tensor | None = None, *, twin: bool = False) -> Tensor:
        """Features as the harness would take them."""
        with torch.inference_mode():
            return (self.twin if twin else self.method).encode(self.images if images is None else images).float().cpu()


def doctor_command(methods: str, *, settings: Iterable[str], profile: str, device: str, store: Path) -> int:
    """Examine each method and print a line per check; returns 1 where one failed."""
    console = Console(highlight=False)
    request = parse_request(
        methods=methods, tasks="bbt", profile=profile, settings=settings, device=device, baselines=False
    )
    failed = 0
    for entry in request.methods:
        data = Data(request, Store(store))
        spec = method_spec(entry, request, "faces", data.store)
        patient = admit(spec, resolve_device(device), data)
        console.print(f"[bold]{escape(entry.name)}[/bold]  ({spec.cls.__module__}.{spec.cls.__qualname__})")
        for name, check in CHECKS.items():
            problem = check(patient)
            failed += problem is not None
            mark = "[green]ok[/green]    " if problem is None else "[red]failed[/red]"
            console.print(f"  {mark} {name}" + (f": {escape(problem)}" if problem else ""), soft_wrap=True)
    console.print("all checks passed" if not failed else f"{failed} checks failed")
    return int(failed > 0)


def admit(spec: MethodSpec, device: str, data: Data) -> Patient:
    """Build the method twice from the same stream, with images of noise that include pure black and white.

    Both derive what encoding needs besides weights, if anything, from the dataset in `data`.
    """
    built = [spec.build(seed=0) for _ in range(2)]
    for method in built:
        if method.module is not None:
            method.module.to(device).eval()
        if spec.cls.derives_from is not None:
            dataset = data.prepare(DATASETS.get(spec.cls.derives_from), spec.size, Silent())
            with torch.inference_mode():
                method.use(method.derive(dataset, seed=seed_for(0, "doctor", "derive"), progress=Silent()))
    size = built[0].image_size
    generator = torch.Generator().manual_seed(seed_for(0, "doctor"))
    images = torch.rand(BATCH, 3, size, size, generator=generator)
    images[0], images[1] = 0.0, 1.0
    return Patient(spec, built[0], built[1], images.to(device))


def check_declaration(patient: Patient) -> str | None:
    """A method has weights, or says that it has none."""
    has = patient.method.module is not None
    if has == patient.spec.cls.stateless:
        return f"stateless is {patient.spec.cls.stateless}, but module is {'set' if has else 'None'}: they must agree"
    return None


def check_shape(patient: Patient) -> str | None:
    """(b, 3, h, w) -> (b, d)."""
    shape = tuple(patient.encode().shape)
    if len(shape) != 2 or shape[0] != BATCH:
        return f"required features of shape ({BATCH}, d), got {shape}: flatten all but the batch"
    return None


def check_finite(patient: Patient) -> str | None:
    """No NaN or infinity, on black and white images neither."""
    bad = (~torch.isfinite(patient.encode().flatten(1))).any(dim=1).nonzero().flatten().tolist()
    names = {0: "the black image", 1: "the white image"}
    return f"NaN or infinity on {', '.join(names.get(i, f'image {i}') for i in bad)}" if bad else None


def check_range(patient: Patient) -> str | None:
    """Features differ between images, and values fit float32 sums."""
    features = patient.encode().flatten(1)
    # Before training, a quantiser may well give every image the same code.
    if features.std(dim=0).max() == 0 and not patient.spec.trains:
        return "all images have the same features: nothing could be clustered"
    largest = features.abs().max().item()
    return f"values up to {largest:.1e}: squared distances lose their digits above 1e6" if largest > 1e6 else None


def check_determinism(patient: Patient) -> str | None:
    """The same image gives the same bits."""
    return None if torch.equal(patient.encode(), patient.encode()) else "two encodings of one batch differ"


def check_initialisation(patient: Patient) -> str | None:
    """The same seed builds the same method."""
    return None if torch.equal(patient.encode(), patient.encode(twin=True)) else "two builds from one seed differ"


def check_batch_size(patient: Patient) -> str | None:
    """An image's features do not depend on the images beside it."""
    whole = patient.encode()
    single = torch.cat([patient.encode(patient.images[i : i + 1]) for i in range(BATCH)])
    return _apart(whole, single, "features depend on the batch's size")


def check_order(patient: Patient) -> str | None:
    """Nor on their order."""
    whole = patient.encode()
    turned = patient.encode(patient.images.flip(0)).flip(0)
    return _apart(whole, turned, "features depend on the batch's order")


def check_eval_mode(patient: Patient) -> str | None:
    """Encoding leaves the module in eval mode and its state as it was."""
    module = patient.method.module
    if module is None:
        return None
    before = {name: value.clone() for name, value in module.state_dict().items()}
    patient.encode()
    if any(part.training for part in module.modules()):
        return "encode() switched to training mode"
    changed = [name for name, value in module.state_dict().items() if not torch.equal(value, before[name])]
    return f"encode() changed {changed[0]}" if changed else None


def check_input_kept(patient: Patient) -> str | None:
    """The caller's images are not written to."""
    before = patient.images.clone()
    patient.encode()
    return None if torch.equal(before, patient.images) else "encode() wrote into its input"


CHECKS: dict[str, Callable[[Patient], str | None]] = {
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
