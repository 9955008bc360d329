"""Ward clustering against scikit-learn within one run; collected only by name: `pytest tests/benchmarks/bench_ward.py`.

A ratio of times measured in turn on the same machine says more than either time, which other work on it changes.
"""

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sklearn.cluster import AgglomerativeClustering

from datasets.streams import generator
from tasks.ward import ward_clusters

# (items, features): BBT's tracks under VQ-VAE, and CelebA's test images under PDR.
SIZES = [(644, 131_072), (6_000, 512)]


def features(items: int, size: int) -> np.ndarray:
    return generator(0, "benchmark").standard_normal((items, size), dtype=np.float32)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.parametrize(("items", "size"), SIZES)
def test_time(benchmark: BenchmarkFixture, items: int, size: int) -> None:
    """Our time, with scikit-learn's and the ratio beside it in the report."""
    values = features(items, size)
    benchmark.pedantic(ward_clusters, args=(values, 5), rounds=5, warmup_rounds=1)
    theirs = seconds(lambda: AgglomerativeClustering(5, linkage="ward").fit_predict(values))
    ratio = theirs / benchmark.stats["min"]
    benchmark.extra_info.update(scikit_learn_seconds=theirs, times_faster=ratio)
    assert ratio > 2, f"only {ratio:.1f} times as fast as scikit-learn ({theirs:.2f} s)"


def test_collapsed_features_cost_the_same(benchmark: BenchmarkFixture) -> None:
    """Features that are all but equal within four groups, as of a network that has died."""
    values = features(644, 16_384)
    groups = values[:4][np.arange(len(values)) % 4] + np.float32(1e-4) * values
    benchmark.pedantic(ward_clusters, args=(groups, 4), rounds=3, warmup_rounds=1)
    plain = min(seconds(lambda: ward_clusters(values, 4)) for _ in range(3))
    assert benchmark.stats["min"] < 4 * plain
