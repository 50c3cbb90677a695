"""Small worlds for the planner: manifests as YAML, computers and updates by name.

A world keeps what is remembered between plans as the store would, and stands for agents that do
what they are told: `install` makes updates installed and reports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.model.computers import Computer, Run, RunOutcome
from reconciler.model.grants import Grant
from reconciler.model.objects import Advertisement, ContentState
from reconciler.model.permits import Permit
from reconciler.model.policy import Policy
from reconciler.model.rollouts import PhaseRecord
from reconciler.model.updates import CatalogEntry, PackageFile, Update, UpdateState
from reconciler.observed.catalog import Catalog, SourceFreshness
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import Memory
from reconciler.observed.state import ObservedState
from reconciler.planning.effects import after
from reconciler.planning.plan import Plan, make_plan
from reconciler.planning.policy import PolicySource, make_policy
from reconciler.planning.world import SiteIdentity
from reconciler.source.load import load_manifests

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SITE = SiteIdentity("main", "PWR", "main")
EMPTY_MEMORY = Memory()
SLICES = MappingProxyType({"debian-12": "5" * 64})
HEADER = "apiVersion: patchwright.dev/v1alpha1\n"
LAB_SOURCE = f"""{HEADER}
kind: CatalogSource
metadata: {{name: lab}}
spec: {{type: directory, location: /srv/updates}}
"""
BASICS = """
apiVersion: patchwright.dev/v1alpha1
kind: Site
metadata: {name: main}
spec: {code: PWR, mode: enforce}
---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: everybody}
spec: {query: {all: true}, maintenanceWindows: always}
---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: reference}
spec: {query: {fact: ring, op: In, values: [reference]}}
---
apiVersion: patchwright.dev/v1alpha1
kind: UpdateGroup
metadata: {name: rollup}
spec: {type: rollup, query: {classification: [security]}}
---
apiVersion: patchwright.dev/v1alpha1
kind: Authorization
metadata: {name: monthly}
spec: {group: rollup}
---
apiVersion: patchwright.dev/v1alpha1
kind: Rollout
metadata: {name: monthly}
spec:
  authorization: monthly
  releases: {every: 1h}
  phases:
    - name: first
      collection: reference
      deadline: 1d
      gate: {success: 90%, soak: 1h}
      halt: {failures: 50%}
    - {name: rest, collection: everybody, deadline: 2d, gate: {success: 90%}}
"""


@lru_cache(maxsize=64)
def load_desired(*texts: str, commit: str = "c" * 40, now: datetime = NOW) -> DesiredState:
    """Link manifests; fails with the problems where there are errors."""
    files = {f"m{number}.yaml": text.encode() for number, text in enumerate(texts)}
    desired, problems = link(load_manifests(files, commit), now)
    errors = [str(problem) for problem in problems if problem.is_error]
    assert desired is not None, errors
    return desired


def an_update(name: str, version: str = "1.1", **changes) -> Update:
    """Make a security update of one package for debian-12."""
    package = PackageFile(name, version, "all", f"pool/{name}_{version}.deb", 1, "0" * 64)
    made = Update(
        id=f"deb:Lab/security/{name}/{version}",
        source="lab",
        product=name,
        version=version,
        release=("debian-12",),
        classification="security",
        packages=(package,),
    )
    return replace(made, **changes)


def removable_update(name: str, version: str = "1.1", **changes) -> Update:
    """Make an update under the id of the CustomUpdate that `custom_manifest` writes."""
    made = an_update(name, version, removable=True)
    id_ = f"custom:{name}-{version.replace('.', '-')}/{version}"
    return replace(made, id=id_, **changes)


def custom_manifest(update: Update, applies_to: str = "{fact: nobody.has, op: Exists}") -> str:
    """Write the CustomUpdate with an update's id; unless told otherwise it is for nobody."""
    name = update.id.partition(":")[2].partition("/")[0]
    return f"""{HEADER}kind: CustomUpdate
metadata: {{name: {name}}}
spec:
  product: {update.product}
  version: "{update.version}"
  appliesTo: {{query: {applies_to}}}
  detect: {{file: /opt/{name}, sha256: "{"0" * 64}"}}
  install: [./install.sh]
  uninstall: [./install.sh, --remove]
"""


