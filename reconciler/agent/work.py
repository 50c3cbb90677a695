"""What the agent does by itself between two words with its site: scan, run, restart, remind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.chain import Chains
from reconciler.agent.desk import Desk
from reconciler.agent.due import has_work, is_voluntary, runnable_offers, scan_due_at
from reconciler.agent.errors import AgentError, RunRefusedError, SiteUnreachableError
from reconciler.agent.hooks import Hooks, HookTools
from reconciler.agent.machine import Machine
from reconciler.agent.memory import Memory
from reconciler.agent.prefetch import Prefetcher
from reconciler.agent.reminders import reminder_at
from reconciler.agent.runs import Runs
from reconciler.agent.scanner import Scanner
from reconciler.agent.spool import tell_statuses
from reconciler.agent.users import Reply, decide_request, list_pending
from reconciler.agent.waiting import Waiting, find_waiting, tell_waiting
from reconciler.model.errors import ReconcilerError
from reconciler.model.policy import Offer, Policy
from reconciler.model.run_reasons import Refusal, WaitReason

_FACTS_EVERY = timedelta(seconds=55)


class Work:
    """Does what a policy asks for.

    `deliver` tells the site what was told so far, and `is_permitted` asks it for a permit.
    """

    def __init__(
        self,
        machine: Machine,
        deliver: Callable[[], None],
        is_permitted: Callable[[Offer], bool],
    ) -> None:
        self._machine = machine
        self._journal = machine.journal
        self._deliver = deliver
        self._is_permitted = is_permitted
        self._scanner = Scanner(machine)
        tools = HookTools(
            commands=machine.configuration.hooks,
            child=machine.hook_child,
            journal=machine.journal,
            clock=machine.clock,
            stop=machine.stop,
            log=machine.log,
        )
        hooks = Hooks(tools)
        self._runs = Runs(machine, hooks)
        self._policy: Optional[Policy] = None
        self._chains = Chains(machine, hooks, self._scan, self._try_to_deliver)
        self._prefetcher = Prefetcher(machine)
        self._facts_at: Optional[datetime] = None
        self._holder = ""
        self._waiting: list[Waiting] = []
        self.desk = Desk(
            machine.root,
            machine.configuration.user_group,
            self._show_pending,
            machine.stop.wake,
            machine.log,
        )

    @property
    def is_blocked(self) -> bool:
        """Tell whether a run waits for another program, which tells nobody when it ends."""
        return bool(self._holder)

    def forget_facts(self) -> None:
        """Collect the facts anew at the next occasion."""
        self._facts_at = None

    def scan_now(self, policy: Policy) -> bool:
        """Scan against the last catalog slice, and tell whether that worked."""
        self._scanner.collect_facts()
        return self._scanner.scan(policy.scan)

    def do(self, policy: Optional[Policy]) -> bool:
        """Do what is due, and tell whether it worked; raises SiteUnreachableError."""
        self._policy = policy
        self._recover()
        self._answer_users()
        self._report_facts()
        if policy is None:
            return True
        due = scan_due_at(policy, self._journal.memory)
        is_due = due is not None and self._now() >= due
        worked = True
        if is_due or self._find_runnable(policy):
            # Nothing is installed by what an older scan said (G3).
            worked = self._scanner.scan(policy.scan)
        if worked:
            self._run_offers(policy)
        self._chains.look_at_restart(policy)
        self._remind(policy)
        self._prefetcher.fetch(policy)
        return worked

    def _show_pending(self) -> Reply:
        """Say what is pending; the desk's thread asks, and the journal changes as a whole."""
        return list_pending(self._policy, self._journal.memory, self._now())

    def _answer_users(self) -> None:
        for question in self.desk.questions():
            try:
                decided = decide_request(
                    question.request, self._policy, self._journal.memory, self._now()
                )
            except AgentError as error:
                question.answer = Reply(str(error), error.hint)
            else:
                spool = tell_statuses(self._journal.spool, *decided.statuses)
                self._journal.save(memory=decided.memory, spool=spool)
                self._machine.log.info("user decided", ask=question.request.ask)
                question.answer = decided.reply
            question.answered.set()

    def _recover(self) -> None:
        """See a run and a chain end that were begun, and look at what they left."""
        memory = self._journal.memory
        self._machine.signal.show(memory)
        if memory.current is not None:
            self._machine.log.info("a run that was begun is waited for")
            self._runs.wait()
            self._scan()
        if self._policy is not None and memory.chain is not None:
            self._chains.finish(self._policy)
        boot = self._machine.boot.identity()
        self._journal.save(memory=self._journal.memory.on_boot(boot))

    def _run_offers(self, policy: Policy) -> None:
        tried: set[str] = set()
        kept: list[Waiting] = []
        while True:
            offers = self._find_runnable(policy)
            offer = next((offer for offer in offers if offer.advertisement not in tried), None)
            if offer is None:
                break
            tried.add(offer.advertisement)
            kept += self._try_to_run(offer)
        tell_waiting(self._journal, [*self._waiting, *kept], self._now())
        self._chains.finish(policy)
        if any(one.detail for one in kept):
            raise SiteUnreachableError("the site did not give what a run needs")

    def _try_to_run(self, offer: Offer) -> list[Waiting]:
        """Run an offer, or say why it waits; a start by the user needs no permit (S19)."""
        voluntary = is_voluntary(offer, self._journal.memory, self._now())
        reason = WaitReason.PERMIT
        try:
            if offer.needs_permit and not voluntary and not self._is_permitted(offer):
                return [Waiting(offer, WaitReason.PERMIT)]
            reason = WaitReason.CONTENT
            self._run(offer, voluntary=voluntary)
        except SiteUnreachableError as error:
            self._machine.log.warning("run waits for the site", problem=error)
            return [Waiting(offer, reason, str(error))]
        return []

    def _find_runnable(self, policy: Policy) -> tuple[Offer, ...]:
        """Give what may run now, and note what is due and may not.

        Nothing runs while another program works on the packages; past our patience that refuses
        the run.
        """
        now, memory = self._now(), self._journal.memory
        self._waiting = find_waiting(policy, memory, now)
        offers = runnable_offers(policy, memory, now)
        before, self._holder = self._holder, ""
        if offers:
            self._holder = self._machine.packages.describe_holder()
        if not self._holder:
            return offers
        if self._holder != before:
            self._machine.log.info("another program works on the packages", holder=self._holder)
        patient = self._out_of_patience(offers, memory, now)
        self._waiting += [Waiting(offer, WaitReason.LOCKED, self._holder) for offer in patient]
        return ()

    def _out_of_patience(
        self, offers: tuple[Offer, ...], memory: Memory, now: datetime
    ) -> tuple[Offer, ...]:
        """Refuse those that have waited too long, and give the others."""
        patience = self._machine.configuration.lock_patience
        late = []
        for offer in offers:
            wait = memory.waits.get(offer.advertisement)
            if (
                wait is not None
                and wait.reason == WaitReason.LOCKED.value
                and now >= wait.since + patience
            ):
                late.append(offer.advertisement)
                error = RunRefusedError(
                    Refusal.LOCKED, f"{self._holder}, for longer than {patience}"
                )
                self._runs.refuse(offer, error.reason, error)
        return tuple(offer for offer in offers if offer.advertisement not in late)

    def _run(self, offer: Offer, *, voluntary: bool) -> None:
        started = self._runs.start(offer, voluntary=voluntary)
        self._forget_choice(offer)
        if started:
            self._try_to_deliver()
            self._runs.wait()
        self._scan()

    def _forget_choice(self, offer: Offer) -> None:
        """A start by the user is spent by one attempt."""
        memory = self._journal.memory
        choices = {
            name: choice for name, choice in memory.choices.items() if name != offer.advertisement
        }
        self._journal.save(memory=replace(memory, choices=choices))

    def _remind(self, policy: Policy) -> None:
        """Remind the user of what waits for its deadline (G4)."""
        now = self._now()
        for offer in policy.offers:
            memory = self._journal.memory
            due, _ = reminder_at(offer, memory, now)
            if due is None or offer.held or not has_work(offer, memory):
                continue
            reminded = {**memory.reminded, offer.advertisement: now}
            self._journal.save(memory=replace(memory, reminded=reminded))
            self._machine.notices.show(
                f"{len(offer.updates)} update(s) of {offer.rollout} install by themselves at "
                f"{offer.mandatory_at}; `patchwright-agent install-now {offer.advertisement}` "
                "installs them now"
            )

    def _report_facts(self) -> None:
        now = self._now()
        every = self._policy.report_every if self._policy else _FACTS_EVERY
        if self._facts_at is None or now >= self._facts_at + every:
            self._scanner.collect_facts()
            self._facts_at = now

    def _scan(self) -> None:
        """Scan after something has changed; without the site the next pass tries again."""
        if self._policy is None:
            return
        try:
            self._scanner.scan(self._policy.scan)
        except AgentError as error:
            self._machine.log.warning("not scanned", problem=error)

    def _try_to_deliver(self) -> None:
        try:
            self._deliver()
        except ReconcilerError as error:
            self._machine.log.warning("not told yet", problem=error)

    def _now(self) -> datetime:
        return self._machine.clock.now()
