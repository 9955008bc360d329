"""What is built in: every method, task, dataset and profile by name. Strings only, so that listing imports nothing."""

from dataclasses import dataclass

from bench.registry import Entry, Registry

METHODS = Registry(
    "method",
    [
        Entry("vqvae", "methods.vqvae:VQVAE", "VQ-VAE (van den Oord et al., 2017)", "vqvae"),
        Entry("pdr", "methods.pdr.method:PDR", "physically disentangled representations, without LOOCC", "pdr"),
        Entry("pdr_loocc_l", "methods.pdr.method:PDR", "PDR with LOOCC on light", "pdr", {"loocc": "l"}),
        Entry(
            "pdr_loocc_lv",
            "methods.pdr.method:PDR",
            "PDR with LOOCC on light and view",
            "pdr",
            {"loocc": "lv"},
        ),
        Entry(
            "supervised_resnet18",
            "methods.supervised:SupervisedResNet18",
            "ResNet-18 trained from scratch on a task's labels",
            tasks=("celeba_linear",),
        ),
        Entry(
            "chance",
            "methods.baselines:Chance",
            "random numbers that know nothing of the image",
            baseline=True,
        ),
        Entry("raw_pixels", "methods.baselines:RawPixels", "the image itself, flattened", baseline=True),
        Entry("random_init", "methods.pdr.method:RandomInit", "PDR's encoders, untrained", "pdr", baseline=True),
        Entry(
            "timm",
            "methods.timm_backbone:TimmBackbone",
            "any timm backbone, as timm:resnet18",
            argument="model",
        ),
    ],
)

TASKS = Registry(
    "task",
    [
        Entry("bbt", "tasks.tracks:BBT", "identity clustering of face tracks, The Big Bang Theory s01e01"),
        Entry("buffy", "tasks.tracks:Buffy", "identity clustering of face tracks, Buffy s05e02"),
        Entry("rafdb", "tasks.emotions:RAFDB", "clustering by seven emotions, RAF-DB's test images"),
        Entry("celeba", "tasks.attributes:CelebA", "one clustering of 6,000 faces against each of 40 attributes"),
        Entry("yaleb", "tasks.sweeps:YaleB", "identity clustering under directed light, and by the light's angle"),
        Entry("view_sweep", "tasks.sweeps:ViewSweep", "identity clustering of turned heads, and by the angle of view"),
        Entry(
            "celeba_linear",
            "tasks.linear:CelebALinear",
            "40 face attributes from 100, 500 and 1,000 labelled images, frozen and fine-tuned",
        ),
        Entry(
            "tracks",
            "tasks.tracks:TrackFolderTask",
            "clustering of your own tracks, as tracks:DIR",
            argument="folder",
        ),
        Entry(
            "images",
            "tasks.tracks:ImageFolderTask",
            "clustering of your own images, as images:DIR",
            argument="folder",
        ),
    ],
)

DATASETS = Registry(
    "dataset",
    [
        Entry(
            "utkface",
            "datasets.utkface:UTKFace.open",
            "23,708 faces without labels; trains the face models",
            stand_in="datasets.synthetic.sources:UTKFaceStandIn.open",
        ),
        Entry(
            "bbt",
            "datasets.tv:BBT.open",
            "644 face tracks of 5 people",
            stand_in="datasets.synthetic.sources:BBTStandIn.open",
        ),
        Entry(
            "buffy",
            "datasets.tv:Buffy.open",
            "568 face tracks of 6 people",
            stand_in="datasets.synthetic.sources:BuffyStandIn.open",
        ),
        Entry(
            "rafdb",
            "datasets.rafdb:RAFDB.open",
            "RAF-DB: 15,339 faces of 7 emotions",
            stand_in="datasets.synthetic.labelled:RAFDBStandIn.open",
        ),
        Entry(
            "celeba",
            "datasets.celeba:CelebA.open",
            "CelebA: 202,599 faces with 40 attributes",
            stand_in="datasets.synthetic.labelled:CelebAStandIn.open",
        ),
        Entry(
            "celebamask",
            "datasets.celebamask:CelebAMaskHQ.open",
            "CelebAMask-HQ: 30,000 faces with 18 parts",
            stand_in="datasets.synthetic.labelled:CelebAMaskStandIn.open",
        ),
        Entry(
            "yaleb",
            "datasets.yaleb:YaleB.open",
            "Extended Yale B: 38 people under 64 lights",
            stand_in="datasets.synthetic.sweeps:YaleBStandIn.open",
        ),
        Entry(
            "view_sweep",
            "",
            "drawn faces turned from left to right; there is no real counterpart",
            stand_in="datasets.synthetic.sweeps:ViewSweepStandIn.open",
        ),
        Entry(
            "tracks",
            "datasets.folders:TrackFolder.open",
            "one folder per track, labels.csv",
            argument="folder",
        ),
        Entry("images", "datasets.folders:ImageFolder.open", "one folder per class", argument="folder"),
    ],
)

# The dataset that trains the models of each kind of object.
TRAINING_DATASET = {"faces": "utkface"}


@dataclass(frozen=True)
class Profile:
    """How much of everything a run uses; what it means for a method stands in the method's own file."""

    name: str
    summary: str
    subset: str


PROFILES = {
    "smoke": Profile("smoke", "tests and CI: every part runs, no number means anything; about 2 minutes", "smoke"),
    "mini": Profile("mini", "a first real look on 2 cores: all methods trained from nothing in minutes", "mini"),
    "paper": Profile("paper", "the paper's architectures, schedules and datasets; needs a GPU", "full"),
}
