"""Files of weights that are known, by their SHA-256: a name alone says nothing of what is in a file."""

from collections.abc import Iterator
from pathlib import Path

from bench.pipeline.specs import MethodSpec
from datasets.sealed import file_digest

# As their authors published them: torchvision's VGG-16, which carries the beginning of its own; e4e's encoder with its
# generator; StyleGAN2's generator as e4e's and RIS's authors pass it on.
OFFICIAL = {
    "vgg16-397923af.pth": "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    "e4e_ffhq_encode.pt": "2ace1d9a8c05c10a399bcd500b8dda118f759ff1aac89dbdab7435f2136a0999",
    "stylegan2-ffhq-config-f.pt": "bae494ef77e32a9cd1792a81a3c167692a0e64f6bcd8b06592ff42917e2ed46e",
}
# Digits of a digest that a note shows: more than torchvision's names.
SHOWN = 12


def unknown_files(spec: MethodSpec) -> Iterator[str]:
    """A sentence on each file of weights behind a method that is none of `OFFICIAL`: in place of training (`weights`),
    or named by a field of its configuration."""
    if spec.weights is not None:
        yield _unknown("weights", spec.weights)
        return
    if not spec.cls.trains and any(getattr(base, "trains", False) for base in spec.cls.__mro__):
        return  # what random_init has for files is for the training that it leaves out
    for name in sorted(spec.cls.Config.file_fields()):
        file = getattr(spec.config, name)
        if file is not None and file_digest(Path(file)) not in OFFICIAL.values():
            yield _unknown(name, Path(file))


def _unknown(setting: str, file: Path) -> str:
    return f"{setting}: {file.name} (SHA-256 {file_digest(file)[:SHOWN]}) is no official file that is known here"
