"""Why a computer is not patched: every reason can be the first that holds (H5)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.computers import RunOutcome
from reconciler.model.messages import StatusMessage
from reconciler.model.permits import Permit
from reconciler.model.reasons import Reason
from reconciler.model.updates import UpdateState
from reconciler.planning.explain.computers import explain_absent, explain_computer
from tests.unit.planning.emergency_worlds import advertise, emergency_world
from tests.unit.planning.explanations import case_of, decisions_of, explained
from tests.worlds import HEADER, NOW, PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
APP = "deb:Lab/security/app/1.1"
NEWER = "deb:Lab/security/app/1.2"
WAIVER = f"""
apiVersion: patchwright.dev/v1alpha1
kind: Waiver
metadata: {{name: lab}}
spec: {{computers: [ref], updates: ["{APP}"], reason: breaks it, approvedBy: [ines], until: UNTIL}}
"""
REJECTION = f"""
apiVersion: patchwright.dev/v1alpha1
kind: Rejection
metadata: {{name: bad}}
spec: {{updates: ["{APP}"], reason: bricks NICs, by: ines}}
"""
FREEZE = """
apiVersion: patchwright.dev/v1alpha1
kind: Freeze
metadata: {name: close}
spec: {from: 2026-03-02T08:00:00Z, until: 2026-03-03T00:00:00Z, reason: books}
"""
BUDGET = """
apiVersion: patchwright.dev/v1alpha1
kind: DisruptionBudget
metadata: {name: all}
spec: {collection: everybody, concurrent: 1}
"""
SECOND = """
apiVersion: patchwright.dev/v1alpha1
kind: Rollout
metadata: {name: second}
spec:
  authorization: monthly
  phases: [{name: all, collection: everybody, deadline: 1d}]
