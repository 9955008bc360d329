"""Ward clustering against scikit-learn within one run; collected only by name: `pytest tests/benchmarks/bench_ward.py`.

A ratio of times measured in turn on the same machine says more than either time, which other work on it changes. Both
are the least of several.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from datasets.streams import generator
from tasks.clustering.ward import squared_distances, ward_clusters
from tasks.metrics.binary_tables import attribute_metrics, mean_intervals, tables_of

# Items, features, rounds, and how many times as fast as scikit-learn: BBT's tracks under VQ-VAE, CelebA's test images
# under PDR, and as many as CelebA's whole test split.
SIZES = [(644, 131_072, 7, 20), (6_000, 512, 5, 2), (20_000, 512, 2, 2)]
MEMORY_GB = 4
ATTRIBUTES = 40
# scikit-learn's fits take as long for every attribute, so that not all need timing.
FITS_TIMED = 3


@pytest.fixture(autouse=True)
def _as_users_run_it() -> Iterator[None]:
    """Shapes are checked at every call in the tests alone."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def features(items: int, size: int) -> np.ndarray:
    return generator(0, "benchmark").standard_normal((items, size), dtype=np.float32)


def scikit_learn(values: np.ndarray, clusters: int) -> np.ndarray:
    return AgglomerativeClustering(clusters, linkage="ward").fit_predict(values)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.parametrize(("items", "size", "rounds", "reach"), SIZES)
def test_time(benchmark: BenchmarkFixture, items: int, size: int, rounds: int, reach: int) -> None:
    """Our time, with scikit-learn's and the ratio beside it in the report; the partition is the same."""
    values = features(items, size)
    ours = benchmark.pedantic(ward_clusters, args=(values, 5), rounds=rounds, warmup_rounds=1)
    found: list[np.ndarray] = []
    theirs = min(seconds(lambda: found.append(scikit_learn(values, 5))) for _ in range(min(rounds, 3)))
    ratio = theirs / benchmark.stats["min"]
    benchmark.extra_info.update(scikit_learn_seconds=theirs, times_faster=ratio, reach=reach)
    assert adjusted_rand_score(ours, found[0]) == 1
    assert ratio > reach, f"only {ratio:.1f} times as fast as scikit-learn ({theirs:.2f} s)"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_of_many_items(benchmark: BenchmarkFixture) -> None:
    """Peak memory of a process that does nothing else; also where features have collapsed."""
    script = (
        "import sys, numpy as np; from tasks.clustering.ward import ward_clusters; "
        "values = np.random.default_rng(0).standard_normal((20_000, 512), dtype=np.float32); "
        "values = values if sys.argv[1] == 'plain' else values[:4][np.arange(20_000) % 4] + np.float32(1e-4) * values; "
        "ward_clusters(values, 2); print(open('/proc/self/status').read())"
    )

    def peak(kind: str) -> float:
        command = [sys.executable, "-c", script, kind]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"VmHWM:\s+(\d+) kB", told)
        assert found is not None, told
        return int(found[1]) * 1024 / 1e9

    plain = benchmark.pedantic(peak, args=("plain",), rounds=1)
    collapsed = peak("collapsed")
    benchmark.extra_info.update(peak_gb=plain, peak_gb_collapsed=collapsed, reach=MEMORY_GB)
    assert max(plain, collapsed) < MEMORY_GB


def test_forty_attributes(benchmark: BenchmarkFixture) -> None:
    """One clustering, with scores and joint intervals of all attributes, against a fit per attribute."""
    values = features(6_000, 512)
    rng = generator(0, "benchmark", "attributes")
    attributes = (rng.random((6_000, ATTRIBUTES)) < rng.uniform(0.05, 0.95, ATTRIBUTES)).astype(np.int8)

    def scored() -> object:
        clusters = ward_clusters(values, 2)
        tables = tables_of(clusters, attributes)
        return attribute_metrics(tables, tables), mean_intervals(clusters, attributes, generator(0, "bootstrap"))

    benchmark.pedantic(scored, rounds=5, warmup_rounds=1)
    fit = min(seconds(lambda: scikit_learn(values, 2)) for _ in range(FITS_TIMED))
    ratio = ATTRIBUTES * fit / benchmark.stats["min"]
    benchmark.extra_info.update(
        scikit_learn_seconds_per_fit=fit,
        fits_timed=FITS_TIMED,
        fits_extrapolated_to=ATTRIBUTES,
        times_faster=ratio,
        reach=ATTRIBUTES,
    )
    assert ratio > ATTRIBUTES, f"only {ratio:.1f} times as fast as {ATTRIBUTES} fits of {fit:.2f} s each"


def test_collapsed_features_cost_the_same(benchmark: BenchmarkFixture) -> None:
    """Features that are all but equal within four groups, as of a network that has died."""
    values = features(644, 16_384)
    groups = values[:4][np.arange(len(values)) % 4] + np.float32(1e-4) * values
    benchmark.pedantic(ward_clusters, args=(groups, 4), rounds=3, warmup_rounds=1)
    plain = min(seconds(lambda: squared_distances(values)) for _ in range(3))
    benchmark.extra_info.update(seconds_of_plain_distances=plain)
    assert benchmark.stats["min"] < 4 * plain
