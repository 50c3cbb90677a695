"""What is done together: programs, then one restart, with the hooks around them (E1).

Each step is in the journal before it takes effect, so that the next agent, on this boot or on
another, knows where the chain stood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Optional

from reconciler.agent.due import is_clock_wrong, may_run
from reconciler.agent.errors import CommandError
from reconciler.agent.hooks import HookEnd, Hooks
from reconciler.agent.machine import Machine
from reconciler.agent.memory import (
    Chain,
    ChainStage,
    Memory,
    PendingRestart,
    RunRecord,
)
from reconciler.agent.outcomes import Outcomes
from reconciler.agent.restarts import (
    FORCE,
    Now,
    decide,
    make_restart,
    merge,
    waiting_status,
)
from reconciler.model.messages import StatusId
from reconciler.model.orders import HookOrder
from reconciler.model.policy import Policy
from reconciler.model.run_reasons import Failure, RestartWait
from reconciler.model.updates import UpdateState

_PATIENCE = timedelta(minutes=10)
_LOOK_EVERY = timedelta(milliseconds=500)
_PUT_OFF = timedelta(hours=1)


class Chains:
    """Sees the chain to its end after its last program."""

    def __init__(
        self, machine: Machine, hooks: Hooks, scan: Callable[[], object], tell: Callable[[], None]
    ) -> None:
        self._machine = machine
        self._journal = machine.journal
        self._hooks = hooks
        self._outcomes = Outcomes(machine)
        self._scan = scan
        self._tell = tell

    def finish(self, policy: Policy) -> None:
        """End the chain: restart or not, hooks after, outcomes. Nothing without a chain."""
        chain = self._journal.memory.chain
        if chain is None:
            return
        if chain.stage is ChainStage.PROGRAMS:
            chain = self._decide(chain, policy)
        if chain.stage is ChainStage.DRAINING:
            chain = self._drain(chain)
        if chain.stage is ChainStage.RESTARTING:
            chain = self._restart(chain)
        self._verify(chain)

    def look_at_restart(self, policy: Policy) -> None:
        """Do what is due about a restart that waits."""
        memory = self._journal.memory
        restart = memory.restart
        if restart is None or memory.chain is not None:
            return
        if self._machine.boot.identity() != restart.boot:
            self._machine.log.info("the machine has restarted meanwhile")
            self._save(replace(memory, restart=None))
            self._scan()
        elif may_run(policy, memory, self._machine.clock.now()) and not is_clock_wrong(memory):
            self._go_on(restart, policy)

    def _decide(self, chain: Chain, policy: Policy) -> Chain:
        """Decide about the restart when no program of the chain is left to run."""
        memory, now = self._journal.memory, self._machine.clock.now()
        needed = self._is_restart_needed()
        workstation = self._outcomes.is_workstation()
        asked = make_restart(chain, now, workstation=workstation, needed=needed)
        if asked is None or not self._machine.boot.can_restart():
            status = self._outcomes.done_status(needed=needed)
            at_once = [one for one in chain.programs if not one.record.order.hooks.after]
            self._outcomes.tell_done(at_once, status)
            return self._advance(replace(chain, done=int(status)), ChainStage.VERIFYING)
        pending = merge(memory.restart, asked)
        if decide(pending, policy.windows, now) is Now.RESTART:
            return self._advance(chain, ChainStage.RESTARTING, pending)
        self._save(replace(memory, restart=pending))
        return self._advance(chain, ChainStage.VERIFYING)

    def _go_on(self, restart: PendingRestart, policy: Policy) -> None:
        if restart.rule != FORCE and not self._is_restart_needed():
            self._save(replace(self._journal.memory, restart=None))
            return
        why = decide(restart, policy.windows, self._machine.clock.now())
        if why is Now.ANNOUNCE:
            restart = replace(restart, announced_at=self._machine.clock.now())
            self._machine.notices.show(f"this computer restarts in {restart.grace}")
            why = RestartWait.GRACE
        if isinstance(why, RestartWait):
            self._tell_waiting(restart, why)
            return
        owed = tuple(dict.fromkeys(record.order.hooks for record in restart.records))
        chain = Chain(run=restart.records[-1].run, boot=restart.boot, owed=owed)
        self._advance(chain, ChainStage.DRAINING, restart)
        self._machine.signal.show(self._journal.memory)
        self.finish(policy)
        self._scan()

    def _drain(self, chain: Chain) -> Chain:
        """Run the hooks before a restart that comes by itself; one that fails puts it off."""
        for number, order in enumerate(chain.owed):
            end = self._hooks.run(order.before, order.timeout)
            if end.problem:
                self._outcomes.complain(f"restart put off: {end.problem}")
                chain = replace(chain, owed=chain.owed[:number])
                self._put_off()
                return self._advance(chain, ChainStage.VERIFYING)
        return self._advance(chain, ChainStage.RESTARTING, self._journal.memory.restart)

    def _put_off(self) -> None:
        memory = self._journal.memory
        if memory.restart is not None:
            later = self._machine.clock.now() + _PUT_OFF
            put_off = replace(
                memory.restart, postponed_until=later, postponed_by=RestartWait.HOOK_BEFORE.value
            )
            self._save(replace(memory, restart=put_off))

    def _restart(self, chain: Chain) -> Chain:
        """Restart the machine; only the next boot, or one that does not obey, comes back."""
        machine = self._machine
        if machine.boot.identity() == chain.boot:
            self._ask_for_restart(chain)
        done = machine.boot.identity() != chain.boot
        machine.log.info("restarted" if done else "not restarted")
        if done:
            self._scan()
        memory = self._journal.memory
        self._save(replace(memory, restart=None))
        return self._advance(chain, ChainStage.VERIFYING)

    def _ask_for_restart(self, chain: Chain) -> None:
        machine = self._machine
        asked_at = machine.clock.now()
        self._tell()
        machine.log.info("restarting")
        try:
            machine.boot.restart()
        except CommandError as error:
            self._fail_restart(chain, str(error))
            return
        while machine.boot.identity() == chain.boot:
            if machine.clock.now() >= asked_at + _PATIENCE:
                self._fail_restart(chain, f"the machine did not restart within {_PATIENCE}")
                return
            machine.stop.sleep(_LOOK_EVERY)

    def _fail_restart(self, chain: Chain, problem: str) -> None:
        restart = self._journal.memory.restart
        records = restart.records if restart is not None else ()
        named = [*records, *(program.record for program in chain.programs)]
        self._outcomes.tell(_last(named), StatusId.RESTART_FAILED, detail=problem)
        self._outcomes.complain(problem)

    def _verify(self, chain: Chain) -> None:
        """Run the hooks after, whatever came before, and tell what waited for them."""
        while chain.owed:
            order = chain.owed[0]
            end = self._hooks.run(order.after, order.timeout)
            self._judge(chain, order, end)
            chain = replace(chain, owed=chain.owed[1:])
            self._save(replace(self._journal.memory, chain=chain))
        self._save(replace(self._journal.memory, chain=None))
        self._machine.signal.show(self._journal.memory)

    def _judge(self, chain: Chain, order: HookOrder, end: HookEnd) -> None:
        waiting = [
            program
            for program in chain.programs
            if program.record.order.hooks == order and order.after
        ]
        for program in waiting:
            if end.problem:
                self._outcomes.fail(program.record, end.code, Failure.HOOK_AFTER, end.problem)
            else:
                self._outcomes.succeed(program, chain)
        if end.problem and not waiting:
            self._outcomes.complain(end.problem)

    def _advance(
        self, chain: Chain, stage: ChainStage, restart: Optional[PendingRestart] = None
    ) -> Chain:
        """Journal the next stage; a restart that begins is told in the same step (H3)."""
        further = replace(chain, stage=stage)
        memory = replace(self._journal.memory, chain=further)
        if restart is not None:
            memory = replace(memory, restart=restart)
        self._save(memory)
        if restart is not None and stage is ChainStage.RESTARTING:
            forced = restart.rule == FORCE
            status = (
                StatusId.RESTART_STARTED_FORCED if forced else StatusId.RESTART_STARTED_REQUIRED
            )
            self._outcomes.tell(_last(restart.records), status)
        return further

    def _tell_waiting(self, restart: PendingRestart, why: RestartWait) -> None:
        """Tell why it waits, once for each reason; what is not done tells that by itself."""
        status, reason = waiting_status(why, restart)
        if status is not StatusId.RESTART_REQUIRED and self._is_stuck(restart):
            return
        told = f"{int(status)} {reason.value}"
        if told != restart.told:
            self._outcomes.tell(_last(restart.records), status, reason=reason)
        self._save(replace(self._journal.memory, restart=replace(restart, told=told)))

    def _is_stuck(self, restart: PendingRestart) -> bool:
        """Tell whether nothing is done of what asks for the restart."""
        memory = self._journal.memory
        ends = [memory.last_end(one.rollout, one.release) for one in restart.records]
        return all(end is not None and end.boot for end in ends)

    def _is_restart_needed(self) -> bool:
        scan = self._journal.memory.last_scan
        pending = UpdateState.PENDING_RESTART in scan.states.values() if scan else False
        # An update that was uninstalled may need a restart too, and no scan tells of it.
        memory = self._journal.memory
        asked = self._machine.boot.identity() in memory.restarts.values()
        stuck = any(ended.boot for ended in memory.ended)
        return pending or asked or stuck or self._machine.packages.wants_restart()

    def _save(self, memory: Memory) -> None:
        self._journal.save(memory=memory)


def _last(records: Iterable[RunRecord]) -> RunRecord:
    return list(records)[-1]
