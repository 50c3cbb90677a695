"""Values with good defaults; a test changes what it is about."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.grants import SpentGrant
from reconciler.model.messages import Batch
from reconciler.model.objects import (
    Advertisement,
    ContentAssignment,
    ContentState,
    Owner,
    Package,
    Program,
)
from reconciler.model.problems import Location
from reconciler.model.rollouts import (
    PhaseRecord,
    PhaseState,
    Release,
    ReleasedUpdate,
    Rerun,
    SeenToken,
)
from reconciler.model.times import UTC
from reconciler.model.updates import PackageFile, Update
from reconciler.observed.cohorts import Cohorts
from reconciler.observed.memory import Membership, Record
from reconciler.observed.rolls import CollectionRoll
from reconciler.planning.actions import Action, Cause, Verb

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
SHA = "ab" * 32
OWNER = Owner("Authorization", "web", "c0ffee")

RELEASE = Release(
    rollout="web",
    number=1,
    version=1,
    updates=(ReleasedUpdate("u1", 1), ReleasedUpdate("u2", 3)),
    cut_at=NOW,
    removed=("u2",),
)
PHASE = PhaseRecord("web", 1, "reference", PhaseState.OPEN, NOW, soak_since=LATER)
MEMBERSHIP = Membership("web", 1, "reference", FrozenBitMap([0, 5, 70_000]))
MEMBERSHIP = replace(MEMBERSHIP, entered=Cohorts().at(LATER, BitMap([5])))
TOKEN = SeenToken("web", "again", NOW)
RERUN = Rerun("web", "reference", "t", NOW)
PACKAGE = Package("PWR00001", 1, "web", SHA, "web", 1, "high", OWNER)
PROGRAM = Program("PWR00001", 1, "install", "install", timedelta(hours=1), OWNER)
ADVERTISEMENT = Advertisement(
    id="PWR00002",
    package="PWR00001",
    version=1,
    program="install",
    rollout="web",
    release=1,
    phase="reference",
    updates=("u1",),
    available_at=NOW,
    mandatory_at=None,
    recurrence=timedelta(days=7),
    grace=timedelta(0),
    held=False,
    owner=OWNER,
)
ASSIGNMENT = ContentAssignment("PWR00001", 1, "main", ContentState.DONE, OWNER, SHA, 12)
ROLL = CollectionRoll(
    "web", SHA, NOW, FrozenBitMap([1, 2]), ((NOW, FrozenBitMap([2])),), held_since=NOW
)
RECORDS: tuple[Record, ...] = (
    RELEASE,
    PHASE,
    MEMBERSHIP,
    TOKEN,
    RERUN,
    PACKAGE,
    PROGRAM,
    ADVERTISEMENT,
    ASSIGNMENT,
    ROLL,
    SpentGrant("c0ffee", 7, "c0ffee"),
)


def an_action(record: Record = PACKAGE, verb: Verb = Verb.CREATE_PACKAGE) -> Action:
    at = Location("web.yaml", 3, 1)
    return Action(verb, record, Cause("Rollout", "web", at, "c0ffee", "S20", "it is effective"))


def a_batch(computer: str, **changes: Any) -> Batch:
    return replace(Batch(computer, 1, 1, full=True, sent_at=NOW), **changes)


def an_update(name: str = "u1", **changes: Any) -> Update:
    update = Update(
        id=name,
        source="security",
        product="openssl",
        version="1.1-1",
        release=("debian-12",),
        classification="security",
        packages=(PackageFile("libssl3", "1.1-1", "amd64", "pool/l.deb", 7, SHA),),
    )
    return replace(update, **changes)
