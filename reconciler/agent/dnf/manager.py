"""dnf and rpm as the machine's package manager."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from reconciler.agent.child import Ended
from reconciler.agent.content import Content
from reconciler.agent.dnf.preparation import Preparer, is_reinstall
from reconciler.agent.dnf.programs import Dnf, PrivateRepository
from reconciler.agent.dnf.restart import (
    core_packages,
    is_newer_kernel_installed,
    read_boot_time,
    restart_packages,
    running_version,
    waiting_kernels,
)
from reconciler.agent.dnf.rpm import Rpm, RpmRecord, find_duplicates, newest_records
from reconciler.agent.dnf.scriptlets import BrokenPackages, broken_pins, find_failures
from reconciler.agent.inventory import Inventory, group_by_name
from reconciler.agent.judge import Judge
from reconciler.agent.log import Log
from reconciler.agent.packages import Command, Findings, Pin, Preparation, Settled
from reconciler.agent.process import Runner
from reconciler.agent.redaction import last_lines
from reconciler.agent.surroundings import Surroundings
from reconciler.model.messages import FactValue
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Failure
from reconciler.model.updates import CatalogSlice, UpdateState
from reconciler.model.versions import compare_rpm

RPM_JUDGE = Judge(compare_rpm, independent="noarch")
_BROKEN = "broken-packages.json"


class DnfPackages:
    """The packages of one root of the rhel family; `path` is a directory of the agent."""

    def __init__(
        self, machine: Surroundings, path: Path, content: Content, runner: Runner, log: Log
    ) -> None:
        root = machine.root
        repository = PrivateRepository(path / "repository")
        self._root = root
        self._rpm = Rpm(root, runner)
        self._dnf = Dnf(root, repository, self._rpm, runner)
        self._preparer = Preparer(root, self._dnf, repository, content)
        self._broken = BrokenPackages(path / _BROKEN)
        self._boot = machine.boot
        self._log = log

    def collect_facts(self) -> dict[str, FactValue]:
        """Give the machine's architecture, as `x86_64`."""
        return {"arch": os.uname().machine}

    def scan(self, catalog: CatalogSlice) -> Findings:
        """Judge by rpm's order, by what is newer than the boot, and by the kernel that runs."""
        records = self._rpm.list_records()
        newest = self._newest(records)
        installed = _inventory(newest)
        restart = restart_packages(newest, core_packages(self._root), read_boot_time())
        states = RPM_JUDGE.judge_updates(catalog, installed, restart)
        running = running_version(records, self._boot.kernel().release)
        for update in waiting_kernels(catalog, installed, running):
            if states.get(update) is UpdateState.INSTALLED:
                states[update] = UpdateState.PENDING_RESTART
        return Findings(states, _name_packages(newest))

    def compare(self, first: str, second: str) -> int:
        """Compare versions in the order of rpm."""
        return RPM_JUDGE.compare(first, second)

    def repair(self) -> None:
        """Do nothing: what a killed rpm left goes when its run is settled, or with a reinstall."""

    def prepare(self, offer: Offer, missing: Collection[str]) -> Preparation:
        """Make a private repository of the captured content; dnf simulates, and rpm tests."""
        installed = _inventory(self._newest(self._rpm.list_records()))
        pins = RPM_JUDGE.choose_pins(offer, missing, installed)
        # dnf does not reinstall and upgrade at once; what is only half-way has time.
        older = tuple(pin for pin in pins if not is_reinstall([pin], installed))
        chosen = older or pins
        if not chosen:
            return Preparation((), ())
        return self._preparer.prepare(offer, chosen, installed)

    def install_command(self, preparation: Preparation) -> Command:
        """Say what installs these and what they need, and never removes."""
        installed = _inventory(self._newest(self._rpm.list_records()))
        again = is_reinstall(preparation.pins, installed)
        words = self._dnf.install_command(preparation.pins, again=again)
        return Command(tuple(words), self._dnf.environment)

    def describe_holder(self) -> str:
        """Say which process holds the lock of rpm."""
        return self._rpm.describe_holder()

    def settle(self, preparation: Preparation, ended: Ended) -> Settled:
        """Take out what a killed rpm left, and count a script that failed as a failure.

        dnf says 0 where a %post failed, and where it did nothing: only a look at the packages
        tells. A run without an exit code succeeded where its packages are all there.
        """
        pins, output = preparation.pins, ended.output
        if ended.code is None:
            output = f"{output}\n{self._repair(pins)}"
        self._broken.take(pins, broken_pins(output, pins))
        failures = find_failures(output)
        if failures:
            return Settled(ended.code, Failure.SCRIPTLET_FAILED, last_lines("\n".join(failures)))
        if ended.code not in {0, None}:
            return Settled(ended.code, Failure.EXIT_CODE, last_lines(output))
        if self._is_done(pins):
            return Settled(0)
        reason = Failure.INTERRUPTED if ended.code is None else Failure.NOT_INSTALLED
        return Settled(ended.code, reason, last_lines(output))

    def wants_restart(self) -> bool:
        """Tell whether the core or the kernel is newer than what runs."""
        records = self._rpm.list_records()
        newest = self._newest(records)
        versions = {one.package.name: one.package.version for one in newest}
        running = running_version(records, self._boot.kernel().release)
        return bool(
            restart_packages(newest, core_packages(self._root), read_boot_time())
        ) or is_newer_kernel_installed(versions, running)

    def _newest(self, records: Sequence[RpmRecord]) -> tuple[RpmRecord, ...]:
        return self._broken.mark(newest_records(records))

    def _repair(self, pins: Sequence[Pin]) -> str:
        """Take older versions out that stand beside those of the run, and no others.

        Gives what dnf said: it installs the newer ones again, and their scripts may fail.
        """
        double = find_duplicates(self._rpm.list_records())
        if not double or not {name for name, _, _ in pins}.issuperset(double):
            return ""
        self._log.warning("rpm was interrupted, older versions are taken out", names=double)
        said = self._dnf.remove_duplicates()
        left = find_duplicates(self._rpm.list_records())
        if left:
            self._log.warning("older versions stay", names=left, problem=last_lines(said, 500))
        return said

    def _is_done(self, pins: Sequence[Pin]) -> bool:
        """Tell whether each is there whole in this version, or a newer one."""
        there = {one.key: one.package for one in self._newest(self._rpm.list_records())}
        return all(
            found is not None and found.whole and compare_rpm(found.version, version) >= 0
            for (name, architecture, version) in pins
            for found in [there.get((name, architecture))]
        )


def _inventory(records: Sequence[RpmRecord]) -> Inventory:
    return group_by_name(one.package for one in records)


def _name_packages(records: Sequence[RpmRecord]) -> dict[str, str]:
    """Give versions by name (A2); of a second architecture as `name:architecture`."""
    native = os.uname().machine
    return {
        one.package.name
        if one.package.architecture in {native, "noarch"}
        else f"{one.package.name}:{one.package.architecture}": one.package.version
        for one in records
        if one.package.whole
    }
