"""Playing a scenario: its steps happen in a planner's world, which is looked at after each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.model.computers import Run, RunOutcome
from reconciler.model.grants import Grant
from reconciler.model.messages import FactValue
from reconciler.model.permits import Permit
from reconciler.model.problems import Problem
from reconciler.model.updates import SEVERITY_WORDS, CatalogEntry, Update, UpdateState
from reconciler.observed.catalog import SourceFreshness
from reconciler.planning.plan import Plan
from reconciler.source.load import load_manifests
from tests.scenarios.form import Commit, Held, Published, Scenario, Step, Told
from tests.scenarios.manifests import Documents, as_text, changed, read_documents, read_mappings
from tests.scenarios.naming import EVERYBODY, full_id, spelled_out, split_phase, split_release
from tests.worlds import PlannerWorld, an_update, load_desired, revised

FOLDER = Path(__file__).parent
BASES = FOLDER / "bases"
STEPS = "steps.yaml"
_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Moment:
    """What a step came to: the plan and what it was made of, or why the commit was refused."""

    world: PlannerWorld
    before: PlannerWorld
    desired: DesiredState
    plan: Plan
    problems: tuple[Problem, ...]
    again: Plan


def names_of_scenarios() -> list[str]:
    """Give the names of all scenarios, in order."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{STEPS}"))


def read_scenario(name: str) -> Scenario:
    """Read a scenario's steps; what its form does not know is an error that says where."""
    path = FOLDER / name / STEPS
    (data,) = read_mappings(path)
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise ValueError(f"{path}: {error}") from error


def play(name: str, scenario: Scenario) -> Iterator[tuple[Step, Moment]]:
    """Do the steps one after the other, and give what each came to."""
    player = _Player(name, scenario)
    for step in scenario.steps:
        yield step, player.do(step)


