"""What may happen between two plans."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from hypothesis import strategies as st

from reconciler.model.computers import Run, RunOutcome
from reconciler.model.updates import CatalogEntry, Update, UpdateState
from tests.reference import drawing
from tests.reference.drawing import NAMES, PHASES, ROLLOUTS, UPDATES, Doc
from tests.worlds import PlannerWorld, load_desired, revised


@dataclass
class Stage:
    """A world under its manifests, and the history that only a reference needs."""

    documents: dict[tuple[str, str], Doc]
    world: PlannerWorld = field(default_factory=lambda: PlannerWorld([]))
    entered: dict[tuple[str, int], int] = field(default_factory=dict)
    refused: int = 0
    captures: bool = True
    commits: int = 0

    def __post_init__(self) -> None:
        self.world.manifests = rendered(self.documents)
        load_desired(*self.world.manifests)

    def write(self, documents: dict[tuple[str, str], Doc]) -> None:
        """Put a commit in force, unless it is invalid (S28)."""
        texts = rendered(documents)
        try:
            load_desired(*texts)
        except AssertionError:
            self.refused += 1
            return
        self.commits += 1
        self.world.commit = f"{self.commits:040x}"
        self.world.allow_prune()
        self.documents, self.world.manifests = documents, texts

    def enter(self, entry: CatalogEntry) -> None:
        """Bring an entry into the catalog."""
        self.world.entries[entry.update.id] = entry
        self.entered[entry.update.id, entry.revision] = entry.since

    def known(self, names) -> list[str]:
        """Keep the names of computers that are enrolled."""
        return [one for one in names if one in self.world.computers]


def rendered(documents: dict[tuple[str, str], Doc]) -> list[str]:
    """Write each document as JSON, which YAML reads."""
    return [
        json.dumps(
            {
                "apiVersion": "patchwright.dev/v1alpha1",
                "kind": kind,
                "metadata": {"name": name},
                "spec": spec,
            }
        )
        for (kind, name), spec in sorted(documents.items())
    ]


class Event(Protocol):
    """Something that happens to a stage."""

    def happen(self, stage: Stage) -> None:
        """Change the stage."""


@dataclass(frozen=True)
class Pass:
    """Time passes."""

    span: timedelta

    def happen(self, stage: Stage) -> None:
        stage.world.now += self.span


@dataclass(frozen=True)
class Enrol:
    """A computer enrols, if it is not known."""

    name: str
    facts: Doc

    def happen(self, stage: Stage) -> None:
        if self.name not in stage.world.computers:
            stage.world.enrol(self.name, **self.facts)


@dataclass(frozen=True)
class Retire:
    """A computer retires."""

    name: str

    def happen(self, stage: Stage) -> None:
        stage.world.change(*stage.known([self.name]), retired=True)


@dataclass(frozen=True)
class Change:
    """Facts of a computer change; one of nothing is lost."""

    name: str
    facts: Doc
    lost: tuple[str, ...]

    def happen(self, stage: Stage) -> None:
        for name in stage.known([self.name]):
            known = stage.world.computers[name]
            facts = {**known.facts, **self.facts}
            kept = {one: facts[one] for one in facts if one not in self.lost}
            stage.world.computers[name] = replace(known, facts=kept)


@dataclass(frozen=True)
class Scan:
    """Computers scan and say this; what is not named stays as it was."""

    names: tuple[str, ...]
    states: tuple[tuple[str, UpdateState], ...]
    lag: int = 0

    def happen(self, stage: Stage) -> None:
        world = stage.world
        for name in stage.known(self.names):
            computer = world.computers[name]
            version = max(computer.scan_version, world.version - self.lag)
            said = {**computer.states, **dict(self.states)}
            judged: dict[str, UpdateState] = {
                one: state
                for one, state in said.items()
                if one in world.entries
                and world.entries[one].since <= version
                and state is not UpdateState.NOT_APPLICABLE
            }
            world.computers[name] = replace(
                computer,
                states=judged,
                scan_version=version,
                last_scan_at=world.now,
                last_contact_at=world.now,
            )


@dataclass(frozen=True)
class Work:
    """Computers run all that is offered to them, which ends so, and they scan."""

    names: tuple[str, ...]
    outcome: RunOutcome = RunOutcome.SUCCEEDED

    def happen(self, stage: Stage) -> None:
        world = stage.world
        for name in stage.known(self.names):
            computer = world.computers[name]
            states, runs = dict(computer.states), dict(computer.runs)
            for (rollout, number, _), membership in world.memory.memberships.items():
                if computer.ordinal in membership.members:
                    release = world.memory.releases[rollout, number]
                    for one in release.offered():
                        if self._mends and states.get(one.id) is UpdateState.MISSING:
                            states[one.id] = UpdateState.INSTALLED
                    run = Run(rollout, number, self.outcome, world.now, world.now)
                    runs[f"{rollout}/{number}"] = run
            world.computers[name] = replace(computer, states=states, runs=runs)
        world.now += timedelta(seconds=1)
        Scan(self.names, ()).happen(stage)

    @property
    def _mends(self) -> bool:
        return self.outcome is RunOutcome.SUCCEEDED


@dataclass(frozen=True)
class RunOf:
    """A run of a release begins, or ends in some way, on computers."""

    names: tuple[str, ...]
    rollout: str
    release: int
    outcome: RunOutcome

    def happen(self, stage: Stage) -> None:
        world = stage.world
        if (self.rollout, self.release) not in world.memory.releases:
            return
        key = f"{self.rollout}/{self.release}"
        for name in stage.known(self.names):
            before = world.computers[name].runs.get(key)
            if self.outcome is not RunOutcome.BEGAN:
                run = Run(self.rollout, self.release, self.outcome, world.now, world.now)
            elif before is None:
                run = Run(self.rollout, self.release, self.outcome, world.now)
            else:
                run = replace(before, began_at=world.now + timedelta(seconds=1))
            runs = {**world.computers[name].runs, key: run}
            world.change(name, runs=runs, last_contact_at=world.now)
        world.now += timedelta(seconds=1)


@dataclass(frozen=True)
class Contact:
    """Computers are heard of."""

    names: tuple[str, ...]

    def happen(self, stage: Stage) -> None:
        stage.world.contact(*stage.known(self.names))


@dataclass(frozen=True)
class Publish:
    """A source publishes an update, or a revision of it; it may come back so."""

    update: Update

    def happen(self, stage: Stage) -> None:
        world = stage.world
        world.version += 1
        before = world.entries.get(self.update.id)
        if before is None:
            entry = CatalogEntry(self.update, 1, world.version, world.now)
        else:
            entry = replace(revised(before, world.version), update=self.update)
        stage.enter(entry)


@dataclass(frozen=True)
class Withdraw:
    """A source withdraws an update."""

    update: str

    def happen(self, stage: Stage) -> None:
        if self.update in stage.world.entries:
            stage.world.withdraw(stage.world.entries[self.update].update)


@dataclass(frozen=True)
class Write:
    """A commit writes a document whole, or deletes it."""

    kind: str
    name: str
    spec: Doc | None

    def happen(self, stage: Stage) -> None:
        documents = {**stage.documents}
        documents.pop((self.kind, self.name), None)
        if self.spec is not None:
            documents[self.kind, self.name] = self.spec
        stage.write(documents)


@dataclass(frozen=True)
class Edit:
    """A commit changes fields of a document; one of nothing goes."""

    kind: str
    name: str
    fields: Doc

    def happen(self, stage: Stage) -> None:
        if (self.kind, self.name) in stage.documents:
            spec = {**stage.documents[self.kind, self.name], **self.fields}
            kept = {one: value for one, value in spec.items() if value is not None}
            Write(self.kind, self.name, kept).happen(stage)


@dataclass(frozen=True)
class Reorder:
    """A commit turns, drops or inserts phases of a rollout."""

    rollout: str
    how: str
    phase: Doc

    def happen(self, stage: Stage) -> None:
        spec = stage.documents.get(("Rollout", self.rollout))
        if spec is None:
            return
        phases = list(spec["phases"])
        match self.how:
            case "turn":
                phases = [*phases[1:], phases[0]]
            case "drop first":
                phases = phases[1:]
            case "drop last":
                phases = phases[:-1]
            case "insert":
                phases = [self.phase, *(one for one in phases if one["name"] != "new")]
        Write("Rollout", self.rollout, {**spec, "phases": phases}).happen(stage)


@dataclass(frozen=True)
class Resume:
    """A commit orders a rollout to go on."""

    rollout: str
    token: str
    how: str
    release: int
    phase: str

    def happen(self, stage: Stage) -> None:
        order: Doc = {"token": self.token, "how": self.how, "reason": "r", "by": "b"}
        if self.how != "retry":
            if (self.rollout, self.release, self.phase) not in stage.world.memory.phases:
                return
            order |= {"release": self.release, "phase": self.phase}
        Edit("Rollout", self.rollout, {"resume": order}).happen(stage)


@dataclass(frozen=True)
class Capture:
    """The distribution point gets content from now on, or none any more."""

    works: bool

    def happen(self, stage: Stage) -> None:
        stage.captures = self.works


@dataclass(frozen=True)
class Misread:
    """A read fails until the next plan."""

    def happen(self, stage: Stage) -> None:
        stage.world.fresh = False


spans = st.sampled_from(
    [timedelta(seconds=1), timedelta(hours=1), timedelta(hours=2), timedelta(days=1)]
)
said_states = st.sampled_from(list(UpdateState))
some_names = drawing.some_names.map(tuple)
everybody = st.just(NAMES)
scans = st.builds(
    Scan,
    st.one_of(everybody, some_names),
    st.lists(st.tuples(st.sampled_from(UPDATES), said_states), max_size=3).map(tuple),
    st.sampled_from([0, 0, 0, 1]),
)
works = st.one_of(
    st.builds(Work, everybody),
    st.builds(Work, some_names),
    st.builds(Work, some_names, st.sampled_from([RunOutcome.FAILED, RunOutcome.TIMED_OUT])),
)
rollout_names = st.sampled_from(["alpha", *ROLLOUTS])
runs = st.builds(
    RunOf,
    some_names,
    rollout_names,
    st.sampled_from([1, 1, 2]),
    st.sampled_from(list(RunOutcome)),
)
publications = st.sampled_from(UPDATES).flatmap(drawing.updates).map(Publish)
edits = st.one_of(
    st.builds(
        Edit,
        st.just("Rollout"),
        rollout_names,
        st.one_of(st.none(), drawing.suspensions).map(lambda one: {"suspend": one}),
    ),
    st.builds(
        Edit,
        st.just("Authorization"),
        st.sampled_from(["a", "b"]),
        st.one_of(
            st.one_of(st.none(), drawing.suspensions).map(lambda one: {"suspend": one}),
            drawing.some_updates.map(lambda some: {"except": some, "only": None}),
            st.just({"except": None, "only": None}),
            drawing.some_updates.map(lambda some: {"except": None, "only": some}),
            drawing.instants(1, 20, 40).map(lambda until: {"until": until}),
            drawing.instants(1, 20, 40).map(lambda begin: {"from": begin}),
        ),
    ),
    st.builds(
        Write,
        st.just("UpdateGroup"),
        st.sampled_from(["g1", "g2"]),
        drawing.groups(),
    ),
    st.builds(Write, st.just("Collection"), st.just("mix-b"), drawing.collections(*drawing.BASES)),
    st.builds(
        Reorder,
        rollout_names,
        st.sampled_from(["turn", "drop first", "drop last", "insert"]),
        drawing.phases("new", 1),
    ),
    st.builds(
        Resume,
        rollout_names,
        st.sampled_from(["t1", "t2"]),
        st.sampled_from(["retry", "accept", "skip"]),
        st.sampled_from([1, 2]),
        st.sampled_from(PHASES),
    ),
    st.builds(
        Write,
        st.just("Rejection"),
        st.just("bad"),
        st.one_of(
            st.none(),
            drawing.some_updates.map(lambda some: {"updates": some, "reason": "r", "by": "b"}),
        ),
    ),
    st.builds(
        Write,
        st.just("Waiver"),
        st.sampled_from(["w1", "w2"]),
        st.one_of(st.none(), drawing.waivers(), drawing.waivers()),
    ),
    st.builds(
        Write,
        st.just("Freeze"),
        st.sampled_from(["f1", "f2"]),
        st.one_of(st.none(), drawing.freezes(), drawing.freezes()),
    ),
    st.builds(
        Write,
        st.just("Readvertise"),
        st.just("again"),
        st.one_of(st.none(), drawing.readvertises, drawing.readvertises),
    ),
    st.builds(
        Write, st.just("Rollout"), st.just("beta"), st.one_of(st.none(), drawing.rollouts("a"))
    ),
)
events = st.one_of(
    scans,
    works,
    works,
    works,
    runs,
    st.builds(Contact, st.one_of(everybody, some_names)),
    st.builds(Enrol, drawing.names, drawing.facts),
    st.builds(
        Change,
        drawing.names,
        drawing.facts,
        st.lists(st.sampled_from(["ring", "class"]), max_size=1).map(tuple),
    ),
    st.builds(Retire, drawing.names),
    publications,
    st.builds(Withdraw, st.sampled_from(UPDATES)),
    edits,
    edits,
    st.just(Misread()),
    st.builds(Capture, st.booleans()),
)


@st.composite
def beginnings(draw) -> Stage:
    """Draw manifests, some computers that scanned, and some updates."""
    stage = Stage(draw(drawing.manifests()))
    for number, update in enumerate(
        draw(st.lists(st.sampled_from(UPDATES), unique=True, min_size=1))
    ):
        stage.world.version += 1
        made = draw(drawing.updates(update))
        stage.enter(CatalogEntry(made, 1, number + 1, stage.world.now))
    for name in NAMES[: draw(st.sampled_from([3, 4, 5, 0, 1, 2]))]:
        stage.world.enrol(name, **{"ring": draw(st.sampled_from([0, 1])), **draw(drawing.facts)})
    missing = tuple((one, UpdateState.MISSING) for one in stage.world.entries)
    Scan(NAMES, missing).happen(stage)
    return stage


@st.composite
def steps(draw) -> list[Event]:
    """Draw what happens between two plans: time passes, and one or two things."""
    passing = draw(st.one_of(st.just([]), st.builds(Pass, spans).map(lambda one: [one])))
    happenings: list[Event] = draw(st.lists(events, min_size=1, max_size=2))
    return [*passing, *happenings]


stories = st.one_of(
    st.lists(steps(), max_size=40), *[st.lists(steps(), min_size=10, max_size=40)] * 2
)
"""Most often long ones: a world costs more to draw than a further step in it."""
