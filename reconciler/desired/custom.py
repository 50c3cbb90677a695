"""What CustomUpdates are in the catalog, and which of their names exist (E2)."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.custom_update import (
    CommandDetect,
    CustomUpdate,
    CustomUpdateSpec,
    Detect,
    FileDetect,
)
from reconciler.model.codes import Code
from reconciler.model.custom import CustomFile, CustomSteps, Detection
from reconciler.model.problems import Problem
from reconciler.model.updates import SEVERITY_WORDS, Update, UpdateSeverity

CUSTOM_SOURCE = "custom/"
"""The source of updates that git itself holds; no manifest can have a source of that name."""


def custom_updates(state: DesiredState) -> tuple[Update, ...]:
    """Give the CustomUpdates as entries of the catalog, in order of their ids."""
    found = (_update(one) for one in state.custom_updates.values())
    return tuple(sorted(found, key=lambda one: one.id))


def custom_id(placed: Placed[CustomUpdate]) -> str:
    """Give the id by which groups, waivers and removals name it: another version is another."""
    return f"custom:{placed.name}/{placed.document.spec.version}"


def check_removals(state: DesiredState) -> Iterator[Problem]:
    """Tell of updates that nothing can remove: only a CustomUpdate in git says how (I4)."""
    known = {custom_id(one): one.document.spec for one in state.custom_updates.values()}
    for placed in state.removals.values():
        for number, update in enumerate(placed.document.spec.updates):
            why = _why_not_removable(update, known.get(update))
            if why:
                message = f"{update!r:.120} cannot be removed: {why}"
                hint = "downgrade or remove packages by a CustomUpdate that says how"
                at = placed.locate(("spec", "updates", number))
                yield Problem(at, Code.NOT_REMOVABLE.value, message, hint)


def _why_not_removable(update: str, spec: CustomUpdateSpec | None) -> str:
    if spec is not None:
        return "" if spec.uninstall else "its CustomUpdate has no uninstall"
    if update.startswith("custom:"):
        return "no CustomUpdate here has this name and version"
    return "packages of apt and dnf are not taken off again"


def _update(placed: Placed[CustomUpdate]) -> Update:
    spec = placed.document.spec
    return Update(
        id=custom_id(placed),
        source=CUSTOM_SOURCE,
        product=spec.product,
        version=spec.version,
        release=(),
        classification="custom",
        packages=(),
        severity=SEVERITY_WORDS[spec.severity] if spec.severity else UpdateSeverity.UNSET,
        released_at=spec.released,
        title=f"{spec.product} {spec.version}",
        supersedes=spec.supersedes,
        removable=bool(spec.uninstall),
        custom=_steps(placed.name, spec),
    )


def _steps(name: str, spec: CustomUpdateSpec) -> CustomSteps:
    return CustomSteps(
        name=name,
        version=spec.version,
        detection=_detection(spec.detect),
        install=spec.install,
        uninstall=spec.uninstall or (),
        success=spec.success,
        restart=spec.restart,
        max_runtime=spec.max_runtime,
        files=tuple(CustomFile(one.path, one.sha256) for one in spec.content),
    )


def _detection(detect: Detect) -> Detection:
    if isinstance(detect, CommandDetect):
        return Detection(command=detect.command, expect=detect.expect)
    if isinstance(detect, FileDetect):
        return Detection(file=detect.file, sha256=detect.sha256)
    return Detection(package=detect.package, version=detect.version)