def revised(entry: CatalogEntry, version: int) -> CatalogEntry:
    """Give the entry with one more revision, which enters in that content version."""
    former = (*entry.former, entry.since)
    return replace(
        entry, revision=entry.revision + 1, since=version, former=former, withdrawn=False
    )


@dataclass
class PlannerWorld:
    """Everything that a plan is made of, changed step by step by a test."""

    manifests: list[str] = field(default_factory=lambda: [BASICS])
    computers: dict[str, Computer] = field(default_factory=dict)
    entries: dict[str, CatalogEntry] = field(default_factory=dict)
    sources: dict[str, SourceFreshness] = field(default_factory=dict)
    version: int = 0
    memory: Memory = EMPTY_MEMORY
    now: datetime = NOW
    fresh: bool = True
    permits: tuple[Permit, ...] = ()
    grants: tuple[Grant, ...] = ()
    commit: str = "c" * 40

    def publish(self, *updates: Update) -> None:
        """Bring updates into the catalog as one new content version."""
        self.version += 1
        for update in updates:
            self.entries[update.id] = CatalogEntry(update, 1, self.version, self.now)

    def enrol(self, name: str, **facts) -> None:
        """Enrol a computer; it has not scanned yet."""
        ordinal = len(self.computers)
        known = {"os.release": "debian-12", "os.family": "debian", "arch": "amd64", **facts}
        self.computers[name] = Computer(
            id=f"{ordinal:032x}",
            ordinal=ordinal,
            name=name,
            enrolled_at=self.now,
            last_contact_at=self.now,
            facts=known,
        )

    def scan(self, *names: str, **states: UpdateState) -> None:
        """Have computers scan now; an update is named by its product, and kept when not named."""
        for name in names or tuple(self.computers):
            computer = self.computers[name]
            found = dict(computer.states)
            for product, state in states.items():
                for update in self._ids(product):
                    found[update] = state
            self.computers[name] = replace(
                computer,
                states={one: s for one, s in found.items() if s is not UpdateState.NOT_APPLICABLE},
                last_scan_at=self.now,
                last_contact_at=self.now,
                scan_version=self.version,
            )

    def install(self, *names: str, release: int = 1, rollout: str = "monthly") -> None:
        """Have computers run the release and scan: what it offers and they miss is installed."""
        offered = {one.id for one in self.memory.releases[rollout, release].offered()}
        for name in names or tuple(self.computers):
            computer = self.computers[name]
            states = {
                update: UpdateState.INSTALLED if update in offered else state
                for update, state in computer.states.items()
            }
            self.computers[name] = replace(computer, states=states)
            self._run(name, rollout, release, RunOutcome.SUCCEEDED)
        self.now += timedelta(seconds=1)
        self.scan(*names)

    def fail(self, *names: str, release: int = 1, rollout: str = "monthly") -> None:
        """Have computers run the release and fail."""
        for name in names:
            self._run(name, rollout, release, RunOutcome.FAILED)
        self.now += timedelta(seconds=1)
        self.scan(*names)

    def change(self, *names: str, **changes) -> None:
        """Change fields of computers' records; facts that are given join the known ones."""
        facts = changes.pop("facts", {})
        for name in names:
            known = self.computers[name]
            self.computers[name] = replace(known, facts={**known.facts, **facts}, **changes)

    def contact(self, *names: str) -> None:
        """Have computers show that they are there, without a scan."""
        self.change(*names, last_contact_at=self.now)

    def run(self, name: str, **changes) -> None:
        """Give a computer a last run of release 1 that ends well now, or as changed."""
        fields = {"rollout": "monthly", "release": 1, "outcome": RunOutcome.SUCCEEDED}
        run = Run(**{**fields, "began_at": self.now, "ended_at": self.now, **changes})
        known = self.computers[name].runs
        runs = {**known, f"{run.rollout}/{run.release}": run}
        self.change(name, runs=runs, last_contact_at=self.now)

    def revise(self, *ids: str) -> None:
        """Have other files in updates that are known, as one new content version."""
        self.version += 1
        for update in ids:
            self.entries[update] = revised(self.entries[update], self.version)

    def withdraw(self, update: Update) -> None:
        """Have the source withdraw an update."""
        self.version += 1
        self.entries[update.id] = replace(self.entries[update.id], withdrawn=True)

    def edit(self, old: str, new: str) -> None:
        """Change the text of the first manifest, which has to hold what is replaced."""
        assert old in self.manifests[0], old
        self.manifests = [self.manifests[0].replace(old, new), *self.manifests[1:]]

    def allow_prune(self, number: int = 100) -> None:
        """Have the commit that is planned for carry the trailer Allow-Prune."""
        self.grants = (Grant(self.commit, number),)

    def fleet(self) -> Fleet:
        """Give the computers in columns."""
        return Fleet(self.computers.values())

    def catalog(self) -> Catalog:
        """Give the catalog as it is now."""
        return Catalog(self.version, dict(self.entries), dict(self.sources))

    def names(self, ordinals: Iterable[int]) -> set[str]:
        """Give the keys of computers by their ordinals."""
        chosen = set(ordinals)
        return {name for name, one in self.computers.items() if one.ordinal in chosen}

    def plan(self) -> Plan:
        """Plan, changing nothing."""
        desired = replace(load_desired(*self.manifests, commit=self.commit), grants=self.grants)
        return make_plan(desired, self.observed(), SITE, self.now)

    def observed(self) -> ObservedState:
        """Give what is known of the fleet and remembered."""
        return ObservedState(
            fleet=self.fleet(),
            catalog=self.catalog(),
            memory=self.memory,
            latest_transition=self.memory.latest_transition(),
            fresh=self.fresh,
            permits=self.permits,
        )

    def policy(
        self, name: str, plan: Plan | None = None, slices: Mapping[str, str] = SLICES
    ) -> Policy:
        """Give the policy of one computer, as the server would after the last plan."""
        source = PolicySource(
            site=SITE.name,
            version=1,
            memory=self.memory,
            catalog=self.catalog(),
            guidance=(plan or self.plan()).guidance,
            slices=slices,
            lifetime=timedelta(hours=1),
            poll_every=timedelta(seconds=30),
        )
        return make_policy(source, self.computers[name], self.now)

    def capture(self) -> None:
        """Have all content captured."""
        done = {
            key: replace(one, state=ContentState.DONE, manifest="a" * 64)
            for key, one in self.memory.assignments.items()
        }
        self.memory = replace(self.memory, assignments=MappingProxyType(done))

    def told(self) -> set[str]:
        """Give the types of the conditions that a plan would tell."""
        return {condition.type.value for condition in self.plan().conditions}

    def record(self, phase: str, release: int = 1, rollout: str = "monthly") -> PhaseRecord:
        """Give the memory of an opened phase."""
        return self.memory.phases[rollout, release, phase]

    def step(self) -> Plan:
        """Plan and carry it out."""
        plan = self.plan()
        self.apply(plan)
        return plan

    def apply(self, plan: Plan) -> None:
        """Carry a plan out."""
        self.memory = after(self.memory, plan.actions)

    def pass_time(self, **span: float) -> None:
        """Let time go by."""
        self.now += timedelta(**span)

    def state(self, phase: str, release: int = 1, rollout: str = "monthly") -> str:
        """Give a phase's state by name."""
        record = self.memory.phases.get((rollout, release, phase))
        return record.state.value if record else "pending"

    def targets(self, phase: str, release: int = 1, rollout: str = "monthly") -> set[str]:
        """Give the names of an opened phase's computers."""
        members = self.memory.memberships[rollout, release, phase].members
        return {one.name for one in self.computers.values() if one.ordinal in members}

    def offers(self) -> list[Advertisement]:
        """Give the advertisements in order of their ids."""
        return [self.memory.advertisements[key] for key in sorted(self.memory.advertisements)]

    def _ids(self, product: str) -> list[str]:
        return [one for one, entry in self.entries.items() if entry.update.product == product]

    def _run(self, name: str, rollout: str, release: int, outcome: RunOutcome) -> None:
        computer = self.computers[name]
        run = Run(rollout, release, outcome, self.now, self.now)
        runs = {**computer.runs, f"{rollout}/{release}": run}
        self.computers[name] = replace(computer, runs=runs, last_contact_at=self.now)
