"""What is built in: every method, task, dataset and profile by name. Strings only, so that listing imports nothing."""

from dataclasses import dataclass

from bench.grid.registry import Entry, Registry

# Seeds that the rows run whose chance costs next to nothing.
FREE_TRAININGS = 5
# The tasks on scenes rendered anew, which have reference rows of their own.
RERENDERED = (
    *("novel_view", "novel_view_unmatched", "novel_view_cars", "novel_view_cars_unmatched"),
    *("relight", "relight_unmatched", "relight_cars", "relight_cars_unmatched"),
)
# The tasks of few labelled images, which have reference rows of their own.
FEW_LABELS = ("few_shot_parts", "few_shot_car_parts", "keypoints", "car_keypoints")
SCENE_PARAMETERS = {"features": ("geometry", "albedo", "light", "view")}
GRAPHICS_CODE = {"features": ("azimuth", "elevation", "light", "intrinsic")}

METHODS = Registry(
    "method",
    [
        Entry(
            "supervised_resnet18",
            "methods.supervised:SupervisedResNet18",
            "ResNet-18 trained from scratch on a task's labels: the ceiling, where a task has some to train with",
        ),
        Entry("vqvae", "methods.vqvae:VQVAE", "VQ-VAE (van den Oord et al., 2017)", "vqvae"),
        Entry(
            "stylegan2_e4e",
            "methods.stylegan2.method:StyleGAN2E4E",
            "codes of StyleGAN2's W+ space, by the e4e encoder (Karras et al., 2020; Tov et al., 2021)",
            "stylegan2_e4e",
        ),
        Entry(
            "ris",
            "methods.ris.method:RIS",
            "Retrieve in Style (Chong et al., 2021) on the same StyleGAN2 and e4e",
            "stylegan2_e4e",
        ),
        Entry(
            "pdr",
            "methods.pdr.method:PDR",
            "physically disentangled representations, without LOOCC",
            "pdr",
            choices=SCENE_PARAMETERS,
        ),
        Entry(
            "pdr_loocc_l",
            "methods.pdr.method:PDR",
            "PDR with LOOCC on light",
            "pdr",
            {"loocc": "l"},
            choices=SCENE_PARAMETERS,
        ),
        Entry(
            "pdr_loocc_lv",
            "methods.pdr.method:PDR",
            "PDR with LOOCC on light and view",
            "pdr",
            {"loocc": "lv"},
            choices=SCENE_PARAMETERS,
        ),
        Entry(
            "unet_random_init",
            "methods.pdr.unet:UNetRandomInit",
            "U-Net trained from scratch on a task's labels",
            "pdr_unet",
            {"encoder": "geometry"},
            published_as="supervised_random_init",
            tasks=("celeba_mask",),
        ),
        Entry(
            "pdr_unet_geometry",
            "methods.pdr.unet:PDRUNet",
            "U-Net whose encoder PDR trained to see geometry",
            "pdr_unet",
            {"encoder": "geometry"},
            published_as="geometry",
            tasks=("celeba_mask",),
        ),
        Entry(
            "pdr_unet_albedo",
            "methods.pdr.unet:PDRUNet",
            "U-Net whose encoder PDR trained to see albedo",
            "pdr_unet",
            {"encoder": "albedo"},
            published_as="albedo",
            tasks=("celeba_mask",),
        ),
        Entry(
            "pdr_unet_joint",
            "methods.pdr.unet:PDRUNet",
            "U-Net with both of these encoders",
            "pdr_unet",
            {"encoder": "joint"},
            published_as="joint",
            tasks=("celeba_mask",),
        ),
        Entry(
            "pdr_unet_joint_frozen",
            "methods.pdr.unet:PDRUNet",
            "U-Net with both, whose decoder alone learns from the labels",
            "pdr_unet",
            {"encoder": "joint", "frozen": True},
            published_as="joint_frozen",
            tasks=("celeba_mask",),
        ),
        Entry(
            "dcign",
            "methods.dcign.method:DCIGN",
            "DC-IGN (Kulkarni et al., 2015), trained on drawn batches in which one factor varies",
            "dcign",
            group="graphics",
            choices=GRAPHICS_CODE,
        ),
        Entry(
            "dcign_entangled",
            "methods.dcign.method:DCIGN",
            "the same network trained without clamping its code",
            "dcign",
            {"entangled": True},
            group="graphics",
            choices=GRAPHICS_CODE,
        ),
        Entry(
            "autoencoder",
            "methods.selfsupervised.reconstruction:Autoencoder",
            "PDR's encoders and decoder reconstructing the image, without a renderer",
            group="controls",
        ),
        Entry(
            "beta_vae",
            "methods.selfsupervised.reconstruction:BetaVAE",
            "the same as a beta-VAE (Higgins et al., 2017)",
            group="controls",
        ),
        Entry(
            "simclr",
            "methods.selfsupervised.contrastive:SimCLR",
            "SimCLR (Chen et al., 2020) with PDR's encoders: crop, flip, colour, blur",
            group="controls",
        ),
        Entry(
            "vicreg",
            "methods.selfsupervised.contrastive:VICReg",
            "VICReg (Bardes et al., 2022) with PDR's encoders, on the same augmentations",
            group="controls",
        ),
        Entry(
            "mae",
            "methods.selfsupervised.masked:MAE",
            "a masked autoencoder (He et al., 2022): a small Vision Transformer with as many features",
            group="controls",
        ),
        Entry(
            "simclr_physical",
            "methods.pdr.method:PDR",
            "PDR with SimCLR's loss on its own re-rendering under other light or view: LOOCC with nothing left out",
            "pdr",
            {"loocc": "lv", "leave_out": False},
            group="controls",
            choices=SCENE_PARAMETERS,
        ),
        Entry(
            "datasetgan",
            "methods.datasetgan.method:DatasetGAN",
            "DatasetGAN (Zhang et al., 2021): a network trained on images that the same StyleGAN2 draws and labels",
            "stylegan2_e4e",
            group="graphics",
            tasks=FEW_LABELS,
        ),
        Entry(
            "unet_few_labels",
            "methods.labelled_unet:UNetFewLabels",
            "a network trained on the few labelled images alone",
            "pdr_unet",
            {"encoder": "geometry"},
            group="few_labels",
            tasks=FEW_LABELS,
        ),
        Entry(
            "unet_all_labels",
            "methods.labelled_unet:UNetAllLabels",
            "a network trained on all labels that there are, for comparison",
            "pdr_unet",
            {"encoder": "geometry"},
            group="few_labels",
            tasks=FEW_LABELS,
        ),
        Entry(
            "chance",
            "methods.baselines:Chance",
            "random numbers that know nothing of the image",
            baseline=True,
            trainings=FREE_TRAININGS,
        ),
        Entry("raw_pixels", "methods.baselines:RawPixels", "the image itself, flattened", baseline=True),
        Entry(
            "random_init",
            "methods.pdr.method:RandomInit",
            "PDR's encoders, untrained",
            "pdr",
            baseline=True,
            trainings=FREE_TRAININGS,
            choices=SCENE_PARAMETERS,
        ),
        Entry(
            "unchanged",
            "methods.rerendered:Unchanged",
            "the image as it is, in place of one from elsewhere or in other light",
            baseline=True,
            tasks=RERENDERED,
        ),
        Entry(
            "training_mean",
            "methods.rerendered:TrainingMean",
            "the mean of all training images, in place of it",
            baseline=True,
            tasks=RERENDERED,
        ),
        Entry(
            "retrieval",
            "methods.rerendered:Retrieval",
            "the training image that looks most like it, of those turned and lit as wanted",
            baseline=True,
            tasks=RERENDERED,
        ),
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
        Entry("bbt", "tasks.clustering.tracks:BBT", "identity clustering of face tracks, The Big Bang Theory s01e01"),
        Entry("buffy", "tasks.clustering.tracks:Buffy", "identity clustering of face tracks, Buffy s05e02"),
        Entry("rafdb", "tasks.clustering.labelled:RAFDB", "clustering by seven emotions, RAF-DB's test images"),
        Entry(
            "celeba",
            "tasks.clustering.attributes:CelebA",
            "one clustering of 6,000 faces against each of 40 attributes",
        ),
        Entry(
            "yaleb",
            "tasks.clustering.sweeps:YaleB",
            "identity clustering under directed light, and by the light's angle",
        ),
        Entry(
            "view_sweep",
            "tasks.clustering.sweeps:ViewSweep",
            "identity clustering of turned heads, and by the angle of view",
        ),
        Entry(
            "celeba_linear",
            "tasks.celeba_linear.task:CelebALinear",
            "40 face attributes from 100, 500 and 1,000 labelled images, frozen and fine-tuned",
        ),
        Entry(
            "celeba_mask",
            "tasks.celeba_mask.task:CelebAMask",
            "segmentation of faces into 19 parts by a U-Net on a method's feature pyramid",
        ),
        Entry(
            "few_shot_parts",
            "tasks.few_shot_parts.task:FewShotParts",
            "segmentation of faces into parts from 16 labelled images, and by their number",
            published_as="few_shot_parts/CelebA-Mask-8",
        ),
        Entry(
            "few_shot_car_parts",
            "tasks.few_shot_parts.cars:FewShotCarParts",
            "segmentation of drawn cars into parts from 16 labelled images, and by their number",
            published_as="few_shot_parts/Car-20",
        ),
        Entry(
            "keypoints",
            "tasks.keypoints.task:Keypoints",
            "eyes, nose, mouth and chin from 16 labelled images",
        ),
        Entry(
            "car_keypoints",
            "tasks.keypoints.cars:CarKeypoints",
            "wheels, head lamps and corners of drawn cars from 16 labelled images",
            published_as="keypoints/Car-20",
        ),
        Entry(
            "shapenet_cars",
            "tasks.clustering.labelled:ShapeNetCars",
            "clustering by class of car, ShapeNet's test images",
        ),
        Entry(
            "pcc",
            "tasks.groups.correlation:Correlation",
            "correlation between groups of features on any dataset's images, as pcc:bbt",
            argument="dataset",
            usual=("bbt", "buffy"),
        ),
        Entry(
            "disentanglement",
            "tasks.groups.disentanglement:Disentanglement",
            "DCI, MIG and SAP of features against what drawn faces were drawn from",
        ),
        Entry(
            "truth",
            "tasks.truth.task:Truth",
            "drawn faces taken apart into depth, normals, light, view and albedo, against the truth; PDR's own world",
        ),
        Entry(
            "truth_unmatched",
            "tasks.truth.task:TruthUnmatched",
            "the same on faces drawn with what PDR does not model: a wider camera, a second light, highlights, shadows",
        ),
        Entry(
            "novel_view",
            "tasks.rerendered.task:NovelView",
            "drawn faces turned by up to 60 degrees and rendered anew, against the truth; PDR's own world",
        ),
        Entry(
            "novel_view_unmatched",
            "tasks.rerendered.task:NovelViewUnmatched",
            "the same on faces drawn with what PDR does not model",
        ),
        Entry(
            "novel_view_cars",
            "tasks.rerendered.task:NovelViewCars",
            "the same on drawn cars, in PDR's own world",
        ),
        Entry(
            "novel_view_cars_unmatched",
            "tasks.rerendered.task:NovelViewCarsUnmatched",
            "the same on cars drawn with what PDR does not model",
        ),
        Entry(
            "relight",
            "tasks.rerendered.task:Relight",
            "drawn faces lit from up to 60 degrees aside and rendered anew, against the truth; PDR's own world",
        ),
        Entry(
            "relight_unmatched",
            "tasks.rerendered.task:RelightUnmatched",
            "the same on faces drawn with what PDR does not model",
        ),
        Entry(
            "relight_cars",
            "tasks.rerendered.task:RelightCars",
            "the same on drawn cars, in PDR's own world",
        ),
        Entry(
            "relight_cars_unmatched",
            "tasks.rerendered.task:RelightCarsUnmatched",
            "the same on cars drawn with what PDR does not model",
        ),
        Entry(
            "factor_codes",
            "tasks.factor_codes.task:FactorCodesTask",
            "what a method declares for view and light, against the truth where one factor varies and all else stays",
        ),
        Entry("factor_codes_cars", "tasks.factor_codes.task:FactorCodesCars", "the same on drawn cars"),
        Entry(
            "attribution",
            "tasks.attribution.task:Attribution",
            "what a head goes by to tell an attribute: groups of features and places, as attribution:Smiling",
            argument="attribute",
            usual=("Smiling",),
        ),
        Entry(
            "tracks",
            "tasks.clustering.tracks:TrackFolderTask",
            "clustering of your own tracks, as tracks:DIR",
            argument="folder",
        ),
        Entry(
            "images",
            "tasks.clustering.tracks:ImageFolderTask",
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
            cites=("zhang2017utkface",),
        ),
        Entry(
            "bbt",
            "datasets.tv:BBT.open",
            "643 face tracks of 5 people (the paper and the stand-in: 644)",
            stand_in="datasets.synthetic.sources:BBTStandIn.open",
            cites=("tapaswi2012knock", "bauml2013semi"),
        ),
        Entry(
            "buffy",
            "datasets.tv:Buffy.open",
            "568 face tracks of 6 people",
            stand_in="datasets.synthetic.sources:BuffyStandIn.open",
            cites=("bauml2013semi",),
        ),
        Entry(
            "rafdb",
            "datasets.rafdb:RAFDB.open",
            "RAF-DB: 15,339 faces of 7 emotions",
            stand_in="datasets.synthetic.labelled:RAFDBStandIn.open",
            cites=("li2017rafdb",),
        ),
        Entry(
            "celeba",
            "datasets.celeba:CelebA.open",
            "CelebA: 202,599 faces with 40 attributes",
            stand_in="datasets.synthetic.labelled:CelebAStandIn.open",
            cites=("liu2015celeba",),
        ),
        Entry(
            "celebamask",
            "datasets.celebamask:CelebAMaskHQ.open",
            "CelebAMask-HQ: 30,000 faces with 18 parts",
            stand_in="datasets.synthetic.labelled:CelebAMaskStandIn.open",
            cites=("lee2020celebamask", "liu2015celeba"),
        ),
        Entry(
            "yaleb",
            "datasets.yaleb:YaleB.open",
            "Extended Yale B: 38 people under 64 lights",
            stand_in="datasets.synthetic.sweeps:YaleBStandIn.open",
            cites=("georghiades2001yaleb", "lee2005yaleb"),
        ),
        Entry(
            "view_sweep",
            "",
            "drawn faces turned from left to right; there is no real counterpart",
            stand_in="datasets.synthetic.sweeps:ViewSweepStandIn.open",
        ),
        Entry(
            "faces_truth",
            "",
            "drawn faces with complete ground truth, in PDR's own world; there is no real counterpart",
            stand_in="datasets.synthetic.sources:FacesTruth.open",
        ),
        Entry(
            "faces_truth_unmatched",
            "",
            "the same faces drawn with what PDR does not model; there is no real counterpart",
            stand_in="datasets.synthetic.sources:FacesTruthUnmatched.open",
        ),
        Entry(
            "faces_novel",
            "",
            "drawn faces, each under new views and lights too, in PDR's own world; there is no real counterpart",
            stand_in="datasets.synthetic.novel:FacesNovel.open",
        ),
        Entry(
            "faces_novel_unmatched",
            "",
            "the same faces, views and lights with what PDR does not model; there is no real counterpart",
            stand_in="datasets.synthetic.novel:FacesNovelUnmatched.open",
        ),
        Entry(
            "cars_novel",
            "",
            "drawn cars, each under new views and lights too, in PDR's own world; there is no real counterpart",
            stand_in="datasets.synthetic.novel:CarsNovel.open",
        ),
        Entry(
            "cars_novel_unmatched",
            "",
            "the same cars, views and lights with what PDR does not model; there is no real counterpart",
            stand_in="datasets.synthetic.novel:CarsNovelUnmatched.open",
        ),
        Entry(
            "shapenet_cars",
            "datasets.shapenet_cars:ShapeNetCars.open_test",
            "ShapeNet cars, the test images: 5 classes",
            stand_in="datasets.synthetic.cars.sources:ShapeNetCarsStandIn.open",
            cites=("chang2015shapenet", "wu2020unsup3d"),
        ),
        Entry(
            "shapenet_cars_train",
            "datasets.shapenet_cars:ShapeNetCars.open_train",
            "ShapeNet cars, the training images; trains the car models",
            stand_in="datasets.synthetic.cars.sources:ShapeNetCarsTrainStandIn.open",
            cites=("chang2015shapenet", "wu2020unsup3d"),
        ),
        Entry(
            "faces_factors",
            "",
            "batches of drawn faces in which one factor varies, to train on; there is no real counterpart",
            stand_in="datasets.synthetic.controlled:FacesFactors.open",
        ),
        Entry(
            "faces_factors_test",
            "",
            "the same of other people",
            stand_in="datasets.synthetic.controlled:FacesFactorsTest.open",
        ),
        Entry(
            "cars_factors",
            "",
            "batches of drawn cars in which one factor varies, to train on; there is no real counterpart",
            stand_in="datasets.synthetic.controlled:CarsFactors.open",
        ),
        Entry(
            "cars_factors_test",
            "",
            "the same of other cars",
            stand_in="datasets.synthetic.controlled:CarsFactorsTest.open",
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
TRAINING_DATASET = {"faces": "utkface", "cars": "shapenet_cars_train"}


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
