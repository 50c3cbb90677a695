"""Why a phase has not opened or passed: the planner's own bars, with numbers (S13, S14, S15)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model.computers import RunOutcome
from reconciler.model.permits import Permit
from reconciler.model.reasons import PhaseReason
from reconciler.model.rollouts import Passage, PhaseRecord, PhaseState
from reconciler.model.updates import UpdateState
from reconciler.planning.explain.rollouts import Asked, explain_rollout
from tests.unit.planning.emergency_worlds import BLASTER, emergency_world
from tests.unit.planning.explanations import decisions_of, phase_explained
from tests.worlds import HEADER, NOW, PlannerWorld, an_update

MISSING = UpdateState.MISSING
FREEZE = """
apiVersion: patchwright.dev/v1alpha1
kind: Freeze
metadata: {name: close}
spec: {from: 2026-03-02T08:00:00Z, until: 2026-03-09T00:00:00Z, reason: books}
"""
TWIN = """
apiVersion: patchwright.dev/v1alpha1
kind: Rollout
metadata: {name: twin}
spec:
  authorization: monthly
  phases:
    - {name: all, collection: everybody, opens: {notBefore: 2026-03-02T12:00:00Z}}
"""
APP = "deb:Lab/security/app/1.1"


def open_world(*edits):
    """The first phase is open on three computers, the rest is pending."""
    world = PlannerWorld()
    for old, new in edits:
        world.edit(old, new)
    for name in ("r1", "r2", "r3"):
        world.enrol(name, ring="reference")
    world.enrol("web")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    return world


def _halted():
    world = open_world()
    world.pass_time(seconds=1)
    for name in ("r1", "r2"):
        world.run(name, outcome=RunOutcome.FAILED, exit_code=100, reason="aptFailed")
    world.step()
    return world


def _halted_elsewhere():
    world = open_world()
    world.manifests.append(TWIN)
    world.step()
    world.pass_time(seconds=1)
    world.fail("r1", "r2")
    world.step()
    return world


def _edited(old, new):
    def made():
        world = open_world()
        world.edit(old, new)
        return world

    return made


def _stale():
    world = open_world()
    world.fresh = False
    return world


def _at():
    return open_world(("{name: rest, ", "{name: rest, opens: {at: 2026-03-05T00:00:00Z}, "))


def _not_before():
    return open_world(("{name: rest, ", "{name: rest, opens: {notBefore: 2026-03-05T00:00:00Z}, "))


def _passed():
    world = open_world((", soak: 1h", ""))
    world.pass_time(seconds=1)
    world.install("r1", "r2", "r3")
    world.pass_time(seconds=1)
    return world


def _frozen():
    world = _passed()
    world.manifests.append(FREEZE)
    world.step()
    return world


def _with_policy(spec):
    def made():
        world = _passed()
        world.manifests.append(f"{HEADER}kind: Policy\nmetadata: {{name: p}}\nspec: {spec}\n")
        world.step()
        return world

    return made


def _regressed():
    world = _frozen()
    world.scan("r1", app=MISSING)
    return world


def _soaking():
    world = open_world()
    world.pass_time(seconds=1)
    world.install("r1", "r2", "r3")
    world.step()
    return world


def _too_few_in_contact():
    world = open_world(("soak: 1h", "soak: 1h, minReported: 2"))
    world.pass_time(seconds=1)
    world.install("r1", "r2", "r3")
    world.pass_time(seconds=1)
    world.step()
    world.pass_time(hours=2)
    return world


def _empty():
    world = PlannerWorld()
    world.enrol("web")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    return world


def _unreachable(gate):
    def made():
        world = open_world(("soak: 1h", f"soak: 1h, unreachableAfter: 1h, {gate}"))
        world.pass_time(hours=2)
        return world

    return made


def _too_many_unreachable():
    world = open_world(("soak: 1h", "soak: 0s, unreachableAfter: 1h, maxUnreachable: 10%"))
    world.pass_time(hours=2)
    world.install("r1", "r2")
    return world


def _too_few_reported():
    """They complied before the phase opened, and have not scanned since."""
    world = PlannerWorld()
    for name in ("r1", "r2"):
        world.enrol(name, ring="reference")
    world.enrol("web")
    world.publish(an_update("app"))
    world.scan(app=UpdateState.INSTALLED)
    world.step()
    return world


def _retired():
    world = open_world()
    key = ("monthly", 1, "first")
    retired = replace(world.memory.phases[key], retired=True)
    world.memory = replace(world.memory, phases={**world.memory.phases, key: retired})
    return world


def _served():
    """A newer release that holds all of it has succeeded in the phase, which this one never met."""
    world = open_world()
    newer = replace(world.memory.releases["monthly", 1], number=2, version=2)
    releases = {**world.memory.releases, ("monthly", 2): newer}
    done = PhaseRecord("monthly", 2, "rest", PhaseState.SUCCEEDED, NOW, passage=Passage.ACCEPTED)
    phases = {**world.memory.phases, ("monthly", 2, "rest"): done}
    world.memory = replace(world.memory, releases=releases, phases=phases)
    return world


@pytest.mark.parametrize(
    ("phase", "made", "reason"),
    [
        ("rest", open_world, PhaseReason.EARLIER_PHASE),
        ("rest", _halted, PhaseReason.HALTED),
        ("first", _halted, PhaseReason.HALTED),
        ("rest", _at, PhaseReason.OPENS_AT),
        ("rest", _not_before, PhaseReason.NOT_BEFORE),
        ("rest", _stale, PhaseReason.STALE_READS),
        ("first", _stale, PhaseReason.STALE_READS),
        ("rest", _frozen, PhaseReason.FROZEN),
        ("rest", _with_policy("{maxNewlyTargetedPerDay: 1}"), PhaseReason.TARGETS_LIMITED),
        ("rest", _with_policy("{assertions: ['false']}"), PhaseReason.ASSERTION_FAILED),
        ("rest", _regressed, PhaseReason.REGRESSED),
        ("first", _frozen, PhaseReason.PASSED),
        ("first", _regressed, PhaseReason.REGRESSED),
        ("first", _retired, PhaseReason.RETIRED),
        ("rest", _served, PhaseReason.SERVED),
        ("first", _soaking, PhaseReason.SOAKING),
        ("first", _too_few_in_contact, PhaseReason.TOO_FEW_IN_CONTACT),
        ("first", open_world, PhaseReason.TOO_FEW_COMPLY),
        ("first", _empty, PhaseReason.EMPTY_TARGET),
        ("first", _unreachable("maxUnreachable: 20%"), PhaseReason.NOTHING_COUNTED),
        ("first", _too_many_unreachable, PhaseReason.TOO_MANY_UNREACHABLE),
        ("first", _too_few_reported, PhaseReason.TOO_FEW_REPORTED),
        (
            "rest",
            _edited("{group: rollup}", "{group: rollup, suspend: {reason: r, by: b}}"),
            PhaseReason.SUSPENDED,
        ),
        (
            "first",
            _edited("{group: rollup}", "{group: rollup, from: 2026-05-01T00:00:00Z}"),
            PhaseReason.NOT_IN_FORCE,
        ),
    ],
)
def test_first_condition_that_fails_is_the_reason(phase, made, reason):
    found = phase_explained(made(), phase)

    assert found.reason is reason, found.chain


def test_halt_of_another_rollout_is_named():
    found = phase_explained(_halted_elsewhere(), "all", "twin")

    assert found.reason is PhaseReason.HALTED_ELSEWHERE
    step = next(one for one in found.chain if one.reason is found.reason)
    assert "monthly/1/first" in step.evidence


def test_failed_computers_are_named_with_their_exit_codes():
    found = phase_explained(_halted(), "first")

    assert [(one.computer, one.exit_code, one.reason) for one in found.failures] == [
        ("r1", 100, "aptFailed"),
        ("r2", 100, "aptFailed"),
    ]
    assert (found.counts.failed, found.counts.tried) == (2, 2)


def test_ratio_is_told_with_its_numbers():
    world = open_world()
    world.pass_time(seconds=1)
    world.install("r1")

    found = phase_explained(world, "first")

    ratio = next(one for one in found.chain if one.asks == "ratio")
    assert ratio.evidence == "1 of 3 counted comply, 90% is needed"
    assert (found.counts.counted, found.counts.compliant, found.counts.reported) == (3, 1, 1)


def test_soak_is_told_with_its_end():
    step = next(one for one in phase_explained(_soaking(), "first").chain if one.asks == "soak")

    assert step.until == NOW + timedelta(hours=1, seconds=2)


def test_what_only_waits_for_a_pass_says_so():
    found = phase_explained(_passed(), "rest")

    assert found.reason is PhaseReason.NOT_APPLIED


def test_rule_is_the_place_of_the_phase():
    found = phase_explained(open_world(), "rest")

    step = next(one for one in found.chain if one.reason is found.reason)
    assert str(step.rule.at).startswith("m0.yaml:3")


def test_emergency_opens_nothing_before_it_is_advertised():
    world = emergency_world()
    world.step()
    while (BLASTER, 1) not in world.memory.releases:
        world.capture()
        world.pass_time(seconds=1)
        world.scan("ref")
        world.step()
    found = phase_explained(world, "reference", BLASTER)

    assert found.reason is PhaseReason.EMERGENCY_NOT_READY


def test_permits_and_failures_of_a_phase_are_counted():
    world = open_world()
    one = world.computers["r1"]
    hour = timedelta(hours=1)
    permit = Permit(
        one.id, one.ordinal, "r1", "PWR00002", "monthly", 1, "first", NOW, NOW + hour, failed=True
    )
    world.permits = (permit,)

    told = [step.evidence for step in phase_explained(world, "first").chain]

    assert "1 computer(s) hold a permit, 1 of them for a failed run" in told
    assert "0 of 0 that tried failed, halts at 50%" in told


def test_emergency_tells_its_state_and_what_the_next_one_waits_for():
    world = emergency_world()
    world.step()
    decisions = decisions_of(world)
    view = next(one for one in decisions.rollouts if one.name == BLASTER)

    found = explain_rollout(decisions, view, Asked(), lambda *_: {})

    assert found.emergency is not None
    assert found.waits_for
    assert found.reason is PhaseReason.NOTHING_RELEASED


def test_every_reason_of_phases_is_shown_here():
    text = Path(__file__).read_text(encoding="utf-8")

    assert [one for one in PhaseReason if f"PhaseReason.{one.name}" not in text] == []
