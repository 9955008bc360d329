"""The project's other packages, whatever lies beside a user's command: their names are those that users give too."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIBLINGS = ("methods", "tasks", "datasets")


def claim() -> None:
    """Import `methods`, `tasks` and `datasets` from where `bench` lies.

    The folder that a program is started from comes first on the import path: a file `tasks.py` or a package
    `datasets` there would be taken in their place.

    Raises ImportError where another module of that name has been imported already, or the project's is not there.
    """
    for name in SIBLINGS:
        if (present := sys.modules.get(name)) is not None:
            place = getattr(present, "__file__", None)
            if place is None or Path(place).resolve().parent != ROOT / name:
                raise ImportError(
                    f"{name} has been imported from {place}, so that bench cannot import its own {ROOT / name}: "
                    "use the two in different programs"
                )
            continue
        spec = PathFinder.find_spec(name, [str(ROOT)])
        if spec is None or spec.loader is None:
            raise ImportError(f"{ROOT} has bench, but no package {name}: install the project anew")
        sys.modules[name] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


def passed_over(name: str) -> Path | None:
    """What a plain `import name` would take in place of the project's package, if it comes earlier on the import path.

    A folder without `__init__.py`, of images say, is in nobody's way: packages go before it.
    """
    spec = PathFinder.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return None if origin.resolve().parent == ROOT / name else origin
