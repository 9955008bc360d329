"""Named streams of random numbers.

Every use of chance in the project asks for a stream by name, and the name is hashed together with the user's seed.
Streams therefore do not depend on the order in which they are drawn: adding a method, a task or a metric changes
nobody else's numbers.
"""

import hashlib

import numpy as np


def seed_for(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the stream `names` of the user's `seed`.

    >>> seed_for(0, "fit", "pdr") == seed_for(0, "fit", "pdr")
    True
    >>> seed_for(0, "fit", "pdr") == seed_for(0, "fit", "vqvae")
    False
    """
    text = "/".join([str(int(seed)), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator at the start of the stream `names` of `seed`."""
    return np.random.default_rng(seed_for(seed, *names))
