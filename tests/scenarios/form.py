"""The form of a scenario: what `steps.yaml` may say. What is not in it is an error."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconciler.kinds.fields import Duration, Instant
from reconciler.model.computers import RunOutcome
from reconciler.model.updates import SEVERITY_WORDS, UpdateState
from reconciler.planning.actions import Verb
from reconciler.planning.conditions import ConditionType

_NUMBERS = {f"S{number}" for number in range(1, 32)}
RULES = frozenset({*_NUMBERS, "S12a", "S13a"})
"""Every rule of the language."""

Told = bool | int | float | str | list[str]
"""The value of a fact."""


def _is_rule(name: str) -> str:
    if name not in RULES:
        raise ValueError(f"there is no rule {name}")
    return name


def _is_severity(word: str) -> str:
    if word not in SEVERITY_WORDS:
        raise ValueError(f"there is no severity {word}")
    return word


Rule = Annotated[str, BeforeValidator(_is_rule)]
Severity = Annotated[str, BeforeValidator(_is_severity)]
Names = tuple[str, ...]


class Form(BaseModel):
    """A part of the form; unknown keys fail."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class Published(Form):
    """What a source says of an update; without it, a security update for debian-12."""

    severity: Severity = "unset"
    classification: str = "security"
    supersedes: Names = ()
    released: Instant | None = None
    cves: Names = ()
    release: Names = ("debian-12",)
    has_files: bool = True


class Commit(Form):
    """A change of the manifests.

    `put` adds or replaces documents from files of the scenario; `set` changes fields by their
    dotted path, where a list's element is found by its name; `delete` takes documents away.
    """

    put: Names = ()
    set: dict[str, dict[str, object]] = Field(default_factory=dict)
    delete: Names = ()
    allow_prune: int | None = None


class Read(Form):
    """How the last read of a catalog source went."""

    whole: bool = True
    problem: str = ""


class Held(Form):
    """A permit that a computer holds since this step, or that failed it."""

    on: str
    began: bool = False
    failed: bool = False


class Act(Form):
    """One expected action: its verb, a part of what it is done to, and why."""

    do: Verb
    on: str = ""
    rule: Rule | None = None
    because: str = ""
    manifest: str = ""


class Offered(Form):
    """One expected offer; only what is given is compared."""

    updates: Names | None = None
    deadline: Instant | Literal["none"] | None = None
    held: bool | None = None
    available: Instant | None = None
    not_before: dict[str, Instant] | None = None
    needs_permit: bool | None = None
    user_may_start: bool | None = None
    restart: str | None = None


class Domain(Form):
    """One expected part of a budget: whom it binds, and how many of them at once."""

    members: Names
    limit: int


class Expect(Form):
    """What has to be true after planning; what is left out is not looked at."""

    refused: Names | None = None
    warned: Names | None = None
    nothing: bool = False
    actions: tuple[Act, ...] = ()
    no_actions: tuple[Verb, ...] = ()
    conditions: dict[ConditionType, Names | dict[str, str]] = Field(default_factory=dict)
    phases: dict[str, str] = Field(default_factory=dict)
    targets: dict[str, Names] = Field(default_factory=dict)
    members: dict[str, Names] = Field(default_factory=dict)
    releases: dict[str, Names | Literal["retired", "none"]] = Field(default_factory=dict)
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    offers: dict[str, dict[str, Offered]] = Field(default_factory=dict)
    starts: dict[str, Names] = Field(default_factory=dict)
    windows: dict[str, Names | Literal["always", "never"]] = Field(default_factory=dict)
    restart_windows: dict[str, Names] = Field(default_factory=dict)
    scans_every: dict[str, Duration] = Field(default_factory=dict)
    domains: dict[str, Domain] = Field(default_factory=dict)
    scans_now: Names | None = None
    emergencies: dict[str, str] = Field(default_factory=dict)
    drills: dict[str, str] = Field(default_factory=dict)
    programs: Names | None = None
    packages: Names | None = None
    advertisements: Names | None = None
    wake_at: Instant | None = None
    clock: Instant | None = None


class Step(Form):
    """What happens, in this order, and what has to be true once it was planned for."""

    at: Instant | None = None
    after: Duration | None = None
    commit: Commit | None = None
    publish: dict[str, Published] = Field(default_factory=dict)
    revise: Names = ()
    withdraw: Names = ()
    sources: dict[str, Read] = Field(default_factory=dict)
    enrol: dict[str, dict[str, Told]] = Field(default_factory=dict)
    facts: dict[str, dict[str, Told | None]] = Field(default_factory=dict)
    retire: Names = ()
    contact: Names = ()
    scan: dict[str, dict[str, UpdateState]] = Field(default_factory=dict)
    run: dict[str, dict[str, RunOutcome]] = Field(default_factory=dict)
    install: dict[str, Names] = Field(default_factory=dict)
    fail: dict[str, Names] = Field(default_factory=dict)
    permits: dict[str, Held] | None = None
    stale: bool = False
    content: bool = True
    expect: Expect = Expect()


class Scenario(Form):
    """A whole `steps.yaml`."""

    says: str = Field(min_length=40)
    rules: tuple[Rule, ...] = Field(min_length=1)
    base: Names = ()
    broken: str = ""
    steps: tuple[Step, ...] = Field(min_length=1)
