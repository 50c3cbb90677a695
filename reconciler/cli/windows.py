"""`patchwright windows`: when a computer or a collection may be changed, across clock changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from reconciler.app.home import Home
from reconciler.app.wiring import make_source
from reconciler.cli.output import print_json, print_lines
from reconciler.cli.windows_form import timetable_json, timetable_lines
from reconciler.desired.link import link
from reconciler.desired.site_zones import zone_of_site
from reconciler.desired.state import DesiredState
from reconciler.engine.observer import Observer
from reconciler.kinds.timezones import find_zone
from reconciler.model.errors import ManifestError, ReconcilerError
from reconciler.model.hints import did_you_mean
from reconciler.model.times import parse_date_or_instant, render_instant
from reconciler.observed.memo import Memo
from reconciler.observed.state import ObservedState
from reconciler.planning.collections import Collections
from reconciler.planning.named_members import is_named_member, named_computers
from reconciler.planning.timetable import WindowedClass, make_timetable
from reconciler.planning.windows import Interval, split_by_windows
from reconciler.source.folder import read_folder
from reconciler.source.load import load_manifests

_LONGEST = timedelta(days=3660)
_USUAL = timedelta(days=31)
_COLLECTION, _COMPUTER = "Collection", "Computer"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose windows, when, and from where; without a zone each computer's own counts."""

    name: str
    span: Interval
    manifests: Path | None
    site: Path | None
    timezone: str | None


@dataclass(frozen=True, slots=True)
class _Subject:
    kind: str
    name: str
    classes: tuple[WindowedClass, ...]
    notes: tuple[str, ...] = ()


def make_span(since: str | None, until: str | None, now: datetime | None) -> Interval:
    """Read both ends; raises ReconcilerError."""
    try:
        begin = parse_date_or_instant(since) if since else now or datetime.now(UTC)
        end = parse_date_or_instant(until) if until else begin + _USUAL
    except ValueError as error:
        raise ReconcilerError(str(error)) from error
    if not begin < end <= begin + _LONGEST:
        hint = "write --from before --until, at most ten years apart"
        raise ReconcilerError("--until is not after --from, or too long after it", hint=hint)
    return begin.replace(microsecond=0), end


def show_windows(asked: Asked, output: str) -> int:
    """Print the timetable of each class of computers that share their windows."""
    desired, observed, site_name = _load(asked)
    zone = _zone(asked.timezone)
    if observed is None:
        subject = _from_manifests(desired, asked.name, zone)
    else:
        subject = _from_site(desired, observed, site_name, asked, zone)
    tables = [make_timetable(desired, one, asked.span) for one in subject.classes]
    if output == "json":
        classes = [timetable_json(table) for table in tables]
        begin, end = (render_instant(moment) for moment in asked.span)
        whole = {"kind": subject.kind, "name": subject.name, "from": begin, "until": end}
        print_json({**whole, "notes": list(subject.notes), "classes": classes})
        return 0
    print_lines(f"note: {note}" for note in subject.notes)
    for table in tables:
        print_lines(timetable_lines(f"{subject.kind}/{subject.name}", table, asked.span))
    return 0


def _zone(name: str | None) -> ZoneInfo | None:
    zone = find_zone(name) if name is not None else None
    if name is not None and zone is None:
        hint = "write an IANA name such as Europe/Rome, or UTC"
        raise ReconcilerError(f"--timezone {name!r:.80} is not known", hint=hint)
    return zone


def _load(asked: Asked) -> tuple[DesiredState, ObservedState | None, str]:
    """Read the manifests, and the fleet where a site is named."""
    home = Home(asked.site) if asked.site is not None else None
    settings = home.settings() if home is not None else None
    if asked.manifests is not None:
        files, commit = read_folder(asked.manifests), ""
    elif home is not None and settings is not None:
        checkout = make_source(home, settings).fetch()
        files, commit = checkout.files, checkout.commit
    else:
        raise ReconcilerError("there are no manifests", hint="give --manifests or --site")
    desired, problems = link(load_manifests(files, commit), datetime.now(UTC))
    if desired is None:
        raise ManifestError(problems)
    if home is None or settings is None:
        return desired, None, ""
    store = home.open_store()
    try:
        return desired, Observer(store).observe(fresh=True), settings.name
    finally:
        store.close()


