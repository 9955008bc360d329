"""What all stand-ins have in common: subsets by name, and content that is drawn block by block."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

from datasets.base import Content, Progress, Source
from datasets.errors import BenchError
from datasets.rows import in_memory

Subset = Literal["smoke", "mini", "full"]

# What every stream of chance of a stand-in begins with.
SEED = 0
# Images between two reports of progress.
BLOCK = 64


class Drawn(Source):
    """A synthetic source; subclasses draw it in `read_into`."""

    synthetic = True

    def __init__(self, subset: Subset) -> None:
        self.subset = subset

    @classmethod
    def open(cls, subset: str) -> "Drawn":
        """The stand-in's `smoke`, `mini` or `full` subset; a BenchError for any other name."""
        for known in get_args(Subset):
            if subset == known:
                return cls(known)
        raise BenchError(
            f"{cls.name}[synthetic] has no subset {subset!r}: expected one of {', '.join(get_args(Subset))}"
        )

    def read(self, size: int, progress: Progress) -> Content:
        """Draw everything into memory."""
        return self.read_into(in_memory, size, progress)


@cache
def source_digest(folder: Path) -> str:
    """SHA-256 of the source below `folder`: what is drawn depends on nothing else but the parameters."""
    digest = sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
