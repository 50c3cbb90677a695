"""What is explained as due is what the agent's own code would start, and nothing else is (H5)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.agent.due import runnable_offers
from reconciler.agent.memory import EndedRun, LastScan, Memory
from reconciler.model.computers import RunOutcome
from reconciler.model.reasons import Reason
from reconciler.model.updates import UpdateState
from reconciler.planning.explain.computers import explain_update
from tests.property.strategies import products
from tests.unit.planning.explanations import case_of
from tests.worlds import HEADER, PlannerWorld, an_update

NAMES = ("ref", "web", "pc")
NIGHTLY = '[{name: w, recurrence: "FREQ=DAILY", start: "10:00", duration: 2h, timezone: UTC}]'
WAIVER = "kind: Waiver\nmetadata: {{name: w}}\nspec: {{collection: everybody, updates: [{}], {}}}\n"
FREEZE = "kind: Freeze\nmetadata: {name: f}\nspec: {from: 2026-03-02T10:30:00Z, "
SECOND = "kind: Rollout\nmetadata: {name: second}\nspec:\n  authorization: monthly\n"

edits = st.lists(
    st.sampled_from(
        [
            ("maintenanceWindows: always", f"maintenanceWindows: {NIGHTLY}"),
            (", maintenanceWindows: always", ""),
            ("      deadline: 1d\n", ""),
            ("deadline: 2d", "deadline: 2d, spread: 4h, grace: 3h"),
            ("      deadline: 1d\n", "      deadline: 1d\n      spread: 4h\n"),
            ("      halt: {failures: 50%}\n", ""),
            ("soak: 1h", "soak: 0s"),
            ("mode: enforce", "mode: observe"),
            ("{group: rollup}", "{group: rollup, except: [deb:Lab/security/lib/1.1]}"),
            ("{group: rollup}", "{group: rollup, suspend: {reason: r, by: b}}"),
        ]
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
)
more = st.lists(
    st.sampled_from(
        [
            HEADER
            + WAIVER.format(
                "deb:Lab/security/app/1.1",
                "reason: r, approvedBy: [x], until: 2026-03-02T10:00:00Z",
            ),
            HEADER + FREEZE + "until: 2026-03-02T11:30:00Z, reason: r}\n",
            HEADER + SECOND + "  phases: [{name: all, collection: everybody, deadline: 1d}]\n",
        ]
    ),
    max_size=2,
    unique=True,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 600)),
        st.tuples(st.just("fail"), st.sampled_from(NAMES)),
        st.tuples(st.just("install"), st.sampled_from(NAMES)),
        st.tuples(st.just("replace"), products),
    ),
    max_size=4,
)


def settle(world):
    for _ in range(12):
        acted = bool(world.step().actions)
        world.capture()
        if not acted:
            return


def build(changes, documents):
    world = PlannerWorld()
    for old, new in changes:
        if old in world.manifests[0]:  # another edit may have taken it out
            world.edit(old, new)
    world.manifests += documents
    world.enrol("ref", ring="reference")
    world.enrol("web")
    world.enrol("pc", **{"class": "workstation", "ring": "reference"})
    world.publish(an_update("app"), an_update("lib"))
    world.scan(app=UpdateState.MISSING, lib=UpdateState.MISSING)
    settle(world)
    return world


def play(world, step):
    what, value = step
    if what == "wait":
        world.pass_time(minutes=value)
    elif what == "replace":
        newer = an_update(value, "1.2", supersedes=(f"deb:Lab/security/{value}/1.1",))
        world.publish(newer)
        world.scan(**{value: UpdateState.MISSING})
    elif ("monthly", 1) in world.memory.releases:
        world.install(value) if what == "install" else world.fail(value)
    world.contact(*world.computers)
    settle(world)


def agent_memory(computer):
    ended = tuple(
        EndedRun(run.rollout, run.release, 1, run.ended_at, refused=False)
        for run in computer.runs.values()
        if run.outcome is not RunOutcome.BEGAN
    )
    at = computer.last_scan_at
    return Memory(last_scan=LastScan(at, at, 1, "5" * 64, computer.states), ended=ended)


@settings(deadline=None, max_examples=60)
@given(edits, more, steps)
def test_due_is_exactly_what_the_agent_would_start(changes, documents, script):
    world = build(changes, documents)
    for step in script:
        play(world, step)
    world.contact(*world.computers)

    for name, computer in world.computers.items():
        case = case_of(world, name)
        run = runnable_offers(case.policy, agent_memory(computer), world.now)
        starts = {update.id for offer in run for update in offer.updates}
        due = {one for one in world.entries if explain_update(case, one).reason is Reason.DUE}
        assert due == starts, [explain_update(case, one).chain[-1] for one in due ^ starts]