def _from_manifests(desired: DesiredState, name: str, zone: ZoneInfo | None) -> _Subject:
    """Judge by names alone; what facts would decide is told."""
    kind, bare = _resolve(desired, name, named_computers(desired))
    zone = zone or _site_zone(desired, None)
    if kind == _COLLECTION:
        bearing = _bearing(desired, [bare])
        members = WindowedClass(bearing, frozenset({bare}), zone, _windowless(desired, None))
        hint = "its computers may have windows of other collections too; --site shows them"
        return _Subject(kind, bare, (members,), (hint, *_guessed_site(desired)))
    verdicts = {one: is_named_member(desired, one, bare) for one in desired.collections}
    unsure = sorted(one for one, is_in in verdicts.items() if is_in is None)
    inside = [one for one, is_in in verdicts.items() if is_in]
    notes = (f"facts decide about {', '.join(unsure)}; --site knows them",) if unsure else ()
    windowless = _windowless(desired, None)
    members = WindowedClass(_bearing(desired, inside), frozenset(inside), zone, windowless)
    return _Subject(kind, bare, (members,), (*notes, *_guessed_site(desired)))


def _guessed_site(desired: DesiredState) -> tuple[str, ...]:
    """Say whose zone counts where manifests have several sites."""
    if len(desired.sites) < 2:  # noqa: PLR2004  # one site is no guess
        return ()
    site = _site(desired, None)
    where = f'at site "{site}"' if site is not None else "at no site"
    return (f"computers are taken to be {where}; --site and --timezone say otherwise",)


def _from_site(
    desired: DesiredState,
    observed: ObservedState,
    site_name: str,
    asked: Asked,
    zone: ZoneInfo | None,
) -> _Subject:
    fleet = observed.fleet
    enrolled = frozenset(fleet.names[one] for one in fleet.enrolled)
    kind, bare = _resolve(desired, asked.name, enrolled)
    memo = Memo.of(fleet, asked.span[0])
    collections = Collections(desired, observed, site_name, memo)
    members = collections.members(bare) if kind == _COLLECTION else fleet.named(bare)
    own_zone = _site_zone(desired, site_name)
    classes: list[WindowedClass] = []
    for bearing, found, part in split_by_windows(desired, collections, memo, members, own_zone):
        inside = frozenset(
            one for one in desired.collections if part <= collections.members(one)
        ) | (frozenset({bare}) if kind == _COLLECTION else frozenset())
        windowless = _windowless(desired, site_name)
        classes.append(WindowedClass(bearing, inside, zone or found, windowless, len(part)))
    notes = () if classes else ("no enrolled computer is in it",)
    return _Subject(kind, bare, tuple(classes), notes)


def _resolve(desired: DesiredState, name: str, computers: frozenset[str]) -> tuple[str, str]:
    """Tell a collection from a computer; `Computer/NAME` says which of the two is meant."""
    kind, slash, rest = name.partition("/")
    bare = rest if slash and kind in {_COLLECTION, _COMPUTER} else name
    asked = kind if bare != name else None
    if asked != _COMPUTER and bare in desired.collections:
        return _COLLECTION, bare
    host = bare.rpartition("/")[2].lower()
    if asked != _COLLECTION and host in computers:
        return _COMPUTER, host
    hint = did_you_mean(bare, {*desired.collections, *computers})
    hint = hint or "without --site only computers that a collection names are known"
    raise ReconcilerError(f"no collection and no computer is named {bare!r:.100}", hint=hint)


def _bearing(desired: DesiredState, names: Sequence[str]) -> tuple[str, ...]:
    collections = desired.collections
    return tuple(
        one for one in names if collections[one].document.spec.maintenance_windows is not None
    )


def _site_zone(desired: DesiredState, name: str | None) -> ZoneInfo:
    """Give the zone of the named site, or of the only one that has no other below it."""
    return zone_of_site(desired, _site(desired, name))


def _windowless(desired: DesiredState, name: str | None) -> bool:
    site = _site(desired, name)
    return site is not None and desired.sites[site].document.spec.windowless == "always"


def _site(desired: DesiredState, name: str | None) -> str | None:
    if name is not None:
        return name if name in desired.sites else None
    parents = {one.document.spec.parent for one in desired.sites.values()}
    lowest = [one for one in desired.sites if one not in parents]
    return lowest[0] if len(lowest) == 1 else None