"""
NIGHTLY = '[{name: w, recurrence: "FREQ=DAILY", start: "22:00", duration: LENGTH, timezone: UTC}]'


def due_world():
    """The first phase is open on one computer of two; its run is due there."""
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    world.enrol("web")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    settle(world)
    return world


def settle(world):
    """Carry plans out until nothing is left, with all content captured."""
    for _ in range(6):
        world.step()
        world.capture()


def silent(**changes):
    world = due_world()
    world.change("ref", **changes)
    world.pass_time(hours=3)
    return world


def _agent_stopped():
    world = due_world()
    world.run("ref", outcome=RunOutcome.BEGAN, ended_at=None)
    world.pass_time(hours=3)
    return world


def _offline():
    world = due_world()
    world.pass_time(hours=2)
    world.contact("ref")
    world.pass_time(hours=3)
    return world


def _retired():
    world = due_world()
    world.change("ref", retired=True)
    return world


def _quarantined():
    world = due_world()
    world.change("ref", quarantine="cloned")
    return world


def _access_denied():
    world = due_world()
    world.change("ref", facts={"agent.policy.refusal": "wrongSignature"})
    return world


def _not_scanned():
    world = due_world()
    world.change("ref", last_scan_at=None, states={}, scan_version=0)
    return world


def _being_rebuilt():
    world = _not_scanned()
    world.enrol("old", ring="reference")
    world.change("old", name="ref", retired=True)
    return world


def _scan_stale():
    world = due_world()
    world.change("ref", states={})
    world.pass_time(days=3)
    world.contact("ref")
    return world


def _unknown_update():
    world = due_world()
    del world.entries[APP]
    return world


def _scan_before_catalog():
    world = due_world()
    world.change("ref", states={}, scan_version=0)
    return world


def _waived():
    world = due_world()
    world.manifests.append(WAIVER.replace("UNTIL", "2026-04-01T00:00:00Z"))
    return world


def _in_state(state):
    def made():
        world = due_world()
        world.scan("ref", app=state)
        return world

    return made


def _superseded():
    world = due_world()
    world.publish(an_update("app", "1.2", supersedes=(APP,)))
    world.scan("ref")
    states = {**world.computers["ref"].states, NEWER: INSTALLED}
    world.change("ref", states=states)
    return world


def _edited(old, new, *, first=True):
    def made():
        world = PlannerWorld() if first else due_world()
        world.edit(old, new)
        if first:
            world.enrol("ref", ring="reference")
            world.publish(an_update("app"))
            world.scan(app=MISSING)
            settle(world)
        return world

    return made


def _rejected():
    world = due_world()
    world.manifests.append(REJECTION)
    return world


def _withdrawn():
    world = due_world()
    world.withdraw(world.entries[APP].update)
    world.scan()
    return world


def _no_files():
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    world.publish(an_update("app", packages=()))
    world.scan(app=MISSING)
    settle(world)
    return world


def _not_approved():
    """The update that came to the release after its authorization was approved."""
    world = PlannerWorld()
    policy = "spec: {minApprovers: 1, approvers: {verified: false}}"
    world.manifests.append(f"{HEADER}kind: Policy\nmetadata: {{name: p}}\n{policy}\n")
    world.edit("{group: rollup}", "{group: rollup, approvedBy: [ines@corp.example]}")
    world.enrol("ref", ring="reference")
    world.publish(an_update("lib"))
    settle(world)
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    settle(world)
    return world


def _not_released():
    world = due_world()
    world.publish(an_update("lib"))
    world.scan(lib=MISSING)
    world.change("ref", states={"deb:Lab/security/lib/1.1": MISSING})
    return world


def _not_targeted():
    world = due_world()
    world.edit(
        "    - {name: rest, collection: everybody, deadline: 2d, gate: {success: 90%}}\n", ""
    )
    world.change("ref", facts={"ring": "none"})
    settle(world)
    return world


def _phase_not_open():
    world = due_world()
    world.change("ref", facts={"ring": "none"})
    world.step()
    return world


def _resume(how):
    return (
        f"resume: {{token: a, how: {how}, reason: r, by: b, release: 1, phase: first}}\n  phases:"
    )


def _skipped():
    world = due_world()
    world.edit("phases:", _resume("skip"))
    settle(world)
    return world


def _release_retired():
    world = due_world()
    key = ("monthly", 1, "first")
    phases = {**world.memory.phases, key: replace(world.memory.phases[key], retired=True)}
    world.memory = replace(world.memory, phases=phases)
    return world


def _not_applied():
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    return world


def _content_missing():
    world = _not_applied()
    world.step()
    world.step()
    return world


def _other_offer():
    """A run of two programs leaves an update to the one that brings the higher version."""
    world = due_world()
    world.publish(an_update("app", "1.2"))
    world.scan("ref")
    world.change("ref", states={APP: MISSING, NEWER: MISSING})
    world.edit(
        "releases: {every: 1h}",
        _resume("accept").replace("\n  phases:", "") + "\n  releases: {every: 1h}",
    )
    world.pass_time(hours=2)
    world.scan("ref")
    world.change("ref", states={APP: MISSING, NEWER: MISSING})
    settle(world)
    return world


def _halted():
    world = due_world()
    world.pass_time(seconds=1)
    world.fail("ref")
    settle(world)
    return world


def _halted_elsewhere():
    """A computer that joins another rollout's open phase after a halt is not offered the update."""
    world = due_world()
    world.manifests.append(SECOND)
    world.edit(
        "    - {name: rest, collection: everybody, deadline: 2d, gate: {success: 90%}}\n", ""
    )
    settle(world)
    world.pass_time(seconds=1)
    world.fail("ref")
    settle(world)
    world.pass_time(seconds=1)
    world.enrol("late")
    world.scan("late", app=MISSING)
    settle(world)
    world.computers["ref"] = world.computers.pop("late")
    return world


def _held():
    world = due_world()
    offers = {key: replace(it, held=True) for key, it in world.memory.advertisements.items()}
    world.memory = replace(world.memory, advertisements=offers)
    return world


def _observing():
    return _edited("mode: enforce", "mode: observe")()


