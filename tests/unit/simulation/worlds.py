"""Small fleets in virtual time, with agents of which nothing is left to chance."""

from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.observed.catalog import Catalog
from reconciler.observed.memory import Memory
from reconciler.simulation.clockwork import Moment, Scene, Simulation, Span
from reconciler.simulation.estate import Estate
from reconciler.simulation.fleet_spec import FleetSpec
from reconciler.simulation.generate import generate
from tests.worlds import BASICS, NOW, SITE, load_desired

EXACT = {"median": "5m", "sigma": 0.0, "failure": "0%"}
STEP = timedelta(minutes=15)


def a_group(name="web", count=10, ring="rest", **changes):
    """Describe servers that are always on and never fail."""
    facts = {"ring": ring, **changes.pop("facts", {})}
    return {"name": name, "count": count, "facts": facts, "runs": EXACT, **changes}


def a_fleet(*groups, updates=({"product": "app"},)):
    """Describe a fleet: three reference computers, and others."""
    reference = a_group("ref", 3, "reference")
    return {"groups": [reference, *(groups or [a_group()])], "updates": list(updates)}


@dataclass
class Lived:
    """A simulation that has come to its end, and all that happened on the way."""

    simulation: Simulation
    moments: list[Moment]
    estate: Estate

    def starts(self, release="monthly/1"):
        """Give the names of who started when, of one release."""
        return [
            (moment.now, self.estate.fleet.names[one])
            for moment in self.moments
            for one in moment.tally.started.get(release, ())
        ]

    def opened_at(self, phase, release=1):
        """Give when a phase opened, or nothing."""
        record = self.simulation.memory.phases.get(("monthly", release, phase))
        return record.opened_at if record else None

    def record(self, phase, release=1):
        """Give the memory of an opened phase."""
        return self.simulation.memory.phases["monthly", release, phase]

    def missed(self):
        """Give who was late, by phase."""
        return {one.phase: one for moment in self.moments for one in moment.missed}

    def counts(self):
        """Give the last counts by phase."""
        return {one.phase: one for one in self.moments[-1].plan.counts}


def live(fleet, *manifests, days=3.0, seed=1, begin=NOW, **changes):
    """Let time pass over a fleet under manifests."""
    desired = load_desired(*(manifests or (BASICS,)), now=begin)
    made = generate(FleetSpec.model_validate(fleet), (), begin, seed)
    estate = Estate(made.fleet)
    scene = Scene(desired, SITE, Memory(), Catalog(), made.arrivals)
    span = Span(begin, begin + timedelta(days=days), STEP)
    simulation = Simulation(scene, estate, replace(made.behaviour, **changes), span, seed)
    return Lived(simulation, list(simulation.run()), estate)
