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
from reconciler.model.messages import (
    FactsReport,
    FactValue,
    InventoryReport,
    ScanOutcome,
    ScanReport,
)
from reconciler.model.policy import ScanOrder
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
        facts = {**probed, **found}
        if self._packages.wants_restart():
            facts["restart.required"] = True
        memory = self._journal.memory
        skew = clock_skew_minutes(memory)
        if skew:
            facts["clock.skew.minutes"] = skew
        if memory.refusal:
            facts["agent.policy.refusal"] = memory.refusal
        if self._unsure():
            told = sorted(f"{update}: {why}" for update, why in self._unsure().items())
            facts["updates.unknown"] = tuple(told[:_MOST_UNSURE])
        return facts

    def scan(self, order: ScanOrder) -> bool:
        """Scan now, and tell whether it completed; a failed one changes no state (S29).

        The facts say why an update is unknown, so they are told anew where that changed.

        Raises SiteUnreachableError where the catalog cannot be had now: that is no failed scan,
        and it is tried again as soon as the site answers.
        """
        started_at, before = self._clock.now(), self._unsure()
        try:
            catalog = self._fetch_slice(order)
            self._look(catalog, order, started_at)
        except ContentError as error:
            return self._fail(started_at, order, "contentWrong", error)
        except CommandError as error:
            return self._fail(started_at, order, "packagesUnreadable", error)
        if self._unsure() != before:
            self.collect_facts()
        return True

    def _unsure(self) -> dict[str, str]:
        last = self._journal.memory.last_scan
        return last.unsure if last else {}

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
        inventory = InventoryReport(ended_at, found.packages)
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
        )
        memory = replace(self._journal.memory, last_scan=last, scan_failures=0, scan_failed_at=None)
        spool = tell_scan(tell_inventory(self._journal.spool, inventory), report)
        self._journal.save(memory=memory, spool=spool)
        missing = sum(state is UpdateState.MISSING for state in states.values())
        self._log.info("scanned", catalog=catalog.version, applicable=len(states), missing=missing)

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