def _running():
    world = due_world()
    world.run("ref", outcome=RunOutcome.BEGAN, ended_at=None)
    return world


def _waiver_grace():
    world = due_world()
    world.edit("      deadline: 1d\n", "      deadline: 1d\n      grace: 2d\n")
    world.manifests.append(WAIVER.replace("UNTIL", "2026-03-02T09:30:00Z"))
    settle(world)
    world.pass_time(minutes=40)
    return world


def _ran(**changes):
    def made():
        world = due_world()
        world.run("ref", **changes)
        return world

    return made


def _windows(text):
    return _edited("maintenanceWindows: always", f"maintenanceWindows: {text}")


def _window_too_short():
    """Another collection has windows that are long enough; this computer is not in it."""
    world = PlannerWorld()
    long = NIGHTLY.replace("LENGTH", "4h")
    others = f"kind: Collection\nmetadata: {{name: others}}\nspec: {{maintenanceWindows: {long}}}\n"
    world.manifests.append(HEADER + others)
    short = NIGHTLY.replace("LENGTH", "30m")
    world.edit("maintenanceWindows: always", f"maintenanceWindows: {short}")
    world.enrol("ref", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    settle(world)
    return world


def _no_window():
    return _edited(", maintenanceWindows: always", "")()


def _frozen():
    world = due_world()
    world.manifests.append(FREEZE)
    return world


def _with_user():
    world = due_world()
    world.change("ref", facts={"class": "workstation"})
    return world


def _waits_for_permit():
    world = due_world()
    world.manifests.append(BUDGET)
    web = world.computers["web"]
    world.permits = (
        Permit(
            computer=web.id,
            ordinal=web.ordinal,
            name="web",
            advertisement="PWR00009",
            rollout="monthly",
            release=1,
            phase="first",
            granted_at=NOW,
            expires_at=NOW + timedelta(hours=1),
        ),
    )
    return world


WORLDS = {
    Reason.RETIRED: _retired,
    Reason.QUARANTINED: _quarantined,
    Reason.AGENT_STOPPED: _agent_stopped,
    Reason.NO_CONTACT_SINCE_SCAN: silent,
    Reason.OFFLINE: _offline,
    Reason.ACCESS_DENIED: _access_denied,
    Reason.BEING_REBUILT: _being_rebuilt,
    Reason.NOT_SCANNED: _not_scanned,
    Reason.SCAN_STALE: _scan_stale,
    Reason.UNKNOWN_UPDATE: _unknown_update,
    Reason.SCAN_BEFORE_CATALOG: _scan_before_catalog,
    Reason.WAIVED: _waived,
    Reason.INSTALLED: _in_state(INSTALLED),
    Reason.NOT_APPLICABLE: _in_state(UpdateState.NOT_APPLICABLE),
    Reason.NOT_REPORTED: _in_state(UpdateState.UNKNOWN),
    Reason.RESTART_PENDING: _in_state(UpdateState.PENDING_RESTART),
    Reason.SUPERSEDED: _superseded,
    Reason.NOT_IN_GROUP: _edited("[security]", "[bugfix]"),
    Reason.REJECTED: _rejected,
    Reason.EXCEPTED: _edited("{group: rollup}", f'{{group: rollup, except: ["{APP}"]}}'),
    Reason.NOT_APPROVED: _not_approved,
    Reason.WITHDRAWN: _withdrawn,
    Reason.NO_FILES: _no_files,
    Reason.NOT_YET_IN_FORCE: _edited(
        "{group: rollup}", "{group: rollup, from: 2026-05-01T00:00:00Z}"
    ),
    Reason.ENDED: _edited("{group: rollup}", "{group: rollup, until: 2026-02-01T00:00:00Z}"),
    Reason.SUSPENDED: _edited("{group: rollup}", "{group: rollup, suspend: {reason: r, by: b}}"),
    Reason.NOT_RELEASED: _not_released,
    Reason.NOT_TARGETED: _not_targeted,
    Reason.PHASE_NOT_OPEN: _phase_not_open,
    Reason.SKIPPED: _skipped,
    Reason.RELEASE_RETIRED: _release_retired,
    Reason.NOT_APPLIED: _not_applied,
    Reason.CONTENT_MISSING: _content_missing,
    Reason.OTHER_OFFER: _other_offer,
    Reason.HALTED_ELSEWHERE: _halted_elsewhere,
    Reason.HALTED: _halted,
    Reason.HELD: _held,
    Reason.OBSERVING: _observing,
    Reason.RUNNING: _running,
    Reason.WAIVER_GRACE: _waiver_grace,
    Reason.OFFERED_ONLY: _edited("      deadline: 1d\n", ""),
    Reason.FAILED: _edited("      halt: {failures: 50%}\n", ""),
    Reason.TIMED_OUT: _edited("      halt: {failures: 50%}\n", ""),
    Reason.RAN: _ran(),
    Reason.DISK_FULL: due_world,
    Reason.PREREQUISITE_TOO_OLD: due_world,
    Reason.REFUSED: due_world,
    Reason.POSTPONED: _with_user,
    Reason.WAITS_FOR_USER: _with_user,
    Reason.SPREAD: _edited("      deadline: 1d\n", "      deadline: 1d\n      spread: 20d\n"),
    Reason.FROZEN: _frozen,
    Reason.NO_WINDOW: _no_window,
    Reason.NO_WINDOW_AHEAD: _windows(
        '[{name: once, recurrence: "FREQ=DAILY;UNTIL=20260101", start: "22:00", duration: 4h}]'
    ),
    Reason.WINDOW_TOO_SHORT: _window_too_short,
    Reason.OUTSIDE_WINDOW: _windows(NIGHTLY.replace("LENGTH", "4h")),
    Reason.WAITS_FOR_PERMIT: _waits_for_permit,
    Reason.AGENT_WAITS: due_world,
    Reason.DUE: due_world,
}


def _status(world, id_, reason="", minutes=0):
    at = world.now - timedelta(minutes=minutes)
    return StatusMessage(at, id_, "PWR00002", "monthly", 1, 1, None, reason, "why")


STATUSES = {
    Reason.DISK_FULL: lambda world: [_status(world, 21001, "diskFull")],
    Reason.PREREQUISITE_TOO_OLD: lambda world: [_status(world, 21001, "unauthorizedUpgrade")],
    Reason.REFUSED: lambda world: [_status(world, 21001, "removal")],
    Reason.POSTPONED: lambda world: [_status(world, 11253)],
    Reason.AGENT_WAITS: lambda world: [_status(world, 21002, "content")],
}
RUNS: dict[Reason, dict[str, Any]] = {
    Reason.FAILED: {"outcome": RunOutcome.FAILED, "exit_code": 100},
    Reason.TIMED_OUT: {"outcome": RunOutcome.TIMED_OUT},
}


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.NOT_ENROLLED}))
def test_reason_is_the_first_that_holds(reason):
    world = WORLDS[reason]()
    if reason in RUNS:
        world.run("ref", **RUNS[reason])
    statuses = STATUSES.get(reason, lambda _: [])(world)

    found = explained(world, "ref", _asked(reason), statuses)[_asked(reason)]

    assert found.reason is reason, [(one.asks, one.evidence, one.reason) for one in found.chain]
    assert all(step.reason is None for step in found.chain[:-1])
    assert found.chain[-1].evidence


