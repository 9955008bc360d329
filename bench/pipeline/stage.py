"""A stage: what its result depends on, how that is found, and how it is computed. Four of them make a cell."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from bench.pipeline.computing import computing
from bench.pipeline.context import Context
from bench.pipeline.keys import key_of
from datasets.base import Dataset
from datasets.sealed import Damaged

StageName = Literal["fit", "derive", "encode", "evaluate"]
State = Literal["cached", "to do"]


@runtime_checkable
class Artifact(Protocol):
    """What a stage leaves in the store."""

    @property
    def run(self) -> str | None:
        """The invocation that computed it."""


A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True)
class Stage(Generic[A]):
    """One step of a cell, before it is known whether it was taken already.

    Attributes
    ----------
    kind: what its artifact is called, for locks and messages.
    ingredients: all that the artifact depends on, JSON; their hash is its key.
    data: what is read besides the artifacts of other stages; it is verified before anything is computed.
    open: the finished artifact of a key, or None; raises Damaged where what completes it is not whole.
    verify: compares the artifact's files with their digests; raises Damaged.
    discard: removes whatever there is of the artifact of a key, finished or not.
    compute: computes it and puts it into the store, whole or not at all; called by one process at a time, as
        `bench.pipeline.computing` sets it up.
    """

    name: StageName
    kind: str
    ingredients: dict[str, Any]
    data: tuple[Dataset, ...]
    open: Callable[[str], A | None]
    verify: Callable[[A], None]
    discard: Callable[[str], None]
    compute: Callable[[str], None]

    @cached_property
    def key(self) -> str:
        """The artifact's key in the store."""
        return key_of(self.ingredients)

    def find(self, context: Context) -> A | None:
        """The artifact if it is there; under `force`, if this run has computed it."""
        try:
            found = self.open(self.key)
        except Damaged:
            return None  # whoever computes it anew says so
        return None if found is not None and context.force and found.run != context.run else found

    def get_or_compute(self, context: Context) -> A:
        """The artifact, computed first if it is not there.

        Whoever holds its lock looks again, since another process may have computed it meanwhile.
        """
        if (found := self.find(context)) is not None:
            return found
        with context.store.lock(self.kind, self.key, context.progress):
            if (found := self.find(context)) is None:
                for dataset in self.data:
                    context.data.verify(dataset)
                try:
                    self.open(self.key)  # another run's, under `force`, or nothing but what a killed process left
                except Damaged as damage:
                    self._tell(damage, context)
                self.discard(self.key)
                with computing(context.threads, seed=int(self.key, 16) % 2**63):
                    self.compute(self.key)
                found = self.open(self.key)
        assert found is not None, f"{self.kind} {self.key} was just computed"
        return found

    def mend(self, context: Context) -> None:
        """Remove the artifact if it is damaged, so that it is computed again."""
        with context.store.lock(self.kind, self.key, context.progress):
            try:
                if (found := self.open(self.key)) is not None:
                    self.verify(found)
            except Damaged as damage:
                self._tell(damage, context)
                self.discard(self.key)

    def _tell(self, damage: Damaged, context: Context) -> None:
        context.progress.say(f"warning: {damage} and is computed again")
