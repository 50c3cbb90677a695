"""What was agreed to in a review, read from JSON that anybody may have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from reconciler.model.canonical import Json, canonical_json

PhaseKey = tuple[str, int, str]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class PhaseCounts(_Strict):
    """How many computers a review tells of one release in one phase."""

    rollout: str = ""
    release: NonNegativeInt = 0
    phase: str = ""
    target: NonNegativeInt = 0
    newly: NonNegativeInt = 0
    no_longer: Annotated[NonNegativeInt, Field(alias="noLonger")] = 0
    installs: NonNegativeInt = 0


class _Computers(_Strict):
    phases: tuple[PhaseCounts, ...]


class _Updates(_Strict):
    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]


class _Reviewed(_Strict):
    form: Literal["patchwright.dev/review/v1"]
    documents: tuple[tuple[str, str, str, str], ...]
    retirements: tuple[tuple[str, str], ...]
    computers: _Computers
    updates: _Updates


@dataclass(frozen=True, slots=True)
class Agreed:
    """The parts of a review by what they are about: a document, a rollout's update, a phase."""

    documents: Mapping[tuple[str, str], tuple[str, str]]
    updates: Mapping[tuple[str, str], str]
    retirements: frozenset[tuple[str, str]]
    phases: Mapping[PhaseKey, PhaseCounts]


def read_agreed(value: Json) -> Agreed | None:
    """Read what a review digest is of; nothing where it is no such thing."""
    try:
        read = _Reviewed.model_validate_json(canonical_json(value))
    except (ValidationError, ValueError):
        return None
    updates = dict.fromkeys(read.updates.added, "added")
    return Agreed(
        {(kind, name): (fate, digest) for fate, kind, name, digest in read.documents},
        updates | dict.fromkeys(read.updates.removed, "removed"),
        frozenset(read.retirements),
        {(one.rollout, one.release, one.phase): one for one in read.computers.phases},
    )


def together(parts: Sequence[Agreed]) -> Agreed:
    """Give what several reviews, one after the other, agree to; of one thing the last counts."""
    documents: dict[tuple[str, str], tuple[str, str]] = {}
    updates: dict[tuple[str, str], str] = {}
    phases: dict[PhaseKey, PhaseCounts] = {}
    for part in parts:
        documents.update(part.documents)
        updates.update(part.updates)
        phases.update(part.phases)
    retirements = frozenset().union(*(part.retirements for part in parts))
    return Agreed(documents, updates, retirements, phases)
