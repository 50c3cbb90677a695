"""apt and dpkg as the machine's package manager."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from reconciler.agent.apt.dpkg import Dpkg
from reconciler.agent.apt.judging import DPKG_JUDGE, is_restart_marked, read_restart_packages
from reconciler.agent.apt.preparation import Preparer
from reconciler.agent.apt.programs import Apt, PrivateRepository
from reconciler.agent.child import Ended
from reconciler.agent.content import Content
from reconciler.agent.errors import CommandError
from reconciler.agent.inventory import group_by_name, name_packages
from reconciler.agent.log import Log
from reconciler.agent.packages import INTERRUPTED, Command, Findings, Preparation, Settled
from reconciler.agent.process import Runner
from reconciler.agent.redaction import last_lines
from reconciler.model.messages import FactValue
from reconciler.model.policy import Offer
from reconciler.model.updates import CatalogSlice

_KEPT_FILE = re.compile(
    r"^Configuration file '(/[^'\n]{1,300})'.*\n(?: ==> .*\n){0,3}?"
    r" ==> (?:Using current|Keeping) old",
    re.MULTILINE,
)


class AptPackages:
    """The packages of one Debian root; `path` is a directory of the agent for its repository."""

    def __init__(self, root: Path, path: Path, content: Content, runner: Runner, log: Log) -> None:
        repository = PrivateRepository(path)
        self._root = root
        self._dpkg = Dpkg(root, runner)
        self._apt = Apt(root, repository, runner)
        self._preparer = Preparer(root, self._apt, repository, content)
        self._log = log

    def collect_facts(self) -> dict[str, FactValue]:
        """Give the machine's own architecture, as `amd64`."""
        return {"arch": self._dpkg.architecture()}

    def scan(self, catalog: CatalogSlice) -> Findings:
        """Judge by dpkg's order and the marks of packages that want a restart."""
        packages = self._dpkg.list_installed()
        restart = read_restart_packages(self._root)
        states = DPKG_JUDGE.judge_updates(catalog, group_by_name(packages), restart)
        return Findings(states, name_packages(packages, self._dpkg.architecture()))

    def prepare(self, offer: Offer, missing: Collection[str]) -> Preparation:
        """Make a private repository of the captured content, and let apt simulate."""
        if self._dpkg.has_leftovers():
            self._dpkg.configure_all()
        installed = group_by_name(self._dpkg.list_installed())
        return self._preparer.prepare(offer, missing, installed)

    def install_command(self, preparation: Preparation) -> Command:
        """Say what installs these and what they need, and never removes."""
        words = self._apt.install_command(preparation.pins)
        return Command(tuple(words), self._apt.environment)

    def is_busy(self) -> bool:
        """Tell whether somebody holds a lock of dpkg."""
        return self._dpkg.is_locked()

    def settle(self, preparation: Preparation, ended: Ended) -> Settled:
        """Let dpkg end what it began, and put the automatic marks back.

        A run without an exit code succeeded where its packages are all there.
        """
        if ended.code is None and self._dpkg.was_interrupted():
            self._log.warning("dpkg was interrupted and is let end its work")
            self._dpkg.configure_all()
        self._restore_marks(preparation)
        code = ended.code
        if code is None and self._is_done(preparation):
            code = 0
        if code == 0:
            return Settled(0, detail=_render_kept_files(ended.output))
        reason = INTERRUPTED if code is None else "exitCode"
        return Settled(code, reason, last_lines(ended.output))

    def wants_restart(self) -> bool:
        """Tell whether some package left Debian's mark."""
        return is_restart_marked(self._root)

    def _is_done(self, preparation: Preparation) -> bool:
        installed = group_by_name(self._dpkg.list_installed())
        return not DPKG_JUDGE.packages_to_install(preparation.pins, installed)

    def _restore_marks(self, preparation: Preparation) -> None:
        """Mark again as automatic what apt has turned to manual, because we named it."""
        try:
            now_manual = set(preparation.automatic) - self._apt.list_automatic()
            self._apt.mark_automatic(now_manual)
        except CommandError as error:
            self._log.warning("marks not restored", problem=error)


def _render_kept_files(output: str) -> str:
    """Name the edited configuration files that dpkg met and kept."""
    names = ", ".join(sorted(set(_KEPT_FILE.findall(output))))
    return last_lines(f"kept edited configuration files: {names}") if names else ""
