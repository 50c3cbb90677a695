"""Every change that goes through phases, said as a rollout: emergencies and removals too.

A planner then knows one thing that opens phases and counts computers. What is made here has a
name with a stroke, `EmergencyChange/blaster`, that no manifest can have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import TypeVar, cast

from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.authorization import Authorization, AuthorizationSpec
from reconciler.kinds.base import Document, Metadata
from reconciler.kinds.emergency_change import ASAP, EmergencyChange, EmergencyChangeSpec
from reconciler.kinds.phase import Gate, Halt, Phase
from reconciler.kinds.removal import Removal
from reconciler.kinds.rollout import Rollout, RolloutSpec
from reconciler.kinds.update_group import UpdateGroup, UpdateGroupSpec
from reconciler.model.problems import Location

ROLLOUT = "Rollout"
EMERGENCY = "EmergencyChange"
REMOVAL = "Removal"
DRILL = "Drill"
REFERENCE = "reference"
_KNOWN_NAMES = 10_000
_STROKE = "/"
_EMERGENCY_HALT = Halt(failures=Fraction(10, 100), min_reported=5)

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a planner reads of one change."""

    group: UpdateGroupSpec
    authorization: AuthorizationSpec
    rollout: RolloutSpec


def expand(state: DesiredState) -> DesiredState:
    """Add to the rollouts of git what its emergencies and removals are as rollouts (S21)."""
    groups: dict[str, Placed[UpdateGroup]] = {}
    authorizations: dict[str, Placed[Authorization]] = {}
    rollouts: dict[str, Placed[Rollout]] = {}
    for placed, parts in _changes(state):
        name = rollout_name(placed.document.kind, placed.name)
        groups[name] = _placed(placed, UpdateGroup, name, parts.group)
        authorizations[name] = _placed(placed, Authorization, name, parts.authorization)
        rollouts[name] = _placed(placed, Rollout, name, parts.rollout)
    return replace(
        state,
        update_groups=_joined(state.update_groups, groups),
        authorizations=_joined(state.authorizations, authorizations),
        rollouts=_joined(state.rollouts, rollouts),
    )


def rollout_name(kind: str, name: str) -> str:
    """Give the name under which a change's phases are remembered."""
    return name if kind == ROLLOUT else f"{kind}{_STROKE}{name}"


@lru_cache(maxsize=_KNOWN_NAMES)
def kind_and_name(rollout: str) -> tuple[str, str]:
    """Give the kind and the name of the manifest behind a rollout's name."""
    kind, _, name = rollout.rpartition(_STROKE)
    return kind or ROLLOUT, name


def is_removal(rollout: str) -> bool:
    """Tell whether a rollout's name stands for a Removal, which takes updates off."""
    return kind_and_name(rollout)[0] == REMOVAL


def is_held(state: DesiredState, rollout: str) -> bool:
    """Tell whether git holds the rollout, or the drill, that a record is kept under."""
    kind, name = kind_and_name(rollout)
    return name in state.drills if kind == DRILL else rollout in state.rollouts


def _changes(state: DesiredState) -> Iterator[tuple[Placed[Document], Parts]]:
    for emergency in state.emergency_changes.values():
        yield emergency, _emergency_parts(emergency)
    for removal in state.removals.values():
        yield removal, _removal_parts(removal)


def _emergency_parts(placed: Placed[EmergencyChange]) -> Parts:
    """The reference computers come first, then production in its order; UTC, high priority."""
    spec = placed.document.spec
    name = rollout_name(EMERGENCY, placed.name)
    return Parts(
        UpdateGroupSpec(type="standalone", updates=spec.updates),
        AuthorizationSpec.model_construct(
            group=name, except_=(), change=spec.change, approved_by=spec.approved_by
        ),
        RolloutSpec.model_construct(
            authorization=name,
            priority="high",
            phases=tuple(_emergency_phases(spec)),
            suspend=spec.suspend,
        ),
    )


def _emergency_phases(spec: EmergencyChangeSpec) -> Iterator[Phase]:
    """An emergency's phases default to its own gate, halt and deadline (S21)."""
    yield _emergency_phase(spec, Phase(name=REFERENCE, collection=spec.reference))
    for written in spec.production:
        phase = written if isinstance(written, Phase) else Phase(name=written, collection=written)
        yield _emergency_phase(spec, phase)


def _emergency_phase(spec: EmergencyChangeSpec, phase: Phase) -> Phase:
    due = timedelta(0) if spec.deadline == ASAP else spec.deadline
    defaults = {
        "gate": Gate(success=spec.retire_at),
        "halt": _EMERGENCY_HALT,
        "deadline": due,
    }
    missing = {name: value for name, value in defaults.items() if getattr(phase, name) is None}
    return phase.model_copy(update=missing)


def _removal_parts(placed: Placed[Removal]) -> Parts:
    """A removal is gated like a rollout; it has the defaults of one."""
    spec = placed.document.spec
    name = rollout_name(REMOVAL, placed.name)
    return Parts(
        UpdateGroupSpec(type="standalone", updates=spec.updates),
        AuthorizationSpec.model_construct(
            group=name, except_=(), change=spec.change, approved_by=spec.approved_by
        ),
        RolloutSpec.model_construct(authorization=name, phases=spec.phases),
    )


def _placed(origin: Placed[Document], kind: type[D], name: str, spec: object) -> Placed[D]:
    """Give a document that stands where the one stands from which it is made."""
    document = kind.model_construct(
        api_version="patchwright.dev/v1alpha1",
        kind=kind.__name__,
        metadata=Metadata.model_construct(name=name),
        spec=spec,
    )
    made = cast("D", document)
    return Placed(made, origin.at, origin.changed_in, lambda field: _locate(origin, field))


def _locate(origin: Placed[Document], field: FieldPath) -> Location:
    """Give the place of a phase of production, which follows the one of the reference."""
    if origin.document.kind == EMERGENCY and field[:2] == ("spec", "phases"):
        number = field[2] if len(field) > len(("spec", "phases")) else 0
        if number == 0:
            return origin.locate(("spec", REFERENCE))
        return origin.locate(("spec", "production", int(number) - 1, *field[3:]))
    return origin.locate(field)


def _joined(
    written: Mapping[str, Placed[D]], made: Mapping[str, Placed[D]]
) -> Mapping[str, Placed[D]]:
    return MappingProxyType({**written, **made})
