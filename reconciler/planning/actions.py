"""What a plan is made of: actions are data, and each says why (S27)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.problems import Location
from reconciler.observed.memory import Record


class Verb(StrEnum):
    """What happens to a record; retirements come first in a plan (S25)."""

    RETIRE_ADVERTISEMENT = "RetireAdvertisement"
    RETIRE_PROGRAM = "RetireProgram"
    UNASSIGN_CONTENT = "UnassignContent"
    RETIRE_PACKAGE = "RetirePackage"
    RETIRE_PHASE = "RetirePhase"
    RETIRE_RELEASE = "RetireRelease"
    FORGET_TARGETS = "ForgetTargets"
    FORGET_PHASE = "ForgetPhase"
    FORGET_RELEASE = "ForgetRelease"
    FORGET_TOKEN = "ForgetToken"  # noqa: S105  # a verb, no secret
    FORGET_MEMBERS = "ForgetMembers"
    FORGET_RERUN = "ForgetRerun"
    FORGET_EMERGENCY = "ForgetEmergency"
    FORGET_APPROVED = "ForgetApproved"
    FORGET_DRILL = "ForgetDrill"
    FORGET_GRANT = "ForgetGrant"
    RENAME = "Rename"
    ACCEPT_MEMBERS = "AcceptMembers"
    HOLD_MEMBERS = "HoldMembers"
    ENTER_STATE = "EnterState"
    ENTER_DRILL_STATE = "EnterDrillState"
    SPEND_GRANT = "SpendGrant"
    NOTE_APPROVED = "NoteApproved"
    CUT_RELEASE = "CutRelease"
    CHANGE_RELEASE = "ChangeRelease"
    READVERTISE = "Readvertise"
    SEE_TOKEN = "SeeToken"  # noqa: S105  # a verb, no secret
    HALT_PHASE = "HaltPhase"
    LIFT_HALT = "LiftHalt"
    RESET_SOAK = "ResetSoak"
    BEGIN_SOAK = "BeginSoak"
    PASS_PHASE = "PassPhase"  # noqa: S105  # a verb, no secret
    OPEN_PHASE = "OpenPhase"
    SET_TARGETS = "SetTargets"
    CREATE_PACKAGE = "CreatePackage"
    CHANGE_PACKAGE = "ChangePackage"
    ASSIGN_CONTENT = "AssignContent"
    CREATE_PROGRAM = "CreateProgram"
    CHANGE_PROGRAM = "ChangeProgram"
    CREATE_ADVERTISEMENT = "CreateAdvertisement"
    CHANGE_ADVERTISEMENT = "ChangeAdvertisement"


DROPS = frozenset(
    {
        Verb.RETIRE_ADVERTISEMENT,
        Verb.RETIRE_PROGRAM,
        Verb.UNASSIGN_CONTENT,
        Verb.RETIRE_PACKAGE,
        Verb.FORGET_TARGETS,
        Verb.FORGET_PHASE,
        Verb.FORGET_RELEASE,
        Verb.FORGET_TOKEN,
        Verb.FORGET_MEMBERS,
        Verb.FORGET_GRANT,
        Verb.FORGET_RERUN,
        Verb.FORGET_EMERGENCY,
        Verb.FORGET_APPROVED,
        Verb.FORGET_DRILL,
    }
)
"""Verbs whose record leaves; every other verb puts its record in place of what has its key."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why: the manifest with its place and commit, the rule, and one sentence (S27)."""

    kind: str
    name: str
    at: Location
    commit: str
    rule: str
    because: str


@dataclass(frozen=True, slots=True)
class Action:
    """One change of one record: put it, or drop it where the verb is in `DROPS`.

    `former` is what it was before a rename, where its key is another one now; it leaves at once.
    """

    verb: Verb
    record: Record
    cause: Cause
    former: Record | None = None
