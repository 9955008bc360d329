"""PDR's configuration: the paper's values as defaults, what the released code or the kind of object changes, profiles.

Sections are those of "Physically Disentangled Representations"; what it leaves open is Unsup3D's (Wu et al., 2020):
of the optimiser it names Adam and the rate, so that the weight decay, 5e-4, is the one of Unsup3D's released code.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from methods.base import Domain, MethodConfig, ProtocolName, Schedule
from methods.rendering.backends import BackendName

Parameter = Literal["geometry", "albedo", "light", "view"]
PARAMETERS: tuple[Parameter, ...] = get_args(Parameter)

# What of the model's physics an ablation can do without.
Physics = Literal["symmetry", "depth", "light", "view"]
PHYSICS: tuple[Physics, ...] = get_args(Physics)

# Values of a face model; `for_protocol` holds what a car model changes.
MIN_DEPTH, MAX_DEPTH = 0.9, 1.1
FACE_BORDER = 0.7 * MAX_DEPTH + 0.3 * MIN_DEPTH


class PDRConfig(MethodConfig):
    """Defaults are the paper's face model (section 4.3): 29,441,536 parameters, and 7,678,208 for confidence."""

    schedule: Schedule = Schedule(batch_size=64, learning_rate=1e-3, weight_decay=5e-4, patience=10)

    nf: int = Field(64, gt=0, multiple_of=16, description="width of the geometry and albedo encoder-decoders")
    zdim: int = Field(256, gt=0, description="size of the geometry and albedo features")
    nf_encoder: int = Field(32, gt=0, description="width of the light and view encoders, an eighth of their features")
    nf_confidence: int = Field(64, gt=0, multiple_of=16, description="width of the confidence network")
    zdim_confidence: int = Field(128, gt=0, description="size of the confidence network's bottleneck")
    bounded_outputs: bool = Field(
        False, description="tanh on the light and view outputs, as in Unsup3D, in place of one on their features"
    )
    encode_precision: Literal["32-true", "bf16-mixed"] = Field(
        "32-true",
        description="bf16-mixed: encode two to three times as fast where the hardware has bfloat16, with features that "
        "differ by up to 1 % of the largest",
        json_schema_extra={"stage": "encode"},
    )
    features: tuple[Parameter, ...] = Field(
        ("geometry", "albedo"),
        description="scene parameters whose features are returned, of geometry, albedo, light, view, in this order",
        json_schema_extra={"stage": "encode"},
    )
    renderer: BackendName = Field(
        "native",
        description="native: compiled kernels on a CPU, plain torch on a GPU; torch: plain torch anywhere; nmr: the "
        "original neural_renderer_pytorch, which needs CUDA and the extra [nmr]",
    )

    confidence: bool = Field(True, description="predict where the object is not symmetric (cars: no)")
    border_depth: float = Field(FACE_BORDER, description="depth of the two leftmost and rightmost columns")
    min_diffuse: float = Field(0.0, ge=0, le=1, description="least strength of diffuse light (cars: 0.5)")
    flip_weight: float = Field(0.5, ge=0, description="weight of the mirrored reconstruction's loss (cars: 1)")
    smoothness: float = Field(0.0, ge=0, description="weight of the depth's total variation (cars: 0.1)")
    perceptual_weight: float = Field(1.0, ge=0, description="weight of the VGG-16 loss (cars: 0.01); 0 leaves it out")
    vgg16: str | None = Field(
        None,
        description="file of VGG-16 weights; by default torchvision's download cache",
        json_schema_extra={"kind": "file"},
    )

    without: tuple[Physics, ...] = Field(
        (),
        description="physics that the model is trained without, of symmetry (no mirrored copy is reconstructed), depth "
        "(a plane facing the camera in its place), light (the albedo is not shaded) and view (nothing is turned)",
    )

    loocc: Literal["none", "l", "lv"] = Field(
        "none", description="leave-one-out, cycle contrastive loss: none, by light, or by light and view"
    )
    leave_out: bool = Field(
        True,
        description="leave the changed parameter's own features out of the contrastive loss; false: SimCLR's loss on "
        "the features of all four, with the changed image as the second view",
    )
    loocc_weight: float = Field(0.01, ge=0, description="weight of the contrastive loss (the paper's tau)")
    reconstruction_weight: float = Field(1.0, gt=0, description="weight of the reconstruction loss (the paper's beta)")
    temperature: float = Field(0.5, gt=0, description="temperature of the contrastive loss")
    light_strength: float = Field(0.5, ge=0, description="ambient and diffuse strength are changed by up to this")
    light_direction: Literal["angles", "components"] = Field(
        "angles", description="change the light's pitch and yaw, or (released) the direction's three components"
    )
    light_angle: float = Field(45.0, ge=0, description="largest change of the light's pitch and of its yaw, degrees")
    light_component: float = Field(0.39, ge=0, description="largest change of a component, where components change")
    view_pitch: float = Field(22.5, ge=0, description="largest change of the view's pitch, degrees")
    view_yaw: float = Field(45.0, ge=0, description="largest change of the view's yaw, degrees")
    loocc_mask: Literal["plain", "both"] = Field(
        "plain",
        description="what the perturbed image is masked by: where the object covers it, or (released) where its "
        "mirrored copy does so too",
    )

    @field_validator("features", "without", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Accept `geometry,albedo` as it is typed on a command line."""
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("features")
    @classmethod
    def _in_order(cls, value: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"name at least one of {', '.join(PARAMETERS)}, each once")
        return tuple(name for name in PARAMETERS if name in value)

    @field_validator("without")
    @classmethod
    def _once(cls, value: tuple[Physics, ...]) -> tuple[Physics, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"name each of {', '.join(PHYSICS)} once at most")
        return tuple(name for name in PHYSICS if name in value)

    @model_validator(mode="after")
    def _changes_what_is_there(self) -> "PDRConfig":
        """Refuse to change a light or a view that the model is trained without."""
        changed = {"none": (), "l": ("light",), "lv": ("light", "view")}[self.loocc]
        if gone := [name for name in changed if name in self.without]:
            raise ValueError(
                f"LOOCC ({self.loocc}) changes the {gone[0]}, which without={','.join(self.without)} takes away: "
                "leave out one of the two"
            )
        return self


CARS: Mapping[str, Any] = {
    "confidence": False,
    "border_depth": 1.08,
    "min_diffuse": 0.5,
    "flip_weight": 1.0,
    "smoothness": 0.1,
    "perceptual_weight": 0.01,
}

# What the authors' code does otherwise than the paper says.
RELEASED: Mapping[str, Any] = {
    "light_direction": "components",
    "view_pitch": 11.25,
    "view_yaw": 22.5,
    "loocc_mask": "both",
    "track_scale": 255.0,
}
RELEASED_SCHEDULE: Mapping[str, Any] = {"learning_rate": 1e-4, "patience": 20}
RELEASED_CARS_BATCH = 256


def for_protocol(protocol: ProtocolName, domain: Domain) -> dict[str, Any]:
    """Overrides of the defaults for a protocol and a kind of object."""
    found = dict(CARS) if domain == "cars" else {}
    if protocol == "released":
        batch = {"batch_size": RELEASED_CARS_BATCH} if domain == "cars" else {}
        found |= {**RELEASED, "schedule": {**RELEASED_SCHEDULE, **batch}}
    return found


def for_profile(profile: str, domain: Domain) -> Mapping[str, Any]:
    """Overrides of the defaults for a profile and a kind of object.

    Cars train half as long in `mini`, so that a grid with faces and cars stays within its time. On drawn cars, one
    training each, clusters' accuracy +-0.05: smoothed with the paper's 0.1 for cars, 600 steps leave the depth noise
    where the paint has none, accuracy 0.48; with 1.0 the paint is one symmetric car on nearly flat depth, 0.53 (0.56
    after 1,200 steps, as flat). Rate 1e-3 with 1.0 gives one mean car, 0.42. Depth of cars takes longer than `mini`.
    """
    chosen = PROFILES.get(profile, {})
    if profile == "mini" and domain == "cars":
        return {**chosen, "schedule": {**chosen["schedule"], "max_steps": 600}}
    return chosen


PROFILES: Mapping[str, Mapping[str, Any]] = {
    "smoke": {
        "nf": 16,
        "nf_encoder": 8,
        "nf_confidence": 16,
        "zdim_confidence": 32,
        "bounded_outputs": True,
        "perceptual_weight": 0.0,
        "schedule": {"batch_size": 8, "learning_rate": 3e-4, "weight_decay": 5e-4, "max_steps": 20, "max_epochs": 4},
    },
    # Chosen by learning curves on 3,005 real faces, one CPU thread each; losses are the confidence-weighted photometric
    # term, lower is better. Width 16 at 64 px makes a step of 16 images 0.25 s. Rate 1e-3: -0.19 after 400 steps; 3e-4:
    # -0.26. Smoothing decides: without it the depth turns into a checkerboard that no light or view can use, and the
    # loss after 600 steps is -0.35; with weight 0.2 it is -0.39, with 1.0 -0.49, and depth, normals and albedo are a
    # face's. Bounded light and view keep the early steps from moving the object out of the image.
    "mini": {
        "nf": 16,
        "nf_encoder": 16,
        "nf_confidence": 16,
        "bounded_outputs": True,
        "perceptual_weight": 0.0,
        "smoothness": 1.0,
        "schedule": {"batch_size": 16, "learning_rate": 3e-4, "weight_decay": 5e-4, "max_steps": 1200},
    },
    "paper": {},
}
