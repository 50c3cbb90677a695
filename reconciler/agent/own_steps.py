"""Commands of updates of one's own: their content in a folder, how they start and end (E2)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.captured import fetch_manifest, is_plain, refuse_full
from reconciler.agent.child import PACKAGE_PARENT, Ended
from reconciler.agent.content import Content, digest_of_file
from reconciler.agent.home import PLACE, write_atomically
from reconciler.agent.memory import OwnStep, RunRecord
from reconciler.agent.packages import Command, Settled
from reconciler.agent.redaction import last_lines
from reconciler.model.aims import UNINSTALL
from reconciler.model.custom import Step, content_path
from reconciler.model.errors import ContentError
from reconciler.model.objects import ContentFile
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Failure

_FOLDERS, _MARKERS = "custom", "installed"
_PRIVATE = 0o700


@dataclass(frozen=True)
class OwnSteps:
    """Makes the folders, and says what runs in them; `min_free` bytes stay free on the disk."""

    root: Path
    content: Content
    min_free: int

    def prepare(self, offer: Offer, wanted: Collection[str]) -> tuple[OwnStep, ...]:
        """Bring the content of the wanted updates onto the disk, and believe its digests alone.

        Raises RunRefusedError, ContentError and SiteUnreachableError.
        """
        chosen = [(one.id, one.step) for one in offer.updates if one.step and one.id in wanted]
        if not chosen:
            return ()
        files = fetch_manifest(self.content, offer)
        return tuple(
            OwnStep(
                update, step, self._make_folder(step, files), removes=offer.program == UNINSTALL
            )
            for update, step in chosen
        )

    def command_of(self, step: OwnStep) -> Command:
        """Say what runs the step's command in its folder."""
        words = [sys.executable, "-m", "reconciler.agent.inside", str(self.root), step.folder, "--"]
        return Command((*words, *step.step.command), {"PYTHONPATH": str(PACKAGE_PARENT)})

    def settle(self, step: OwnStep, ended: Ended, *, timed_out: bool) -> Settled:
        """Say how the command ended, by the exit codes that git gave a meaning."""
        said, update = last_lines(ended.output), step.update
        if timed_out:
            detail = f"{update} took longer than {step.step.max_runtime}, and was ended\n{said}"
            return Settled(ended.code, Failure.TIMEOUT, detail)
        if ended.code is None:
            return Settled(None, Failure.INTERRUPTED, f"{update} did not say how it ended\n{said}")
        if ended.code in step.step.success or ended.code in step.step.restart:
            return Settled(ended.code)
        return Settled(ended.code, Failure.EXIT_CODE, f"{update}: {said}")

    def mark(self, step: OwnStep) -> None:
        """Say in a file, which detection can read, that the update is there; or take it away."""
        path = self.root / PLACE / _MARKERS / step.step.name
        if step.removes:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(mode=_PRIVATE, exist_ok=True)
        write_atomically(path, f"{step.step.version}\n".encode())

    def forget(self, record: RunRecord) -> None:
        """Delete the folders of a run that is over; what cannot be deleted is left."""
        for step in record.steps:
            shutil.rmtree(self.root / step.folder.lstrip("/"), ignore_errors=True)

    def _make_folder(self, step: Step, files: Mapping[str, ContentFile]) -> str:
        folder = _folder_of(step)
        path = self.root / folder
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=_PRIVATE, parents=True)
        known = {one.path: _find(files, one.sha256) for one in step.files}
        refuse_full(path, sum(file.size for file in known.values()), self.min_free)
        for name, file in known.items():
            self._place(file, path / name)
        return f"/{folder}"

    def _place(self, file: ContentFile, target: Path) -> None:
        """Copy a file, since a command may write to its own, and look at the copy's digest."""
        target.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        shutil.copyfile(self.content.fetch(file.sha256, file.size), target)
        target.chmod(_PRIVATE)
        if digest_of_file(target) != file.sha256:
            raise ContentError(f"the copy {target} has another digest than {file.sha256}")


def _find(files: Mapping[str, ContentFile], sha256: str) -> ContentFile:
    file = files.get(content_path(sha256))
    if file is None or file.sha256 != sha256:
        raise ContentError(f"the manifest does not hold the content {sha256}")
    return file


def _folder_of(step: Step) -> Path:
    """Name the folder of a step; raises ContentError where a name leads out of its folder."""
    wrong = [one for one in (step.name, *(file.path for file in step.files)) if not is_plain(one)]
    if wrong or "/" in step.name:
        raise ContentError(f"the update {step.name!r:.80} has a wrong path: {wrong!r:.200}")
    return PLACE / _FOLDERS / step.name
