"""All that a run needs, brought onto the disk before it begins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.agent.errors import RunRefusedError
from reconciler.agent.machine import Machine
from reconciler.agent.memory import OwnStep, updates_to_do
from reconciler.agent.packages import Preparation
from reconciler.model.aims import INSTALL, UNINSTALL
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Refusal

_NO_PACKAGES = Preparation((), ())


@dataclass(frozen=True)
class Provision:
    """What a run does: packages first, then the commands of updates of one's own."""

    packages: Preparation
    steps: tuple[OwnStep, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.packages.pins or self.steps)


def provide(machine: Machine, offer: Offer) -> Provision:
    """Prepare what the offer has to do here, and change nothing on the machine.

    Raises as `PackageManager.prepare` does.
    """
    wanted = updates_to_do(offer, machine.journal.memory)
    _refuse_unknown(offer, wanted)
    steps = machine.own_steps.prepare(offer, wanted)
    own = {step.update for step in steps}
    packages = machine.packages.prepare(offer, wanted) if wanted - own else _NO_PACKAGES
    return Provision(packages, steps)


def _refuse_unknown(offer: Offer, wanted: Collection[str]) -> None:
    """Raise RunRefusedError for a program that this agent does not know, or cannot do here."""
    if offer.program not in {INSTALL, UNINSTALL}:
        raise RunRefusedError(
            Refusal.PROGRAM_UNKNOWN, f"this agent does not know the program {offer.program!r:.80}"
        )
    without = [one.id for one in offer.updates if one.id in wanted and one.step is None]
    if offer.program == UNINSTALL and without:
        raise RunRefusedError(Refusal.NOT_REMOVABLE, f"nothing says how to uninstall {without[0]}")
