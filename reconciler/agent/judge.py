"""What a scan says of each update: pure, by the package manager's own order (S10)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from reconciler.agent.inventory import Installed, Inventory
from reconciler.agent.packages import Pin
from reconciler.model.policy import Offer
from reconciler.model.updates import CatalogSlice, SliceUpdate, UpdateState


@dataclass(frozen=True)
class Judge:
    """Compares what is installed with what updates bring.

    `compare` gives -1, 0 or 1 as the first version is older, equal or newer; `independent` is
    the name of the architecture that runs everywhere.
    """

    compare: Callable[[str, str], int]
    independent: str

    def judge_updates(
        self, catalog: CatalogSlice, installed: Inventory, restart: Collection[str]
    ) -> dict[str, UpdateState]:
        """Give the state of every update of the slice that applies here (S10).

        Not applicable (left out) = none of its packages is installed; missing = one is older, or
        was left half-way; installed = all are at or above; pending restart = installed, and the
        machine waits for a restart because of one of them.
        """
        states: dict[str, UpdateState] = {}
        for update in catalog.updates:
            state = self._judge(update, installed, restart)
            if state is not UpdateState.NOT_APPLICABLE:
                states[update.id] = state
        return states

    def packages_to_install(
        self, packages: Sequence[Pin], installed: Inventory, modules: Sequence[str] = ()
    ) -> tuple[Pin, ...]:
        """Choose those of an update's packages that are installed here and older, or half-way."""
        return tuple(
            (name, architecture, version)
            for (name, architecture, version), module in _with_modules(packages, modules)
            for found in self._matching(installed, name, architecture, module)
            if self._is_missing(found, version)
        )

    def choose_pins(
        self, offer: Offer, missing: Collection[str], installed: Inventory
    ) -> tuple[Pin, ...]:
        """Choose the packages to install: of one package the highest version offered (S12a)."""
        chosen: dict[tuple[str, str], Pin] = {}
        for update in offer.updates:
            if update.id not in missing:
                continue
            for pin in self.packages_to_install(update.packages, installed, update.modules):
                known = chosen.get(pin[:2])
                if known is None or self.compare(pin[2], known[2]) > 0:
                    chosen[pin[:2]] = pin
        return tuple(chosen[key] for key in sorted(chosen))

    def _judge(
        self, update: SliceUpdate, installed: Inventory, restart: Collection[str]
    ) -> UpdateState:
        applies = False
        for (name, architecture, version), module in _with_modules(update.packages, update.modules):
            for found in self._matching(installed, name, architecture, module):
                applies = True
                if self._is_missing(found, version):
                    return UpdateState.MISSING
        if not applies:
            return UpdateState.NOT_APPLICABLE
        if any(name in restart and name in installed for name, _, _ in update.packages):
            return UpdateState.PENDING_RESTART
        return UpdateState.INSTALLED

    def _matching(
        self, installed: Inventory, name: str, architecture: str, module: str
    ) -> list[Installed]:
        # A package may change between one architecture and all from one version to the next.
        return [
            found
            for found in installed.get(name, ())
            if found.module == module
            and (
                found.architecture == architecture
                or self.independent in {found.architecture, architecture}
            )
        ]

    def _is_missing(self, found: Installed, version: str) -> bool:
        return not found.whole or self.compare(found.version, version) < 0


def _with_modules(packages: Sequence[Pin], modules: Sequence[str]) -> Iterable[tuple[Pin, str]]:
    return zip(packages, modules or [""] * len(packages))
