"""How many items the complete official distributions hold, so that an incomplete copy is told from a complete one.

A count is of what the loader keeps: `images`, `tracks`, or the items of a part of the official split.
"""

# UTKFace: the aligned and cropped set. BBT and Buffy: tracks of the main people in the published label files (the PDR
# paper says 644 for BBT). CelebAMask-HQ by the official rule on the original index. Extended Yale B: 38 people under 64
# lights, less the images marked bad. ShapeNet cars have no official count of their own.
COUNTS: dict[str, dict[str, int]] = {
    "utkface": {"images": 23_708},
    "bbt": {"tracks": 643},
    "buffy": {"tracks": 568},
    "rafdb": {"train": 12_271, "test": 3_068},
    "celeba": {"train": 162_770, "val": 19_867, "test": 19_962},
    "celebamask": {"train": 24_183, "val": 2_993, "test": 2_824},
    "yaleb": {"images": 2_414},
}