def _asked(reason):
    return "deb:Lab/security/lib/1.1" if reason is Reason.NOT_RELEASED else APP


H5 = {
    "offline": Reason.OFFLINE,
    "being rebuilt": Reason.BEING_REBUILT,
    "no contact since last scan": Reason.NO_CONTACT_SINCE_SCAN,
    "agent stopped": Reason.AGENT_STOPPED,
    "access denied": Reason.ACCESS_DENIED,
    "prerequisite too old": Reason.PREREQUISITE_TOO_OLD,
    "disk full": Reason.DISK_FULL,
    "install ran before scan": Reason.SCAN_BEFORE_CATALOG,
    "content not on a DP": Reason.CONTENT_MISSING,
    "outside window": Reason.OUTSIDE_WINDOW,
    "postponed": Reason.POSTPONED,
    "restart pending": Reason.RESTART_PENDING,
    "waived": Reason.WAIVED,
    "failed with exit code N": Reason.FAILED,
}


@pytest.mark.parametrize("words", sorted(H5))
def test_reason_of_the_closed_list_has_a_world_in_which_it_holds(words):
    assert H5[words] in WORLDS


def test_every_reason_but_of_absent_computers_has_a_world():
    assert set(WORLDS) == set(Reason) - {Reason.NOT_ENROLLED}


