"""A method as a scikit-learn transformer, so that it goes into a `Pipeline`."""

import copy
import numbers
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from pydantic import BaseModel
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from bench.grid.catalogue import METHODS
from bench.grid.registry import Entry
from bench.grid.request import Options, Request
from bench.grid.values import merge, nested
from bench.pipeline.computing import computing
from bench.pipeline.hooks import fitted
from bench.pipeline.specs import configured, method_spec
from bench.pipeline.store import Store
from bench.pipeline.weights import untrained_method
from bench.training.device import resolve_device
from bench.training.loop import FabricTrainer
from datasets.base import Progress, Silent
from datasets.blocks import blocks
from datasets.errors import BenchError
from datasets.features import as_features
from methods.base import Domain, Method


class Representation(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Learns a representation of images and encodes images with it.

    Images are (n, s, s, 3), RGB, either uint8 or floating point in [0, 1] (rounded to 8 bits), where s is the
    method's image size. `fit` trains as `bench run` does with the same profile and seed, but keeps nothing on disk.

    The settings of a method given by name are parameters too, as scikit-learn writes nested ones: `width`,
    `schedule__max_steps`. `get_params` has them as `fit` would take them, and `set_params` puts them into `overrides`,
    so that a search may vary them. One that is called like a parameter below is reached by `overrides` alone.

    Parameters
    ----------
    method: a name that `bench list methods` knows, `timm:NAME`, `FILE.py:CLASS`, or a `Method` instance, of which a
        copy is trained.
    profile: whose sizes and schedules are taken, of a method given by name.
    overrides: settings on top, nested as in the method's configuration: `{"schedule": {"max_steps": 100}}`.
        `{"weights": "FILE.safetensors"}` takes trained weights in place of training.
    domain: the kind of object on the images, of a method given by name.
    random_state: the seed, an integer. From a `numpy.random.RandomState`, or with None from numpy's own, each `fit`
        draws another one, as scikit-learn has it.
    device: `auto`, `cpu` or `cuda`.
    progress: what shows how far training and encoding are.

    Attributes
    ----------
    method_: the fitted method, in eval mode.
    seed_: the seed that it was fitted with.
    summary_: what training reports (steps, losses, speed); empty where nothing was trained.

    Raises
    ------
    BenchError
        In `fit`, for an unknown name, profile, setting or kind of seed, for images of another shape, size or range, and
        for a method that derives something from a labelled dataset (`Method.derives_from`).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = make_pipeline(Representation("vqvae", profile="mini"), LogisticRegression())

    Which width serves best, for `sklearn.model_selection.GridSearchCV(model, widths)`:

    >>> widths = {"representation__width": [16, 32]}
    """

    def __init__(
        self,
        method: str | Method = "pdr",
        *,
        profile: str = "mini",
        overrides: Mapping[str, Any] | None = None,
        domain: str = "faces",
        random_state: int | np.integer[Any] | np.random.RandomState | None = 0,
        device: str = "auto",
        progress: Progress | None = None,
    ) -> None:
        self.method = method
        self.profile = profile
        self.overrides = overrides
        self.domain = domain
        self.random_state = random_state
        self.device = device
        self.progress = progress

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; `deep` with the settings of the method, where it is given by name.

        Of a method or a profile that does not exist there are none: `fit` says so.
        """
        own: dict[str, Any] = super().get_params(deep=False)
        if not deep or isinstance(self.method, Method):
            return own
        settings: dict[str, Any] = {}
        with suppress(BenchError):
            settings = dict(_leaves(self._config(self.overrides)))
        return {**settings, **own}

    def set_params(self, **params: Any) -> "Representation":
        """Set parameters, and settings of the method on top of `overrides`; raises BenchError for one that the method
        does not have, or not with such a value."""
        own = {name: value for name, value in params.items() if name in self._get_param_names()}
        super().set_params(**own)
        settings = [nested(name.split("__"), value) for name, value in params.items() if name not in own]
        if settings:
            overrides = merge(self.overrides or {}, *settings)
            self._config(overrides)
            self.overrides = overrides
        return self

    def fit(self, X: Shaped[np.ndarray, "..."], y: object = None) -> "Representation":
        """Train on the images `X`; `y` is ignored."""
        device, self.seed_ = resolve_device(self.device), seed_of(self.random_state)
        with TemporaryDirectory(prefix="representation-") as folder:
            method, trains = self._build(Path(folder))
            if (source := method.derived_from(method.domain)) is not None:
                raise BenchError(
                    f"{type(method).__name__} needs more than the images to fit: it derives from the labelled dataset "
                    f"{source}; use it by bench run"
                )
            images = as_bytes(X, method.size_for(method.config))
            self.summary_: dict[str, Any] = {}
            if trains:
                label = self.method if isinstance(self.method, str) else type(self.method).__name__
                trainer = FabricTrainer(
                    Path(folder), seed=self.seed_, device=device, progress=self.progress, label=label
                )
                with computing():
                    self.summary_ = fitted(method, images, trainer)
        if method.module is not None:
            method.module.to(device).eval()
        self.method_ = method
        self.device_ = device
        self._n_features_out = self._encode(images[:1]).shape[1]
        return self

    def transform(self, X: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "n d"]:
        """Features of the images `X`, float32."""
        check_is_fitted(self, "method_")
        return self._encode(as_bytes(X, self.method_.size_for(self.method_.config)))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _build(self, folder: Path) -> tuple[Method, bool]:
        """The method before training, and whether there is anything to train."""
        if isinstance(self.method, Method):
            if self.overrides:
                raise _of_an_instance()
            method = copy.deepcopy(self.method)
            return method, method.trains_with(method.config)
        entry, request, domain = self._asked(self.overrides)
        spec = method_spec(entry, request, domain, Store(folder / "store"))
        if domain not in spec.cls.domains:
            raise BenchError(f"{entry.name} has no model of {domain}, only of {', '.join(spec.cls.domains)}")
        return untrained_method(spec, self.seed_), spec.trains

    def _config(self, overrides: Mapping[str, Any] | None) -> BaseModel:
        """The configuration of a method given by name."""
        if isinstance(self.method, Method):
            raise _of_an_instance()
        return configured(*self._asked(overrides))

    def _asked(self, overrides: Mapping[str, Any] | None) -> tuple[Entry, Request, Domain]:
        """What a method given by name means to `bench run`."""
        known: tuple[Domain, ...] = get_args(Domain)
        domain = next((domain for domain in known if domain == self.domain), None)
        if domain is None:
            raise BenchError(f"unknown domain {self.domain!r}: expected one of {', '.join(known)}")
        name = str(self.method)
        entry = METHODS.get(name)
        request = Options(methods=name, tasks="bbt", profile=self.profile, baselines=False).request()
        return entry, replace(request, settings={entry.name: dict(overrides or {})}), domain

    def _encode(self, images: UInt8[np.ndarray, "n s s 3"]) -> Float[np.ndarray, "n d"]:
        with computing(), torch.inference_mode():
            found = [
                as_features(self.method_.encode(block), len(block), f"{type(self.method_).__name__}.encode")
                for _, block in blocks(
                    images,
                    np.arange(len(images)),
                    self.method_.encode_batch,
                    device=self.device_,
                    progress=Silent() if self.progress is None else self.progress,
                    what="encode",
                )
            ]
        return np.concatenate(found)


def _leaves(config: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a configuration by name, those of its parts as `part__name`."""
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}__")
        else:
            yield f"{prefix}{name}", value


def _of_an_instance() -> BenchError:
    return BenchError("overrides apply to a method given by name: configure the instance itself instead")


def seed_of(random_state: object) -> int:
    """The seed that a `random_state` of scikit-learn means; drawn where it names a generator.

    Raises BenchError for anything but an integer, None or a `numpy.random.RandomState`.
    """
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    raise BenchError(
        f"random_state is {random_state!r}: expected an integer, None or a numpy.random.RandomState; give an integer"
    )


def as_bytes(images: Shaped[np.ndarray, "..."], size: int) -> UInt8[np.ndarray, "n s s 3"]:
    """Check images as a person may give them, and make them uint8.

    Raises
    ------
    BenchError
        Unless they are (n, size, size, 3) with n > 0, uint8 or floating point in [0, 1].
    """
    due = f"expected (n, {size}, {size}, 3), n > 0, RGB"
    try:
        images = np.asanyarray(images)
    except ValueError as error:  # a list of images of several sizes
        raise BenchError(f"images of different shapes cannot be encoded: {due}; resize them to {size} px") from error
    if images.ndim > 0 and len(images) == 0:
        raise BenchError(f"no images were given, but an array of shape {images.shape}: {due}")
    if images.ndim != 4 or images.shape[1:] != (size, size, 3):
        what_to_do = f"resize them to {size} px"
        if images.ndim == 4 and images.shape[1:] == (3, size, size):
            what_to_do = "put the channels last"
        elif images.shape[1:] in ((size, size), (size, size, 1)):
            what_to_do = "repeat the grey channel three times"
        raise BenchError(f"images of shape {images.shape} cannot be encoded: {due}; {what_to_do}")
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise BenchError(f"images of {images.dtype} cannot be encoded: expected uint8, or floating point in [0, 1]")
    low, high = float(images.min()), float(images.max())
    if not (low >= 0.0 and high <= 1.0):
        raise BenchError(f"floating point images must be in [0, 1], these are in [{low:g}, {high:g}]: divide by 255?")
    return np.asarray(np.rint(images * 255), dtype=np.uint8)