class _Player:
    def __init__(self, name: str, scenario: Scenario) -> None:
        self._folder = FOLDER / name
        based = [BASES / f"{base}.yaml" for base in scenario.base]
        own = sorted((self._folder / "manifests").glob("*.yaml"))
        later = {put for step in scenario.steps if step.commit for put in step.commit.put}
        at_first = [path for path in own if path.name not in later]
        self._documents: Documents = read_documents([*based, *at_first])
        self._world = PlannerWorld(manifests=[])
        self._commits = 0
        self._permits: dict[str, Permit] = {}

    def do(self, step: Step) -> Moment:
        """Do what the step says, plan, and carry the plan out."""
        world = self._world
        world.now = step.at or world.now + (step.after or timedelta(0))
        problems = self._commit(step.commit or Commit())
        self._change_catalog(step)
        self._change_computers(step)
        self._report(step)
        if step.permits is not None:
            world.permits = tuple(self._permit(*item) for item in step.permits.items())
        world.fresh = not step.stale
        before = replace(world)
        plan = world.step()
        again = world.plan()
        if step.content:
            world.capture()
        desired = load_desired(*before.manifests, commit=before.commit)
        return Moment(world, before, desired, plan, problems, again)

    def _commit(self, commit: Commit) -> tuple[Problem, ...]:
        """Take a commit into force unless it has errors: then the last one stays (S28)."""
        if commit == Commit() and self._commits:
            return ()
        world = self._world
        documents = changed(self._documents, commit, self._folder)
        self._commits += 1
        digest = f"{self._commits:040x}"
        texts = [as_text(one) for one in documents.values()]
        files = {f"m{number}.yaml": text.encode() for number, text in enumerate(texts)}
        desired, problems = link(load_manifests(files, digest), world.now)
        if desired is None:
            return problems
        self._documents, world.manifests, world.commit = documents, texts, digest
        if commit.allow_prune is not None:
            world.grants = (*world.grants, Grant(digest, commit.allow_prune))
        return problems

    def _change_catalog(self, step: Step) -> None:
        world = self._world
        if step.publish or step.revise or step.withdraw:
            world.version += 1
        for name, said in step.publish.items():
            update = _update(name, said)
            world.entries[update.id] = CatalogEntry(update, 1, world.version, world.now)
        for name in step.revise:
            world.entries[full_id(name)] = revised(world.entries[full_id(name)], world.version)
        for name in step.withdraw:
            world.entries[full_id(name)] = replace(world.entries[full_id(name)], withdrawn=True)
        for name, read in step.sources.items():
            known = world.sources.get(name)
            fetched_at = world.now if read.whole else known.fetched_at if known else None
            world.sources[name] = SourceFreshness(name, fetched_at, read.problem)

    def _change_computers(self, step: Step) -> None:
        world = self._world
        for name, facts in step.enrol.items():
            for one in spelled_out([name]):
                world.enrol(one, **_facts(facts))
        for name, changes in step.facts.items():
            for one in self._named([name]):
                computer = world.computers[one]
                lost = {fact for fact, value in changes.items() if value is None}
                known = {**computer.facts, **_facts(changes)}
                kept = {fact: value for fact, value in known.items() if fact not in lost}
                world.computers[one] = replace(computer, facts=kept)
        world.change(*self._named(step.retire), retired=True)
        world.contact(*self._named(step.contact))

    def _report(self, step: Step) -> None:
        world = self._world
        for name, runs in step.run.items():
            for key, outcome in runs.items():
                for one in self._named([name]):
                    self._run(one, key, outcome)
        for key, names in step.install.items():
            offered = world.memory.releases[split_release(key)].offered()
            for one in self._named(names):
                self._run(one, key, RunOutcome.SUCCEEDED, -_SECOND)
                missing = world.computers[one].states
                done = (update.id for update in offered if update.id in missing)
                self._scan(one, dict.fromkeys(done, UpdateState.INSTALLED))
        for key, names in step.fail.items():
            for one in self._named(names):
                self._run(one, key, RunOutcome.FAILED, -_SECOND)
                self._scan(one, {})
        for name, states in step.scan.items():
            for one in self._named([name]):
                self._scan(one, {full_id(update): state for update, state in states.items()})

    def _run(
        self, name: str, key: str, outcome: RunOutcome, shift: timedelta = timedelta(0)
    ) -> None:
        rollout, release = split_release(key)
        moment = self._world.now + shift
        ended_at = None if outcome is RunOutcome.BEGAN else moment
        run = Run(rollout, release, outcome, moment, ended_at)
        known = self._world.computers[name].runs
        self._world.change(name, runs={**known, key: run}, last_contact_at=self._world.now)

    def _scan(self, name: str, states: Mapping[str, UpdateState]) -> None:
        world = self._world
        unknown = [one for one in states if one not in world.entries]
        if unknown:
            raise ValueError(f"the catalog has no {', '.join(unknown)} for {name} to report")
        found = {**world.computers[name].states, **states}
        world.change(
            name,
            states={key: s for key, s in found.items() if s is not UpdateState.NOT_APPLICABLE},
            last_scan_at=world.now,
            last_contact_at=world.now,
            scan_version=world.version,
        )

    def _permit(self, name: str, held: Held) -> Permit:
        world = self._world
        rollout, release, phase = split_phase(held.on)
        known = self._permits.get(name)
        granted_at = known.granted_at if known else world.now
        offer = next(
            one
            for one in world.offers()
            if (one.rollout, one.release, one.phase) == (rollout, release, phase)
        )
        computer = world.computers[name]
        self._permits[name] = Permit(
            computer=computer.id,
            ordinal=computer.ordinal,
            name=name,
            advertisement=offer.id,
            rollout=rollout,
            release=release,
            phase=phase,
            granted_at=granted_at,
            expires_at=granted_at + _HOUR,
            began=held.began,
            failed=held.failed,
        )
        return self._permits[name]

    def _named(self, names: tuple[str, ...] | list[str]) -> list[str]:
        computers = self._world.computers
        found = [
            one
            for name in names
            for one in (computers if name == EVERYBODY else spelled_out([name]))
        ]
        unknown = [name for name in found if name not in computers]
        if unknown:
            raise ValueError(f"no computer is called {', '.join(unknown)}")
        return found


def _facts(facts: Mapping[str, Told | None]) -> dict[str, FactValue]:
    """Give the facts that are there; lists of them are tuples, as agents send them."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in facts.items()
        if value is not None
    }


def _update(name: str, said: Published) -> Update:
    product, _, version = name.partition("/")
    update = an_update(product, version)
    return replace(
        update,
        severity=SEVERITY_WORDS[said.severity],
        classification=said.classification,
        supersedes=tuple(full_id(one) for one in said.supersedes),
        released_at=said.released,
        cves=said.cves,
        release=said.release,
        packages=update.packages if said.has_files else (),
    )