def test_computer_that_only_manifests_name_has_not_enrolled():
    found = explain_absent(decisions_of(due_world()), "db-01", APP)

    assert [(one.update, one.reason) for one in found.updates] == [(APP, Reason.NOT_ENROLLED)]
    assert found.newer == "none"


def test_rule_names_the_place_and_the_commit_of_what_decides():
    step = explained(_rejected(), "ref", APP)[APP].chain[-1]

    assert str(step.rule.at) == "m1.yaml:5:17"
    assert (step.rule.kind, step.rule.name, step.rule.rule) == ("Rejection", "bad", "S8")
    assert step.rule.commit == "c" * 40


def test_evidence_of_the_scan_is_as_old_as_the_scan():
    world = due_world()
    world.pass_time(minutes=30)

    chain = explained(world, "ref", APP)[APP].chain

    assert {step.at for step in chain if step.asks in {"scan", "state"}} == {NOW}


def test_next_window_is_told_in_local_time_and_in_utc():
    world = WORLDS[Reason.OUTSIDE_WINDOW]()
    world.change("ref", facts={"timezone": "Europe/Rome"})

    step = explained(world, "ref", APP)[APP].chain[-1]

    assert "Mon 2026-03-02 23:00 Europe/Rome (2026-03-02T22:00:00Z)" in step.evidence
    assert step.until == NOW.replace(hour=22)


def test_failure_tells_exit_code_last_words_and_when_it_is_tried_again():
    world = WORLDS[Reason.FAILED]()
    world.run("ref", outcome=RunOutcome.FAILED, exit_code=100, reason="aptFailed")
    failed = replace(_status(world, 10006, "aptFailed"), exit_code=100, detail="E: broken")

    step = explained(world, "ref", APP, [failed])[APP].chain[-1]

    assert "exit code 100 (aptFailed): E: broken" in step.evidence
    assert step.until == NOW + timedelta(days=7)


RESTART_WORDS = {
    11261: "chose another time",
    11262: "postponed",
    11263: "put off",
    11264: "started",
    11265: "started",
    11266: "suppresses restarts of workstations",
    11267: "suppresses restarts of servers",
    11270: "users were told",
    21003: "did not restart",
}


@pytest.mark.parametrize("told", sorted(RESTART_WORDS))
def test_pending_restart_tells_what_became_of_it(told):
    world = WORLDS[Reason.RESTART_PENDING]()
    begun = _status(world, 10005, minutes=2)

    step = explained(world, "ref", APP, [_status(world, told, "r"), begun])[APP].chain[-1]

    assert f"{RESTART_WORDS[told]}" in step.evidence
    assert f"({told}, r, 2026-" in step.evidence


