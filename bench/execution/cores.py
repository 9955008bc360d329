"""How many processors this process may use."""


def usable_cores() -> int:
    """Those that the scheduler lets it run on (`taskset`, a job's cpuset) and that a container's quota pays for, at
    least one. The machine may have more."""
    from joblib import cpu_count  # scikit-learn's, which knows affinity and control groups

    return int(cpu_count())
