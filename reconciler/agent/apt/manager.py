"""apt and dpkg as the machine's package manager."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Optional

from reconciler.agent.apt.dpkg import Dpkg
from reconciler.agent.apt.judging import DPKG_JUDGE, is_restart_marked, read_restart_packages
from reconciler.agent.apt.kernels import waiting_for_kernel
from reconciler.agent.apt.preparation import AptTools, Preparer
from reconciler.agent.apt.programs import Apt, Marks, PrivateRepository
from reconciler.agent.child import Ended
from reconciler.agent.content import Content
from reconciler.agent.errors import CommandError, RunRefusedError
from reconciler.agent.inventory import Inventory, group_by_name, name_packages
from reconciler.agent.log import Log
from reconciler.agent.packages import Command, Findings, Preparation, Settled
from reconciler.agent.process import Runner
from reconciler.agent.redaction import last_lines
from reconciler.agent.surroundings import Surroundings
from reconciler.model.messages import FactValue
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Failure, Refusal
from reconciler.model.updates import CatalogSlice, UpdateState

_MEBIBYTE = 1024 * 1024
_EDITED_FILE = r"^Configuration file '(/[^'\n]{1,300})'.*\n(?: ==> .*\n){0,3}?"
_KEPT_FILE = re.compile(_EDITED_FILE + r" ==> (?:Using current|Keeping) old", re.MULTILINE)
_REPLACED_FILE = re.compile(_EDITED_FILE + r" ==> Using new", re.MULTILINE)


class AptPackages:
    """The packages of one Debian root; `path` is a directory of the agent for its repository."""

    def __init__(
        self, machine: Surroundings, path: Path, content: Content, runner: Runner, log: Log
    ) -> None:
        root, chosen = machine.root, machine.configuration
        repository = PrivateRepository(path)

        def make(options: list[str]) -> Apt:
            return Apt(root, options, chosen.conffiles, runner)

        self._root = root
        self._boot = machine.boot
        self._dpkg = Dpkg(root, chosen.conffiles, runner)
        self._tools = AptTools(
            captured=make(repository.options()),
            pinned=make(repository.pinned_options()),
            own=make(repository.own_options()),
            marks=Marks(root, runner),
            min_free=chosen.min_free_mb * _MEBIBYTE,
        )
        self._preparer = Preparer(root, repository, content, self._tools)
        self._log = log

    def collect_facts(self) -> dict[str, FactValue]:
        """Give the machine's own architecture, as `amd64`."""
        return {"arch": self._dpkg.architecture()}

    def scan(self, catalog: CatalogSlice) -> Findings:
        """Judge by dpkg's order, the marks of packages that want a restart, and the kernel."""
        packages = self._dpkg.list_installed()
        installed = group_by_name(packages)
        restart = read_restart_packages(self._root)
        states = DPKG_JUDGE.judge_updates(catalog, installed, restart)
        for update in waiting_for_kernel(catalog, installed, self._boot.kernel()):
            if states.get(update) is UpdateState.INSTALLED:
                states[update] = UpdateState.PENDING_RESTART
        return Findings(states, name_packages(packages, self._dpkg.architecture()))

    def compare(self, first: str, second: str) -> int:
        """Compare versions in the order of dpkg."""
        return DPKG_JUDGE.compare(first, second)

    def repair(self) -> None:
        """Let dpkg end what it began."""
        if not self._dpkg.was_interrupted():
            return
        self._log.warning("dpkg was interrupted and is let end its work")
        done = self._dpkg.configure_all()
        if done.code != 0:
            self._log.warning("dpkg did not end its work", problem=last_lines(done.errors, 500))

    def prepare(self, offer: Offer, missing: Collection[str]) -> Preparation:
        """Make a private repository of the captured content, and let apt simulate."""
        installed = group_by_name(self._dpkg.list_installed())
        prepared = self._preparer.prepare(offer, missing, installed)
        _refuse_half_way(prepared, installed)
        return prepared

    def install_command(self, preparation: Preparation) -> Command:
        """Say what installs these and what they need, and never removes."""
        apt = self._tools.of(own_sources=preparation.own_sources)
        return Command(tuple(apt.install_command(preparation.pins)), apt.environment)

    def describe_holder(self) -> str:
        """Say which process holds a lock of dpkg."""
        return self._dpkg.describe_holder()

    def settle(self, preparation: Preparation, ended: Ended) -> Settled:
        """Let dpkg end what it began, and put the automatic marks back.

        A run without an exit code succeeded where its packages are all there.
        """
        if ended.code is None:
            self.repair()
        self._restore_marks(preparation)
        code = ended.code
        if code in {0, None} and self._is_done(preparation):
            return Settled(0, detail=_render_edited_files(ended.output))
        return Settled(code, self._failure_of(code, preparation), last_lines(ended.output))

    def wants_restart(self) -> bool:
        """Tell whether some package left Debian's mark."""
        return is_restart_marked(self._root)

    def _is_done(self, preparation: Preparation) -> bool:
        installed = group_by_name(self._dpkg.list_installed())
        return not DPKG_JUDGE.packages_to_install(preparation.pins, installed)

    def _failure_of(self, code: Optional[int], preparation: Preparation) -> Failure:
        """Say why not all is there."""
        if code is None:
            return Failure.INTERRUPTED
        if code == 0:
            return Failure.NOT_INSTALLED
        stuck = self._wants_restart_first(preparation)
        return Failure.RESTART_FIRST if stuck else Failure.EXIT_CODE

    def _wants_restart_first(self, preparation: Preparation) -> bool:
        """Tell whether a package that could not be installed left the mark for a restart."""
        installed = group_by_name(self._dpkg.list_installed())
        missing = DPKG_JUDGE.packages_to_install(preparation.pins, installed)
        return not {name for name, _, _ in missing}.isdisjoint(read_restart_packages(self._root))

    def _restore_marks(self, preparation: Preparation) -> None:
        """Mark again as automatic what apt has turned to manual, because we named it."""
        try:
            now_manual = set(preparation.automatic) - self._tools.marks.list_automatic()
            self._tools.marks.mark_automatic(now_manual)
        except CommandError as error:
            self._log.warning("marks not restored", problem=error)


def _refuse_half_way(prepared: Preparation, installed: Inventory) -> None:
    """Raise RunRefusedError where dpkg cannot end what it began, and the run would not either."""
    named = {name for name, _, _ in prepared.pins}
    broken = sorted(
        name
        for name, found in installed.items()
        if name not in named and not all(one.whole for one in found)
    )
    if prepared.pins and broken:
        raise RunRefusedError(
            Refusal.DPKG_INTERRUPTED,
            f"dpkg left {', '.join(broken[:10])} half-way and cannot end it",
        )


def _render_edited_files(output: str) -> str:
    """Name the edited configuration files that dpkg met, and say what it did with them."""
    told = []
    for pattern, did in ((_KEPT_FILE, "kept"), (_REPLACED_FILE, "replaced")):
        names = ", ".join(sorted(set(pattern.findall(output))))
        if names:
            told.append(f"{did} edited configuration files: {names}")
    return last_lines("; ".join(told))
