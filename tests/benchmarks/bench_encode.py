"""From 10,000 JPEG files to PDR's features: the harness with an empty store against a script's plain loop.

At the paper's width the networks take most of the time on a CPU, the same in both, unless `pdr.encode_precision` asks
for bfloat16; that is what is held to the reach where the hardware has it. The default keeps single precision.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from bench.training.precision import fast_bfloat16
from datasets.base import Silent
from datasets.streams import generator
from datasets.synthetic.sources import UTKFaceStandIn

IMAGES, SIDE = 10_000, 200  # as many pixels across as UTKFace's photographs
DRAWN = 100
REACH, MEMORY_GB = 2, 1.5
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]

# Each in a process of its own, so that peak memory is its own; both print it and the seconds after their imports.
OURS = """
import sys, time
from pathlib import Path
import numpy as np, torch
from bench.pipeline.encoding import write_features
from datasets.base import Silent
from datasets.folders import ImageFolder
from datasets.prepared import prepare
from methods.pdr.config import PDRConfig
from methods.pdr.method import PDR
folder, store = Path(sys.argv[1]), Path(sys.argv[2])
torch.manual_seed(0)
method = PDR(PDRConfig(encode_precision=sys.argv[4]))
method.module.to(sys.argv[5]).eval()
for value in method.module.parameters():
    if value.dim() == 4:
        value.data = value.data.contiguous(memory_format=torch.channels_last)
started = time.perf_counter()
dataset = prepare(ImageFolder.open(folder), 64, store, Silent())
write_features(
    method, dataset, np.arange(len(dataset)), store / "features.npy",
    device=sys.argv[5], by_track=False, scale=1.0, progress=Silent(), what="encode",
)
print("seconds", time.perf_counter() - started)
np.save(sys.argv[3], np.load(store / "features.npy"))
"""
PLAIN = """
import sys, time
from pathlib import Path
import numpy as np, torch
from PIL import Image
from methods.pdr.method import PDR
torch.manual_seed(0)
method = PDR()
method.module.to(sys.argv[4]).eval()
started = time.perf_counter()
files = sorted(Path(sys.argv[1]).glob("*/*.jpg"))
found = []
with torch.no_grad():
    for start in range(0, len(files), 64):
        batch = []
        for path in files[start : start + 64]:
            image = Image.open(path).convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
            batch.append(torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255)
        found.append(method.encode(torch.stack(batch).to(sys.argv[4])).cpu().numpy())
features = np.concatenate(found)
print("seconds", time.perf_counter() - started)
np.save(sys.argv[3], features)
"""
MEMORY = "\nprint(open('/proc/self/status').read() if sys.platform == 'linux' else '')"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn faces, each a hundred times with other noise, in one class."""
    target = tmp_path_factory.mktemp("jpeg") / "faces" / "all"
    target.mkdir(parents=True)
    source = UTKFaceStandIn.open("smoke")
    source.count = DRAWN
    faces = source.read(SIDE, Silent()).images
    rng = generator(0, "benchmark", "jpeg")
    for index in range(IMAGES):
        noisy = faces[index % DRAWN] + rng.normal(0, 6, (SIDE, SIDE, 1))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(target / f"{index:05d}.jpg", quality=90)
    return target.parent


def timed(script: str, *arguments: object) -> tuple[float, float]:
    """Seconds, and peak memory in GB (0 where it cannot be read)."""
    command = [sys.executable, "-c", script + MEMORY, *map(str, arguments)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    peak = re.search(r"VmHWM:\s+(\d+) kB", told)
    return float(told.partition("seconds ")[2].split()[0]), int(peak[1]) * 1024 / 1e9 if peak else 0.0


@pytest.mark.parametrize("device", DEVICES)
def test_from_files_to_features(benchmark: BenchmarkFixture, folder: Path, tmp_path: Path, device: str) -> None:
    """In turns, the least time of each; files are in the page cache for all. A GPU's ratio is reported alone."""
    ours, exact, plain, peaks = [], [], [], []

    def rounds() -> None:
        for number in range(2):
            for precision, times in (("bf16-mixed", ours), ("32-true", exact)):
                store = tmp_path / f"store{number}{precision}"
                seconds, peak = timed(OURS, folder, store, tmp_path / f"{precision}.npy", precision, device)
                times.append(seconds)
                peaks.append(peak)
            plain.append(timed(PLAIN, folder, tmp_path, tmp_path / "plain.npy", device)[0])

    started = time.perf_counter()
    benchmark.pedantic(rounds, rounds=1)
    ratio = min(plain) / min(ours)
    reach = REACH if device == "cpu" and fast_bfloat16("cpu") else 0
    benchmark.extra_info.update(
        times_faster=ratio,
        reach=reach,
        times_faster_in_single_precision=min(plain) / min(exact),
        images_per_second=IMAGES / min(ours),
        plain_images_per_second=IMAGES / min(plain),
        peak_memory_gb=max(peaks),
        measured_in=time.perf_counter() - started,
    )
    print(f"\n{min(ours):.1f} s ({min(exact):.1f} s in single precision) against {min(plain):.1f} s: {ratio:.2f} times")
    expected = np.load(tmp_path / "plain.npy")
    np.testing.assert_allclose(np.load(tmp_path / "32-true.npy"), expected, atol=1e-4 if device == "cpu" else 1e-2)
    assert np.abs(np.load(tmp_path / "bf16-mixed.npy") - expected).max() < 0.02 * np.abs(expected).max()
    assert max(peaks) < MEMORY_GB or device == "cuda", "CUDA itself takes more"
    assert ratio >= reach, f"only {ratio:.2f} times as fast"
