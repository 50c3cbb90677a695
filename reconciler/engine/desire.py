"""Keep the newest valid desired state in force (S28, S29)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

import structlog

from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.engine.governing import BEYOND_COMMIT, Attempt, Govern, no_policies
from reconciler.model.approvals import Vouching
from reconciler.model.codes import NOT_YET_CODES, Code
from reconciler.model.errors import ContentError, SourceError
from reconciler.model.problems import Location, Problem
from reconciler.planning.world import SiteIdentity
from reconciler.ports import Checkout, Clock, Source
from reconciler.source.contents import check_contents
from reconciler.source.load import load_manifests

log = structlog.get_logger(__name__)
Keep = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Desire:
    """What is in force, and what was tried last.

    `attempted` may be a commit that was refused for its `problems`; `in_force` is then an older
    one. `read_at` is when the source last answered whole, `failure` why it did not since.
    """

    in_force: DesiredState | None = None
    attempted: str = ""
    problems: tuple[Problem, ...] = ()
    read_at: datetime | None = None
    failure: str = ""


def _forget(_: bytes) -> None:
    """Keep nothing."""


def refuses(problem: Problem) -> bool:
    """Tell whether a problem keeps a commit from taking force.

    What is valid but not carried out yet does so too: nothing is accepted and ignored.
    """
    return problem.is_error or problem.code in NOT_YET_CODES


def judge(
    checkout: Checkout, site: SiteIdentity, now: datetime, keep: Keep = _forget
) -> tuple[DesiredState | None, tuple[Problem, ...]]:
    """Load and link a commit; without refusals it may take force (S28).

    What no pinned key vouches for is not even read. `keep` takes each file that custom updates
    need; what it raises is raised.
    """
    if checkout.vouching is not None and not checkout.vouching.accepted:
        return None, (_unverified(checkout, checkout.vouching),)
    loaded = load_manifests(checkout.files, checkout.commit)
    loaded = replace(loaded, approvals=checkout.approvals)
    if checkout.read is not None:
        found = check_contents(loaded.documents, checkout.read, keep)
        loaded = replace(loaded, problems=(*loaded.problems, *found))
    desired, problems = link(loaded, now)
    if desired is not None:
        problems = (*problems, *_differing_code(desired, site))
        desired = replace(desired, grants=checkout.grants)
    return (None if any(map(refuses, problems)) else desired), problems


def _unverified(checkout: Checkout, vouching: Vouching) -> Problem:
    at = Location(f"commit {checkout.commit[:12]}")
    hint = "sign it, or a tag of it, with a key that source.verify of the site's settings pins"
    return Problem(at, Code.REVISION_NOT_VERIFIED.value, vouching.refusal, hint)


def _differing_code(desired: DesiredState, site: SiteIdentity) -> Iterator[Problem]:
    """A site keeps the code that its ids begin with (S26)."""
    placed = desired.sites.get(site.name)
    if placed is not None and placed.document.spec.code != site.code:
        yield Problem(
            placed.locate(("spec", "code")),
            Code.SITE_CODE_DIFFERS.value,
            f"site {site.name!r} was made with the code {site.code}",
            hint=f"write code: {site.code}, or make a new site",
        )


@dataclass(frozen=True, slots=True)
class Followed:
    """The source that a site follows, and how often it is read.

    `applied` tells the commit that was applied last; the store knows it. `govern` tells what
    fails a policy on this site's catalog and fleet. `keep` takes the files of custom updates
    before a commit takes force.
    """

    source: Source
    site: SiteIdentity
    interval: timedelta
    applied: Callable[[], str] = str
    govern: Govern = no_policies
    keep: Keep = _forget


class Watch(threading.Thread):
    """Reads the source at every interval, or at once when poked."""

    def __init__(
        self, followed: Followed, clock: Clock, wake: Callable[[], None], initial: Desire
    ) -> None:
        super().__init__(name="source-watch", daemon=True)
        self._followed = followed
        self._clock = clock
        self._wake = wake
        # Signal handlers poke: an event's lock could be held by the thread that they interrupt.
        self._pokes: SimpleQueue[None] = SimpleQueue()
        self._stopped = False
        self._desire = initial

    @property
    def desire(self) -> Desire:
        """The newest word; replaced whole, so that readers need no lock."""
        return self._desire

    def poke(self) -> None:
        """Read at once; safe from any thread and from signal handlers."""
        self._pokes.put(None)

    def stop(self) -> None:
        """End after the read that is under way."""
        self._stopped = True
        self.poke()

    def run(self) -> None:
        while not self._stopped:
            self.read_once()
            with suppress(Empty):
                self._pokes.get(timeout=self._followed.interval.total_seconds())

    def read_once(self) -> None:
        """Take a new commit in, or note why it cannot be."""
        before = self._desire
        self._desire = renew(before, self._followed, self._clock.now())
        if self._desire != before:
            self._wake()


def renew(before: Desire, followed: Followed, now: datetime) -> Desire:
    """Read the source once; a failed read and an invalid commit leave what is in force."""
    try:
        checkout = followed.source.fetch(followed.applied())
    except SourceError as error:
        log.warning("source unreadable", reason=str(error))
        return Desire(
            before.in_force, before.attempted, before.problems, before.read_at, str(error)
        )
    if checkout.commit == before.attempted and not _may_be_over(before.problems):
        return Desire(before.in_force, before.attempted, before.problems, now)
    if checkout.vouching is not None and checkout.vouching.lapsed and _holds(before, checkout):
        # Time alone takes nothing out of force: it was signed while the key was good.
        checkout = replace(checkout, vouching=None)
    try:
        desired, problems = judge(checkout, followed.site, now, followed.keep)
    except (ContentError, SourceError) as error:
        log.warning("content not kept", commit=checkout.commit, reason=str(error))
        return replace(before, failure=str(error))
    if desired is not None and not _holds(before, checkout):
        # What has taken force once is not refused for what became of the fleet since (S28).
        found = followed.govern(Attempt(desired, before.in_force, checkout), now)
        problems = (*problems, *sorted(found))
        desired = None if any(map(refuses, problems)) else desired
    log.info("commit read", commit=checkout.commit, valid=desired is not None)
    return Desire(desired or before.in_force, checkout.commit, problems, now)


def _may_be_over(problems: Iterable[Problem]) -> bool:
    return any(refuses(one) and one.code in BEYOND_COMMIT for one in problems)


def _holds(desire: Desire, checkout: Checkout) -> bool:
    return desire.in_force is not None and desire.in_force.commit == checkout.commit
