"""Edited manifests: checked, shown as a difference, or written all together."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.cli.output import print_json, print_lines
from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.model.canonical import Json
from reconciler.model.errors import ManifestError, ProposalError
from reconciler.model.problems import Problem
from reconciler.source.editing import Workspace
from reconciler.source.folder import read_folder
from reconciler.source.load import load_manifests

DONE, CHANGES_PENDING = 0, 2
_NEW_FILE, _NEW_FOLDER = 0o666, 0o777


@dataclass(frozen=True, slots=True)
class Edit:
    """The folder that is edited, as of when, and whether the files are written."""

    folder: Path
    now: datetime
    write: bool
    output: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Edited manifests; `text` is Markdown for the pull request."""

    workspace: Workspace
    text: str = ""
    notes: Sequence[str] = ()


def open_workspace(folder: Path) -> Workspace:
    """Read a folder of manifests to edit it; raises SourceError."""
    return Workspace(read_folder(folder))


def link_folder(files: Mapping[str, bytes], now: datetime) -> DesiredState:
    """Link manifests that have to be valid; raises ManifestError."""
    desired, problems = link(load_manifests(files, ""), now)
    if desired is None:
        raise ManifestError(problems)
    return desired


def finish_proposal(proposal: Proposal, edit: Edit) -> int:
    """Check what the edit would make, then show or write it; 2 where it is shown only (S31).

    Raises ProposalError where the manifests would have errors that they do not have now.
    """
    changed = proposal.workspace.changed
    _refuse_new_errors(proposal.workspace, edit.now)
    if edit.write:
        write_all(edit.folder, changed)
    if edit.output == "json":
        print_json(_json(proposal, changed, written=edit.write))
    else:
        print_lines(_lines(proposal, changed, write=edit.write))
    return DONE if edit.write or not changed else CHANGES_PENDING


def _refuse_new_errors(workspace: Workspace, now: datetime) -> None:
    known = {(one.code, one.message) for one in _errors(workspace.before, now)}
    fresh = [one for one in _errors(workspace.files, now) if (one.code, one.message) not in known]
    if fresh:
        told = "; ".join(f"{one.at}: {one.message} [{one.code}]" for one in fresh[:5])
        message = f"the manifests would not be valid afterwards: {told}"
        raise ProposalError(message, hint=fresh[0].hint or "mend that first; nothing was written")


def _errors(files: Mapping[str, bytes], now: datetime) -> list[Problem]:
    _, problems = link(load_manifests(files, ""), now)
    return [one for one in problems if one.is_error]


def write_all(folder: Path, changed: Mapping[str, bytes | None]) -> None:
    """Write every file or none: all is staged beside its place first; raises ProposalError."""
    staged: dict[Path, Path | None] = {}
    replaced: list[tuple[Path, bytes | None]] = []
    try:
        for name, content in changed.items():
            path = folder / name
            staged[path] = _stage(path, content) if content is not None else None
        for path, draft in staged.items():
            before = path.read_bytes() if path.exists() else None
            replaced.append((path, before))
            if draft is None:
                path.unlink()
            else:
                draft.replace(path)
    except BaseException as error:
        _restore(replaced)
        if isinstance(error, OSError):
            message = f"{error.filename or folder} cannot be written: {error.strerror}"
            raise ProposalError(message, hint="nothing was changed") from error
        raise
    finally:
        for draft in staged.values():
            if draft is not None:
                draft.unlink(missing_ok=True)


def _stage(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.lstat().st_mode & 0o7777 if path.exists() else _NEW_FILE & ~_mask()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".patchwright-edit-")
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        os.fchmod(stream.fileno(), mode)
    return Path(name)


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _restore(replaced: Sequence[tuple[Path, bytes | None]]) -> None:
    for path, before in replaced:
        with suppress(OSError):
            if before is None:
                path.unlink(missing_ok=True)
            else:
                _stage(path, before).replace(path)


def _lines(
    proposal: Proposal, changed: Mapping[str, bytes | None], *, write: bool
) -> Iterator[str]:
    yield from (f"note: {note}" for note in proposal.notes)
    if not changed:
        yield "nothing to propose"
        return
    for path, content in changed.items():
        if write:
            yield f"{path}: {'removed' if content is None else 'written'}"
        else:
            yield from _difference(path, proposal.workspace.before.get(path), content)
    if proposal.text:
        yield ""
        yield proposal.text


def _difference(path: str, before: bytes | None, after: bytes | None) -> Iterator[str]:
    old, new = (
        [] if content is None else content.decode("utf-8", "replace").splitlines()
        for content in (before, after)
    )
    names = (
        ("/dev/null" if before is None else f"a/{path}"),
        ("/dev/null" if after is None else f"b/{path}"),
    )
    yield from difflib.unified_diff(old, new, *names, lineterm="")


def _json(proposal: Proposal, changed: Mapping[str, bytes | None], *, written: bool) -> Json:
    files = {
        path: None if content is None else content.decode("utf-8", "replace")
        for path, content in changed.items()
    }
    notes = list(proposal.notes)
    return {"files": files, "text": proposal.text, "notes": notes, "written": written}
