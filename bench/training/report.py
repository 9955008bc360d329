"""A training's epochs in words. No key depends on this module: whatever a person is told stands here."""

from bench.training.state import Position


def epoch_label(title: str, epoch: int, epochs: int) -> str:
    """What a progress bar of one epoch is called."""
    return f"{title}: epoch {epoch}/{epochs}"


def resumed_line(title: str, position: Position) -> str:
    """That a training goes on from where it was interrupted."""
    return f"{title}: going on after epoch {position.epoch}"


def epoch_line(title: str, position: Position, *, epochs: int, steps: int) -> str:
    """The last epoch in one line, of `epochs` and optimiser `steps` at most: losses, speed, time left at most."""
    last = position.curve[-1]
    before = position.curve[-2]["step"] if len(position.curve) > 1 else 0
    train = ", ".join(f"{name} {short(value)}" for name, value in last["train"].items() if _is_total(name))
    left = (steps - position.step) * last["seconds"] / (position.step - before)
    return (
        f"{title}: epoch {position.epoch}/{epochs}, step {position.step}/{steps}, {train}, "
        f"{_validation(position, last['validation'])}"
        f"{last['images_per_second']:.0f} images/s, at most {duration(left)} left"
    )


def _validation(position: Position, losses: dict[str, float | None]) -> str:
    """What the images held out say, if any are."""
    if not losses:
        return ""
    return f"validation {short(losses['loss'])} (best {short(position.best_loss)} at epoch {position.best_epoch}), "


def _is_total(name: str) -> bool:
    """Whether a loss is what a phase minimises, and not one of its parts."""
    return name.rpartition("/")[2] == "loss"


def short(value: float | None) -> str:
    """Four digits of a loss."""
    return "not finite" if value is None else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
