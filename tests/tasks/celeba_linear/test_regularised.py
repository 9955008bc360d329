"""The regularised probe: blind to scale, no worse than the majority on noise, exact for wide features."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from datasets.errors import BenchError
from datasets.packed import PackedBits
from datasets.streams import generator
from tasks.celeba_linear.regularised import FOLDS, STRENGTHS, Probe, fit_probe
from tasks.celeba_linear.scores import majority
from tasks.units import Units


def drawn(items: int = 80, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Features, and attributes of which the first is seen in them, the second rare, and the third unknown or no."""
    rng = generator(0, "test", "probe")
    features = rng.standard_normal((items, width)).astype(np.float32) * 10.0 ** rng.integers(-3, 4, width)
    attributes = np.zeros((items, 3), dtype=np.int8)
    attributes[:, 0] = features[:, 0] / features[:, 0].std() + 0.5 * rng.standard_normal(items) > 0
    attributes[:, 1] = rng.random(items) < 0.1
    attributes[::2, 2] = -1
    return features.astype(np.float32), attributes


def fit(features: Any, attributes: np.ndarray, units: Units | None = None) -> Probe:
    return fit_probe(features, attributes, generator(0, "test", "folds"), units)


@pytest.mark.parametrize("width", [12, 300])
def test_multiplying_features_changes_nothing(width: int) -> None:
    """By a power of two not even a bit of what is predicted; by others nothing but rounding."""
    features, attributes = drawn(width=width)
    plain, half, tenth = (fit(features * np.float32(factor), attributes) for factor in (1, 0.5, 0.1))
    logits = plain.logits(features)
    assert (half.logits(features * np.float32(0.5)) == logits).all()
    assert plain.strength == half.strength == tenth.strength
    np.testing.assert_allclose(tenth.logits(features * np.float32(0.1)), logits, atol=2e-3)
    assert ((tenth.logits(features * np.float32(0.1)) > 0) == (logits > 0)).all()


def test_so_does_multiplying_single_features_and_adding_to_them() -> None:
    features, attributes = drawn()
    other = features * 2.0 ** np.arange(12, dtype=np.float32)
    assert (fit(other, attributes).logits(other) == fit(features, attributes).logits(features)).all()


@pytest.mark.parametrize("width", [12, 300])
def test_is_scikit_learns_fit_of_standardised_features(width: int) -> None:
    """Also where features are wider than there are images, and the fit is made in fewer dimensions."""
    features, attributes = drawn(width=width)
    probe = fit(features, attributes)
    values = features.astype(np.float64)
    standardised = (values - values.mean(axis=0)) / values.std(axis=0) / np.sqrt(width)
    model = LogisticRegression(C=probe.strength, solver="lbfgs", tol=1e-10, max_iter=10_000)
    expected = model.fit(standardised, attributes[:, 0]).decision_function(standardised)
    np.testing.assert_allclose(probe.logits(features)[:, 0], expected, atol=5e-3 * np.abs(expected).max())


def test_noise_is_answered_as_the_majority_answers() -> None:
    rng = generator(0, "test", "noise")
    attributes = (rng.random((100, 40)) < rng.uniform(0.05, 0.35, 40)).astype(np.int8)
    probe = fit(rng.standard_normal((100, 64), dtype=np.float32), attributes)
    answers = probe.logits(rng.standard_normal((500, 64), dtype=np.float32)) > 0
    assert probe.strength <= 0.1
    assert np.mean(answers == majority(attributes)) > 0.99


def test_the_strength_has_the_least_loss_on_held_out_labels() -> None:
    features, attributes = drawn()
    probe = fit(features, attributes)
    assert len(probe.losses) <= len(STRENGTHS)
    assert probe.strength == STRENGTHS[int(np.argmin(probe.losses))]
    assert probe.losses[-1] > min(probe.losses) or len(probe.losses) == len(STRENGTHS)


def test_people_are_held_out_whole() -> None:
    """Random labels that are the person's own: who is seen again is known again, and less penalty looks right."""
    rng = generator(0, "test", "people")
    people = np.repeat(np.arange(30), 4)
    features = rng.standard_normal((30, 40))[people] + 0.05 * rng.standard_normal((120, 40))
    attributes = (rng.random((30, 10)) < 0.5).astype(np.int8)[people]
    apart = fit(features, attributes, Units(people, people, 30))
    mixed = fit(features, attributes)
    assert FOLDS <= 30
    assert apart.strength < mixed.strength
    assert min(apart.losses) > min(mixed.losses) + 0.1


def test_an_attribute_that_is_always_the_same_gets_that_answer() -> None:
    features, attributes = drawn()
    attributes[:, 1] = 1
    logits = fit(features, attributes).logits(features)
    assert (logits[:, 1] > 0).all()
    assert (logits[:, 2] < 0).all()
    attributes[:, 2] = -1
    np.testing.assert_allclose(fit(features, attributes).logits(features)[:, 2], 0, atol=1e-12)


def test_features_without_content_give_the_share_that_is_present() -> None:
    _, attributes = drawn()
    probe = fit(np.full((80, 5), 0.1, np.float32), attributes)
    assert not probe.weights.any()
    share = attributes[:, 0].mean()
    assert probe.bias[0] == pytest.approx(np.log(share / (1 - share)), abs=1e-3)


def test_packed_bits_are_as_good_as_an_array() -> None:
    bits = (generator(0, "test", "bits").random((80, 200)) < 0.5).astype(np.uint8)
    attributes = bits[:, :3].astype(np.int8)
    packed = PackedBits(np.packbits(bits, axis=1), 200)
    one, other = fit(bits.astype(np.float32), attributes), fit(packed, attributes)
    assert (one.weights == other.weights).all()


def test_refuses_features_that_are_not_finite() -> None:
    features, attributes = drawn()
    probe = fit(features, attributes)
    features[3, 3] = np.inf
    with pytest.raises(BenchError, match="features of the labelled images are not finite numbers"):
        fit(features, attributes)
    with pytest.raises(BenchError, match="1 of 80 test images get a prediction that is not a finite number"):
        probe.logits(features)
