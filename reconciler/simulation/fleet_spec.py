"""What a fleet to simulate is like, as people write it: docs/simulate.md shows all of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from fractions import Fraction
from typing import Annotated, Self, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, Strict, model_validator

from reconciler.kinds.base import Model
from reconciler.kinds.fields import Duration, Text, Texts, text_reader
from reconciler.kinds.timezones import find_zone
from reconciler.model.codes import Code
from reconciler.model.computers import MachineClass
from reconciler.model.messages import FactValue
from reconciler.model.times import parse_percentage
from reconciler.model.updates import SEVERITY_WORDS
from reconciler.simulation.behaviour import Presence

MOST_COMPUTERS = 2_000_000
_MOST_UPDATES = 10_000
_NOTHING = Fraction(0)
E = TypeVar("E", bound=Enum)


def _share(text: str) -> Fraction:
    """Read a percentage, of which zero is one here."""
    return _NOTHING if text == "0%" else parse_percentage(text)


def _fact(value: object) -> object:
    """Let a fact be a list, and weights stand alone under their word."""
    if isinstance(value, Mapping) and set(value) != {"weights"}:
        message = "a fact by chance is written {weights: {value: weight}}"
        raise ValueError(message)
    return tuple(value) if isinstance(value, list) else value


def _one_of(kind: type[E]) -> BeforeValidator:
    """Read one of the words of an enumeration."""

    def read(value: object) -> object:
        words = [one.value for one in kind]
        if isinstance(value, str) and value not in words:
            message = f"{value!r:.80} is not one of {', '.join(words)}"
            raise ValueError(message)
        return kind(value) if isinstance(value, str) else value

    return BeforeValidator(read)


Share: TypeAlias = Annotated[
    Fraction, text_reader(_share, Fraction, Code.BAD_PERCENTAGE, "a percentage such as 95%")
]
Weights: TypeAlias = Annotated[
    Mapping[str, Annotated[int, Field(ge=1, le=1_000_000)]], Field(min_length=1)
]
Fact: TypeAlias = Annotated[FactValue | Mapping[str, Weights], BeforeValidator(_fact)]


class RunSpec(Model):
    """How runs go on the computers of a group."""

    median: Duration = Field(default=timedelta(minutes=5), description="Half take longer.")
    sigma: float = Field(default=0.5, ge=0, le=3, description="Spread of the run time's logarithm.")
    failure: Share = Field(default=Fraction(1, 100), description="Chance that a run fails.")
    broken: Share = Field(default=_NOTHING, description="Computers on which every run fails.")


class GroupSpec(Model):
    """Computers that are alike."""

    name: Text = Field(description="Their names are this and a number.")
    count: int = Field(ge=1, le=MOST_COMPUTERS, description="How many there are.")
    class_: Annotated[MachineClass, _one_of(MachineClass)] = Field(
        default=MachineClass.SERVER, description="server, workstation or portable."
    )
    facts: Mapping[str, Fact] = Field(
        default={}, description="A value for all, or {weights: {value: weight}} by chance."
    )
    zones: Weights = Field(default={"UTC": 1}, description="IANA zones by weight.")
    online: Annotated[Presence, _one_of(Presence)] = Field(
        default=Presence.ALWAYS, description="always, officeHours, weekdays or dead."
    )
    dead: Share = Field(default=_NOTHING, description="Those that never call.")
    contact_every: Duration = Field(
        default=timedelta(minutes=15), description="How often one that is on calls its site."
    )
    runs: RunSpec = Field(default=RunSpec(), description="How runs go.")

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        unknown = next((zone for zone in self.zones if find_zone(zone) is None), None)
        if unknown is not None:
            message = f"{unknown!r:.80} is not the name of a time zone"
            raise ValueError(message)
        return self


class UpdateSpec(Model):
    """Updates to invent: `count` of them, all alike."""

    product: Text = Field(description="Their products are this and a number where several are.")
    count: int = Field(default=1, ge=1, le=_MOST_UPDATES, description="How many.")
    classification: Text = Field(default="security", description="As in an update group's query.")
    severity: Text = Field(default="important", description="As in an update group's query.")
    release: Texts = Field(default=(), description="Systems that it is for; none: all.")
    arrives: Duration | None = Field(default=None, description="How long after the begin.")
    restart: bool = Field(default=False, description="Whether it needs a restart.")
    missing: Share = Field(default=Fraction(1), description="Who misses it, of those it is for.")
    installed: Share = Field(default=_NOTHING, description="Who has it, of all others.")
    failure: Share = Field(default=_NOTHING, description="Chance that it makes a run fail.")

    @model_validator(mode="after")
    def _severity_is_a_word(self) -> Self:
        if self.severity not in SEVERITY_WORDS:
            message = f"{self.severity!r:.80} is not one of {', '.join(SEVERITY_WORDS)}"
            raise ValueError(message)
        return self


class CatalogSpec(Model):
    """How updates of a catalog at hand are spread over the fleet."""

    missing: Share = Field(default=Fraction(5, 100), description="Who misses each, of its system.")
    installed: Share = Field(default=Fraction(60, 100), description="Who has it, of all others.")
    failure: Share = Field(default=_NOTHING, description="Chance that one makes a run fail.")


class FleetSpec(Model):
    """A fleet, and the updates that come to it."""

    groups: Annotated[tuple[GroupSpec, ...], Strict(strict=False)] = Field(
        min_length=1, description="The computers."
    )
    updates: Annotated[tuple[UpdateSpec, ...], Strict(strict=False)] = Field(
        default=(), description="Updates to invent."
    )
    catalog: CatalogSpec = Field(default=CatalogSpec(), description="For updates of --catalog.")
    content_delay: Duration = Field(
        default=timedelta(minutes=10), description="How long the site takes to capture content."
    )

    @model_validator(mode="after")
    def _is_within_bounds(self) -> Self:
        if sum(group.count for group in self.groups) > MOST_COMPUTERS:
            message = f"there are more than {MOST_COMPUTERS:,} computers"
            raise ValueError(message)
        if sum(update.count for update in self.updates) > _MOST_UPDATES:
            message = f"there are more than {_MOST_UPDATES:,} updates"
            raise ValueError(message)
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            message = "two groups have the same name"
            raise ValueError(message)
        products = [update.product for update in self.updates]
        if len(set(products)) < len(products):
            message = "two entries of updates have the same product"
            raise ValueError(message)
        return self
