"""Settings to a wired engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.request import getproxies

from reconciler.app.home import Home
from reconciler.app.settings import Settings
from reconciler.app.signers import load_signers
from reconciler.catalog.readers import make_reader
from reconciler.content.depot import Depot
from reconciler.engine.catalog_sync import MakeReader
from reconciler.engine.desire import Desire, Followed, Watch, judge
from reconciler.engine.governing import govern_by
from reconciler.engine.loop import Loop
from reconciler.engine.passes import Reconciler
from reconciler.engine.policies import PolicyDesk
from reconciler.engine.status import FORCE
from reconciler.engine.workshop import Tools, Workshop
from reconciler.fetch import Fetcher
from reconciler.kinds.catalog_source import CatalogSourceSpec
from reconciler.model.canonical import Json
from reconciler.model.errors import SourceError
from reconciler.planning.world import SiteIdentity
from reconciler.ports import CatalogReader, Checkout, Clock
from reconciler.source.git import GitSource
from reconciler.store import Store


def make_identity(settings: Settings) -> SiteIdentity:
    """The embedded site has one distribution point: itself."""
    return SiteIdentity(settings.name, settings.code, settings.name)


def make_source(home: Home, settings: Settings, ref: str | None = None) -> GitSource:
    """Give the source of desired state, at the settings' ref or another one."""
    source = settings.source
    made = GitSource(source.url, ref or source.ref, source.path, home.mirror)
    if source.verify is None:
        return made
    return made.trusting(load_signers(home.folder, source.verify))


def make_reconciler(settings: Settings, store: Store, clock: Clock, owner: str) -> Reconciler:
    """Wire the part that makes passes."""
    return Reconciler(store, make_identity(settings), clock, owner, settings.source.stale_after)


def make_desk(settings: Settings) -> PolicyDesk:
    """Wire the part that assembles policies."""
    server = settings.server
    return PolicyDesk(settings.name, server.policy_lifetime, server.poll_every)


def make_loop(
    home: Home, settings: Settings, store: Store, clock: Clock, reconciler: Reconciler
) -> tuple[Loop, Watch, Workshop]:
    """Wire the loop with its two threads, neither of them started."""
    woken: list[Loop] = []

    def wake() -> None:
        for loop in woken:
            loop.wake()

    followed = make_followed(home, settings, store)
    watch = Watch(followed, clock, wake, last_in_force(home, settings, store, clock))
    workshop = make_workshop(home, store, clock, wake)
    loop = Loop(store, reconciler, watch, workshop, clock)
    woken.append(loop)
    return loop, watch, workshop


def make_followed(home: Home, settings: Settings, store: Store) -> Followed:
    """Wire the source that the site follows."""
    site = make_identity(settings)
    return Followed(
        make_source(home, settings),
        site,
        settings.source.interval,
        lambda: applied_commit(store),
        govern_by(store, site),
        make_depot(home).put,
    )


def make_workshop(home: Home, store: Store, clock: Clock, wake: Callable[[], None]) -> Workshop:
    """Wire the part that reads update sources and captures content."""
    tools = Tools(make_depot(home), Fetcher(proxies=getproxies()), make_source_reader(home, clock))
    return Workshop(store, tools, clock, wake)


def make_depot(home: Home) -> Depot:
    """Wire the place of captured content."""
    return Depot(home.content)


def make_source_reader(home: Home, clock: Clock) -> MakeReader:
    """Wire the choice of a reader for an update source."""
    fetcher = Fetcher(proxies=getproxies())

    def reader(name: str, spec: CatalogSourceSpec) -> CatalogReader:
        return make_reader(name, spec, fetcher, clock, home.folder)

    return reader


def applied_commit(store: Store) -> str:
    """Give the commit that was carried out last; nothing where none was."""
    return str(_force(store).get("applied", ""))


def last_in_force(home: Home, settings: Settings, store: Store, clock: Clock) -> Desire:
    """Take up the commit that was in force before a restart, if it can still be read (S28).

    The mirror holds it, so that it stays in force also while the repository is away (S29).
    """
    commit = str(_force(store).get("commit", ""))
    if not commit:
        return Desire()
    try:
        checkout = recall_commit(home, settings, commit)
    except SourceError as error:
        return Desire(failure=str(error))
    # What took force is not asked again who signed it, as keys expire; its content is kept.
    checkout = replace(checkout, vouching=None, read=None)
    desired, _ = judge(checkout, make_identity(settings), clock.now())
    return Desire(in_force=desired, attempted="")


def _force(store: Store) -> Json:
    with store.read() as view:
        return view.documents.load(FORCE) or {}


def recall_commit(
    home: Home, settings: Settings, commit: str, applied: str | None = None
) -> Checkout:
    """Give a commit as the mirror holds it, else as the repository does; raises SourceError.

    With the commit that was applied before, even an empty one, it is with what those since grant.
    """
    source = make_source(home, settings, commit)
    if applied is not None:
        return source.fetch(applied)
    try:
        return source.recall()
    except SourceError:
        return source.fetch()
