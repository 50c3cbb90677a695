"""Check manifests offline: everything that is wrong, in one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reconciler.cli.output import wants_colours
from reconciler.cli.problem_outputs.form import Form
from reconciler.cli.problem_outputs.rendering import render
from reconciler.cli.problem_outputs.verdict import Verdict, make_verdict
from reconciler.desired.link import link
from reconciler.desired.state import DesiredState, Loaded
from reconciler.desired.unchecked import unchecked_policies
from reconciler.model.codes import Code
from reconciler.model.errors import SourceError
from reconciler.model.problems import Location, Problem, Severity
from reconciler.source.contents import check_contents
from reconciler.source.folder import read_beside, read_folder, read_manifest
from reconciler.source.garbage import collector_paused
from reconciler.source.load import load_manifests

if TYPE_CHECKING:
    from reconciler.cli.catalog_at_hand import CatalogAtHand
    from reconciler.cli.snapshot_file import SnapshotFile

_NOTHING_TO_DO, _ERROR = 0, 1


def validate_paths(
    paths: Sequence[Path],
    *,
    form: Form = Form.TEXT,
    strict: bool = False,
    now: datetime | None = None,
    catalog: Path | SnapshotFile | None = None,
) -> int:
    """Check the documents of all paths as one desired state, print, and give the exit code."""
    at_hand = _load(catalog, paths[0]) if catalog is not None else None
    verdict = judge_paths(paths, now or datetime.now(UTC), strict=strict, catalog=at_hand)
    typer.echo(render(verdict, form, coloured=wants_colours()), nl=False)
    return _NOTHING_TO_DO if verdict.is_valid else _ERROR


def _load(catalog: Path | SnapshotFile, first: Path) -> CatalogAtHand:
    # It may read a site, which needs the program git; a CI image that only validates has none.
    from reconciler.cli.catalog_at_hand import catalog_of_snapshot, load_catalog_at_hand

    if isinstance(catalog, Path):
        return load_catalog_at_hand(catalog)
    folder = first if first.is_dir() else first.parent
    return catalog_of_snapshot(catalog.path, catalog.load_beside(folder))


@collector_paused()
def judge_paths(
    paths: Sequence[Path],
    now: datetime,
    *,
    strict: bool = False,
    catalog: CatalogAtHand | None = None,
) -> Verdict:
    """Load and link what the paths hold; a path that cannot be read is a problem of its own."""
    files: dict[str, bytes] = {}
    unreadable: list[Problem] = []
    for path in paths:
        try:
            files.update(_read(path))
        except SourceError as error:
            at, code = Location(str(path)), Code.UNREADABLE_PATH.value
            unreadable.append(Problem(at, code, str(error), error.hint))
    loaded = load_manifests(files, commit="") if files or not unreadable else Loaded("", (), ())
    unread = tuple(one.at.path for one in unreadable)
    contents = check_contents(loaded.documents, read_beside)
    loaded = replace(
        loaded, unread=(*loaded.unread, *unread), problems=(*loaded.problems, *contents)
    )
    check = partial(catalog.check, now=now) if catalog is not None else _nothing_more
    state, problems = link(loaded, now, check)
    if state is not None and catalog is not None:
        problems = (*problems, *catalog.govern(state, now))
    notes = _unchecked(state, paths, catalog) if state is not None else ()
    found = [*unreadable, *(_placed(problem, paths) for problem in problems), *notes]
    return make_verdict(len(loaded.documents), files, found, strict=strict)


def _placed(problem: Problem, paths: Sequence[Path]) -> Problem:
    """Put what has no file of its own at the first path, so that every problem has a place."""
    return problem if problem.at.path else replace(problem, at=Location(str(paths[0])))


def _read(path: Path) -> Mapping[str, bytes]:
    if path.is_dir():
        return {str(path / name): content for name, content in read_folder(path).items()}
    return read_manifest(path)


def _nothing_more(_: DesiredState) -> Iterable[Problem]:
    return ()


def _unchecked(
    state: DesiredState, paths: Sequence[Path], catalog: CatalogAtHand | None
) -> tuple[Problem, ...]:
    """Say once what only a catalog and a snapshot of the fleet could tell."""
    updates = catalog is None and any(
        placed.document.spec.updates or placed.document.spec.query
        for placed in state.update_groups.values()
    )
    computers = (catalog is None or catalog.fleet is None) and any(
        placed.document.spec.computers or placed.document.spec.query
        for placed in state.collections.values()
    )
    parts = [
        *(["updates against a catalog"] if updates else []),
        *(["computers and facts against a snapshot"] if computers else []),
        *unchecked_policies(
            state, catalog=catalog is not None, fleet=catalog is not None and bool(catalog.fleet)
        ),
    ]
    if not parts or not paths:
        return ()
    message = f"not checked here: {', '.join(parts)}"
    note = Location(str(paths[0]))
    return (Problem(note, Code.NOT_CHECKED.value, message, severity=Severity.NOTE),)