def test_word_of_an_earlier_run_is_about_another_restart():
    world = WORLDS[Reason.RESTART_PENDING]()
    before = [_status(world, 10008), _status(world, 10005, minutes=1), _status(world, 11267)]

    step = explained(world, "ref", APP, before)[APP].chain[-1]

    assert step.evidence == "installed, and waits for a restart"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (11257, "chose another time"),
        (11258, "its user postponed"),
        (11259, "suppressed"),
        (11269, "goes on after a restart"),
    ],
)
@pytest.mark.parametrize("days", [0, 8])
def test_run_that_needs_a_restart_first_waits_for_it_and_not_for_its_recurrence(told, words, days):
    world = WORLDS[Reason.FAILED]()
    world.run("ref", outcome=RunOutcome.FAILED, exit_code=100, reason="restartFirst")
    world.pass_time(days=days)
    world.contact("ref")

    step = explained(world, "ref", APP, [_status(world, told)])[APP].chain[-1]

    assert (step.reason, step.until) == (Reason.RESTART_PENDING, None)
    assert words in step.evidence


@pytest.mark.parametrize(("told", "words"), [(11252, "chose another time"), (11253, "postponed")])
def test_user_who_chose_another_time_is_told_from_one_who_postponed(told, words):
    world = _with_user()

    step = explained(world, "ref", APP, [_status(world, told)])[APP].chain[-1]

    assert (step.reason, words in step.evidence) == (Reason.POSTPONED, True)


def test_all_that_is_not_installed_is_explained_and_nothing_else():
    world = due_world()
    world.publish(an_update("lib"), an_update("new"))
    world.scan("ref", lib=INSTALLED)
    world.publish(an_update("newest"))

    found = explained(world, "ref")

    assert sorted(found) == [APP, "deb:Lab/security/newest/1.1"]
    assert found["deb:Lab/security/newest/1.1"].reason is Reason.SCAN_BEFORE_CATALOG


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"last_scan_at": None, "states": {}}, Reason.NOT_SCANNED, id="never-scanned"),
        pytest.param({"retired": True}, Reason.RETIRED, id="retired"),
        pytest.param({"quarantine": "cloned"}, Reason.QUARANTINED, id="quarantined"),
        pytest.param({"last_scan_at": NOW - timedelta(days=9)}, Reason.SCAN_STALE, id="stale"),
    ],
)
def test_all_updates_are_unknown_where_nothing_fresh_tells_of_any(changes, reason):
    world = PlannerWorld()
    world.enrol("ref")
    world.publish(an_update("app"))
    world.scan(app=INSTALLED)
    world.change("ref", facts={"os.release": "other"}, **changes)

    found = explained(world, "ref")

    assert {update: one.reason for update, one in found.items()} == {"*": reason}


def test_nothing_is_explained_where_a_fresh_scan_found_all_installed():
    world = PlannerWorld()
    world.enrol("ref")
    world.publish(an_update("app"))
    world.scan(app=INSTALLED)

    assert explained(world, "ref") == {}


def test_scan_is_asked_for_the_revision_that_a_release_holds():
    world = due_world()
    world.scan("ref", app=INSTALLED)
    world.revise(APP)

    assert explained(world, "ref", APP)[APP].reason is Reason.INSTALLED


@pytest.mark.parametrize(("minutes", "newer"), [(-5, "status"), (5, "scan")])
def test_newer_one_of_scan_and_status_is_told(minutes, newer):
    world = due_world()
    status = _status(world, 10005, minutes=minutes)

    assert explain_computer(case_of(world, "ref", [status]), None).newer == newer


def test_emergency_is_the_way_that_is_told_and_the_mainline_is_named_beside():
    world = emergency_world(mainline=True)
    world.step()
    advertise(world)

    found = explained(world, "ref", APP)[APP]

    assert found.way == "EmergencyChange/blaster/1"
    assert found.reason is Reason.DUE
    assert ("Rollout/monthly/1", Reason.OTHER_OFFER) in found.others


def test_without_any_rollout_no_group_offers_the_update():
    world = due_world()
    world.edit(
        world.manifests[0][world.manifests[0].index("kind: Rollout") :],
        "kind: Report\nmetadata: {name: r}\nspec: {title: t, query: select 1}\n",
    )

    assert explained(world, "ref", APP)[APP].reason is Reason.NOT_IN_GROUP
