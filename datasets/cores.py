"""How many processors this process may use."""

import math
from collections.abc import Iterator
from pathlib import Path

# Where the kernel says which control groups this process is in, and where they are looked at.
MEMBERSHIP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Those that the scheduler lets it run on (`taskset`, a job's cpuset) and that its control groups pay for, at
    least one. The machine may have more."""
    from joblib import cpu_count  # scikit-learn's, which knows affinity

    return max(1, math.ceil(min([float(cpu_count()), *quotas()])))


def quotas(membership: Path = MEMBERSHIP, groups: Path = GROUPS) -> Iterator[float]:
    """What each control group of this process and each above it pays for, in cores; nothing where none sets a limit.

    Joblib asks the topmost group alone, while a job's limit stands in one below it. Both versions of control groups
    are read: `cpu.max` of the one tree, and the two files of the tree `cpu`. A membership as the host sees it may
    name a group that is not visible from inside a container: then those above it are what can be asked.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux, or no /proc: nothing is limited that way
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = groups / controllers if controllers else groups
        if controllers and not root.is_dir():
            root = groups / "cpu"
        group = root / name.lstrip("/")
        for folder in (group, *group.parents):
            yield from _quota(folder)
            if folder == root:
                break


def _quota(group: Path) -> Iterator[float]:
    """What one group pays for, if it sets a limit."""
    try:
        if (group / "cpu.max").is_file():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        cores = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # there is no such file, or it says `max`
        return
    if cores > 0:  # -1 is no limit
        yield cores
