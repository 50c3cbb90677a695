"""What apt says that it would do, and whether we may let it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from reconciler.agent.errors import RunRefusedError
from reconciler.agent.packages import Pin
from reconciler.agent.redaction import last_lines
from reconciler.model.run_reasons import Refusal

_INSTALL = re.compile(r"Inst (\S+) (?:\[([^]\s]+)\] )?\((\S+) [^[]*\[([a-z0-9-]+)\]", re.ASCII)
_CONFIGURE = re.compile(r"Conf (\S+) \((\S+) [^[]*\[([a-z0-9-]+)\]", re.ASCII)
_REMOVE = re.compile(r"(?:Remv|Purg) (\S+)", re.ASCII)
# What apt-get prints in the C locale, and the reason that it stands for; the first that fits.
_FAILURES = (
    ("Packages need to be removed", Refusal.REMOVAL),
    ("Held packages were changed", Refusal.HELD),
    ("you have held broken packages", Refusal.DEPENDENCY_CONFLICT),
    ("unmet dependencies", Refusal.DEPENDENCY_CONFLICT),
    ("was not found", Refusal.CONTENT_INCOMPLETE),
    ("Unable to locate package", Refusal.CONTENT_INCOMPLETE),
    ("Could not get lock", Refusal.LOCKED),
    ("dpkg was interrupted", Refusal.DPKG_INTERRUPTED),
)


@dataclass(frozen=True)
class Installation:
    """One package that apt would install; `replaces` is the version there, or nothing."""

    name: str
    architecture: str
    version: str
    replaces: str = ""

    @property
    def key(self) -> Pin:
        """Name, architecture and version."""
        return self.name, self.architecture, self.version


@dataclass(frozen=True)
class Simulation:
    """All that apt would do; `configures` names also what lies there half-way already."""

    installs: tuple[Installation, ...]
    configures: frozenset[Pin]
    removes: tuple[str, ...]


def parse_simulation(output: str) -> Simulation:
    """Read the Inst and Remv lines of `apt-get --simulate`.

    Raises RunRefusedError for an Inst line of a form that is not known.
    """
    installs, configures, removes = [], set(), []
    for line in output.splitlines():
        if line.startswith("Inst "):
            installs.append(_parse_install(line))
        elif found := _CONFIGURE.match(line):
            configures.add((found[1].partition(":")[0], found[3], found[2]))
        elif found := _REMOVE.match(line):
            removes.append(found[1])
    return Simulation(tuple(installs), frozenset(configures), tuple(removes))


def check_simulation(
    simulation: Simulation, pins: Collection[Pin], offered: Collection[Pin]
) -> None:
    """Raise RunRefusedError where something would be removed, or changed without authorization.

    `pins` must all be put in place; whatever else changes must be `offered`.

    New packages are allowed: they can only come from the captured content (S18).
    """
    if simulation.removes:
        names = ", ".join(simulation.removes)
        raise RunRefusedError(Refusal.REMOVAL, f"it would remove {names}")
    for install in simulation.installs:
        if install.replaces and install.key not in offered:
            raise RunRefusedError(
                Refusal.UNAUTHORIZED_UPGRADE,
                f"it would change {install.name} from {install.replaces} to {install.version}, "
                "which is not in the offer",
            )
    absent = set(pins) - {install.key for install in simulation.installs} - simulation.configures
    if absent:
        name, _, version = min(absent)
        raise RunRefusedError(Refusal.CONTENT_INCOMPLETE, f"apt would not install {name} {version}")


def explain_failure(output: str) -> RunRefusedError:
    """Turn what a failed simulation printed into a refusal with its reason."""
    said = last_lines(output, 500)
    for text, reason in _FAILURES:
        if text in output:
            return RunRefusedError(reason, f"apt would not do it: {said}")
    return RunRefusedError(Refusal.APT_FAILED, f"apt could not say what it would do: {said}")


def _parse_install(line: str) -> Installation:
    found = _INSTALL.match(line)
    if found is None:
        raise RunRefusedError(
            Refusal.APT_FAILED, f"apt says what is not understood: {line[:200]!r}"
        )
    name, old, version, architecture = found.groups()
    return Installation(name.partition(":")[0], architecture, version, old or "")
