"""A scan: facts, inventory, and the state of each update of the site's catalog slice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.agent.errors import AgentError, CommandError
from reconciler.agent.facts import collect_facts
from reconciler.agent.kept_policy import read_kept_policy
from reconciler.agent.machine import Machine
from reconciler.agent.memory import LastScan, clock_skew_minutes, custom_digest
from reconciler.agent.spool import tell_facts, tell_inventory, tell_scan
from reconciler.model.errors import ContentError
from reconciler.model.ids import PACKAGE_FACT, SOFTWARE_FACT
from reconciler.model.messages import (
    Executable,
    FactsReport,
    FactValue,
    InventoryReport,
    ScanOutcome,
    ScanReport,
)
from reconciler.model.policy import InventoryOrder, ScanOrder
from reconciler.model.updates import CatalogSlice, UpdateState

_MOST_UNSURE = 20


class Scanner:
    """Looks at one root and tells the spool."""

    def __init__(self, machine: Machine) -> None:
        self._root = machine.root
        self._boot = machine.boot
        self._packages = machine.packages
        self._content = machine.content
        self._probes = machine.probes
        self._detector = machine.detector
        self._executables = machine.executables
        self._journal = machine.journal
        self._clock = machine.clock
        self._log = machine.log

    def collect_facts(self) -> None:
        """Tell the facts where they changed; where they cannot be read the old ones stay."""
        try:
            facts = self._collect()
        except AgentError as error:
            self._log.warning("facts failed", problem=error, hint=error.hint)
            return
        report = FactsReport(self._clock.now(), facts)
        self._journal.save(spool=tell_facts(self._journal.spool, report))

    def _collect(self) -> dict[str, FactValue]:
        kernel = self._boot.kernel().release
        policy = read_kept_policy(self._journal.memory)
        probed = self._probes.collect(policy.probes if policy else (), self._clock.now())
        found = collect_facts(self._root, kernel, self._packages.collect_facts())
        facts = {**probed, **self._scanned_facts(), **found}
        if self._packages.wants_restart():
            facts["restart.required"] = True
        memory = self._journal.memory
        skew = clock_skew_minutes(memory)
        if skew:
            facts["clock.skew.minutes"] = skew
        if memory.refusal:
            facts["agent.policy.refusal"] = memory.refusal
        return facts

    def scan(self, order: ScanOrder) -> bool:
        """Scan now, and tell whether it completed; a failed one changes no state (S29).

        Some facts are of what a scan finds, so they are told anew where that changed.

        Raises SiteUnreachableError where the catalog cannot be had now: that is no failed scan,
        and it is tried again as soon as the site answers.
        """
        started_at, before = self._clock.now(), self._scanned_facts()
        try:
            catalog = self._fetch_slice(order)
            self._look(catalog, order, started_at)
        except ContentError as error:
            return self._fail(started_at, order, "contentWrong", error)
        except CommandError as error:
            return self._fail(started_at, order, "packagesUnreadable", error)
        if self._scanned_facts() != before:
            self.collect_facts()
        return True

    def _scanned_facts(self) -> dict[str, FactValue]:
        """Give the software that git asks for, and why updates are unknown, by the last scan."""
        last = self._journal.memory.last_scan
        if last is None:
            return {}
        told = sorted(f"{update}: {why}" for update, why in last.unsure.items())
        facts: dict[str, FactValue] = {**last.software}
        return {**facts, "updates.unknown": tuple(told[:_MOST_UNSURE])} if told else facts

    def _fetch_slice(self, order: ScanOrder) -> CatalogSlice:
        if order.catalog is None:
            raise ContentError("the site has no catalog for this machine")
        return self._content.fetch_document(CatalogSlice, order.catalog)

    def _look(self, catalog: CatalogSlice, order: ScanOrder, started_at: datetime) -> None:
        found = self._packages.scan(catalog)
        detected = self._detector.detect(order.custom, found.packages)
        states = {**found.states, **self._with_restarts(detected.states)}
        ended_at = self._clock.now()
        report = ScanReport(
            started_at=started_at,
            ended_at=ended_at,
            outcome=ScanOutcome.COMPLETED,
            content_version=catalog.version,
            changes=states,
        )
        inventory = self._list_software(order.inventory, found.packages)
        # What the order asked for is met, also where the slice did not change since an older one.
        version = max(catalog.version, order.content_version)
        last = LastScan(
            started_at=started_at,
            ended_at=ended_at,
            content_version=version,
            catalog=order.catalog or "",
            states=states,
            custom=custom_digest(order),
            unsure=detected.unsure,
            software=_software_facts(order.inventory, found.packages, inventory.executables),
        )
        memory = replace(self._journal.memory, last_scan=last, scan_failures=0, scan_failed_at=None)
        spool = tell_scan(tell_inventory(self._journal.spool, inventory), report)
        self._journal.save(memory=memory, spool=spool)
        missing = sum(state is UpdateState.MISSING for state in states.values())
        self._log.info("scanned", catalog=catalog.version, applicable=len(states), missing=missing)

    def _list_software(self, order: InventoryOrder, packages: dict[str, str]) -> InventoryReport:
        listed = packages if order.software else {}
        executables = self._executables.collect(order.executables) if order.executables else {}
        return InventoryReport(self._clock.now(), listed, executables)

    def _with_restarts(self, states: dict[str, UpdateState]) -> dict[str, UpdateState]:
        """Say of what was installed on this boot and asked for another that it waits for that."""
        memory, boot = self._journal.memory, self._boot.identity()
        waiting = {update for update, began_on in memory.restarts.items() if began_on == boot}
        if waiting != memory.restarts.keys():
            self._journal.save(memory=replace(memory, restarts=dict.fromkeys(waiting, boot)))
        return {
            update: UpdateState.PENDING_RESTART
            if update in waiting and state is UpdateState.INSTALLED
            else state
            for update, state in states.items()
        }

    def _fail(self, started_at: datetime, order: ScanOrder, reason: str, error: Exception) -> bool:
        ended_at = self._clock.now()
        report = ScanReport(
            started_at=started_at,
            ended_at=ended_at,
            outcome=ScanOutcome.FAILED,
            content_version=order.content_version,
            changes={},
            reason=reason,
        )
        memory = self._journal.memory
        failed = replace(memory, scan_failures=memory.scan_failures + 1, scan_failed_at=ended_at)
        self._journal.save(memory=failed, spool=tell_scan(self._journal.spool, report))
        self._log.warning("scan failed", reason=reason, problem=error)
        return False


def _software_facts(
    order: InventoryOrder, packages: dict[str, str], executables: dict[str, Executable]
) -> dict[str, str]:
    """Give what git asks for of the inventory: versions of packages, digests of programs."""
    known = {
        **{f"{PACKAGE_FACT}{name}": version for name, version in packages.items()},
        **{f"{SOFTWARE_FACT}{path}": one.sha256 for path, one in executables.items()},
    }
    return {name: known[name] for name in order.facts if name in known}
