"""What all stand-ins have in common: subsets by name, and content that is drawn block by block."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

from datasets.base import Content, Progress, Source
from datasets.errors import BenchError
from datasets.rows import in_memory
from methods import numba_threads, rendering

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

    def drawing(self) -> dict[str, str]:
        """What decides images besides their parameters, for a fingerprint: the source of the generators, of the
        project's renderer and of how its kernels are compiled."""
        return {
            "source": source_digest(Path(__file__).parent),
            "renderer": source_digest(Path(rendering.__path__[0])),
            "kernels": source_digest(Path(str(numba_threads.__file__))),
        }

    def read(self, size: int, progress: Progress) -> Content:
        """Draw everything into memory."""
        return self.read_into(in_memory, size, progress)


@cache
def source_digest(place: Path) -> str:
    """SHA-256 of names and text of the Python source at `place`, a file or a folder with all below it."""
    digest = sha256()
    for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
