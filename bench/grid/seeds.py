"""The seeds of a cell: one number for everything, or one per source of variation. Imports no torch.

`fit` is behind the initial weights and the training, `split` behind which images train and which are held out or
chosen at random by a protocol, `evaluate` behind what a task draws (resamples, heads, orders of batches). Varying one
of them alone measures that source of variation.
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from itertools import product
from math import prod

from bench.grid.values import shown
from datasets.errors import BenchError

# What numpy's and torch's generators take, and as many seeds as a run's plan and tables can hold.
LARGEST, DIGITS, MOST = 2**32 - 1, 10, 1000
EXPECTED = "expected whole numbers such as 0,1,2 or 0-4, or seeds of fit, split and evaluate such as fit=0-2;evaluate=0"


@dataclass(frozen=True, order=True)
class Seeds:
    """One number per source of variation."""

    fit: int = 0
    split: int = 0
    evaluate: int = 0

    def __str__(self) -> str:
        """`0` where all are the same, else the seed of `fit` and those that differ: `0,evaluate=3`."""
        return ",".join([str(self.fit), *(f"{name}={value}" for name, value in self.others.items())])

    @property
    def others(self) -> dict[str, int]:
        """The seeds that differ from that of `fit`, by name."""
        return {name: value for name, value in asdict(self).items() if value != self.fit}


def parse_seeds(text: str) -> tuple[Seeds, ...]:
    """Distinct seeds in order, from `0,1,2` or `0-4` (each number for everything) or `fit=0-2;evaluate=0,1` (every
    combination, and 0 for what is not named).

    Anything else is a BenchError.
    """
    if "=" not in text:
        return tuple(Seeds(number, number, number) for number in _numbers(text, text))
    names = [field.name for field in fields(Seeds)]
    found: dict[str, tuple[int, ...]] = dict.fromkeys(names, (0,))
    for part in filter(None, text.split(";")):
        name, equals, numbers = part.strip().partition("=")
        if not equals or name not in names:
            raise BenchError(f"--seeds {shown(text)}: {EXPECTED}")
        found[name] = _numbers(numbers, text)
    if (count := prod(map(len, found.values()))) > MOST:
        raise _too_many(count, text)
    return tuple(Seeds(*values) for values in product(*(found[name] for name in names)))


def parse_seed(text: str) -> Seeds:
    """The inverse of `str(seeds)`, for cells named by a person."""
    head, *others = text.split(",")
    values = {name: int(value) for name, value in (other.split("=") for other in others)}
    return Seeds(**{field.name: values.get(field.name, int(head)) for field in fields(Seeds)})


def extended(seeds: Sequence[Seeds], trainings: int) -> tuple[Seeds, ...]:
    """`seeds` and as many more, the lowest that are not among them, as make `trainings` different seeds of `fit`.

    Where every number of `seeds` is for everything, so are the added ones; where sources are named apart, the added
    ones vary `fit` alone and hold the others at those of the first.

    >>> [str(more) for more in extended([Seeds(7, 7, 7)], 3)]
    ['7', '0', '1']
    >>> [str(more) for more in extended([Seeds(0, 4, 0)], 2)]
    ['0,split=4', '1,split=4,evaluate=0']
    """
    there = {own.fit for own in seeds}
    added = [number for number in range(trainings + len(there)) if number not in there]
    together, first = not any(own.others for own in seeds), seeds[0]
    return (
        *seeds,
        *(
            Seeds(number, number, number) if together else replace(first, fit=number)
            for number in added[: max(0, trainings - len(there))]
        ),
    )


def varied(seeds: list[Seeds]) -> str:
    """The sources that vary among `seeds`: `seeds` where all vary together, else their names."""
    columns = list(zip(*map(astuple, seeds), strict=True))
    changing = [field.name for field, column in zip(fields(Seeds), columns, strict=True) if len(set(column)) > 1]
    return "seeds" if len(changing) in (0, len(columns)) else f"{' and '.join(changing)} seeds"


def _numbers(text: str, whole: str) -> tuple[int, ...]:
    """`0,1,2` or `0-4` -> distinct numbers in order."""
    found: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = (number.strip() for number in part.strip().partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise BenchError(f"--seeds {shown(whole)}: {EXPECTED}")
        if max(len(first), len(last)) > DIGITS or max(int(first), int(last or 0)) > LARGEST:
            raise BenchError(f"--seeds {shown(whole)}: seeds are whole numbers up to {LARGEST}")
        numbers = range(int(first), int(last if dash else first) + 1)
        if len(found) + len(numbers) > MOST:
            raise _too_many(len(found) + len(numbers), whole)
        found.update(dict.fromkeys(numbers))
    if not found:
        raise BenchError(f"--seeds {shown(whole)} names no seed: {EXPECTED}")
    return tuple(found)


def _too_many(count: int, whole: str) -> BenchError:
    return BenchError(f"--seeds {shown(whole)}: {count:,} or more seeds, expected at most {MOST:,} in one run")
