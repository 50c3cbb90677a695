"""What the machine's administrator told dnf to leave alone: version locks, excludes, modules."""

from __future__ import annotations

import configparser
import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from reconciler.agent.errors import RunRefusedError
from reconciler.agent.home import read_bounded
from reconciler.agent.packages import Pin
from reconciler.model.policy import OfferedUpdate
from reconciler.model.run_reasons import Refusal

_LIMIT = 1024 * 1024
_LOCK = re.compile(r"(?P<name>.+)-(?:(?P<epoch>[0-9*]+):)?(?P<rest>[^-]+-[^-]+)")
_CONFIGURATIONS = ("etc/dnf/dnf.conf", "etc/yum.conf")
_LOCKS = Path("etc/dnf/plugins/versionlock.list")
_MODULES = Path("etc/dnf/modules.d")


def refuse_kept(root: Path, pins: Collection[Pin]) -> None:
    """Raise RunRefusedError where a package is locked to other versions, or excluded."""
    locked = sorted({pin[0] for pin in pins if _is_locked(pin, _read_locks(root))})
    if locked:
        raise RunRefusedError(Refusal.HELD, f"versionlock holds {', '.join(locked)}")
    patterns = list(_read_excludes(root))
    excluded = sorted({pin[0] for pin in pins if _is_excluded(pin, patterns)})
    if excluded:
        raise RunRefusedError(Refusal.EXCLUDED, f"dnf.conf excludes {', '.join(excluded)}")


def refuse_disabled(root: Path, updates: Collection[OfferedUpdate], pins: Collection[Pin]) -> None:
    """Raise RunRefusedError where a package's module is disabled, or follows another stream."""
    wanted = {
        module
        for update in updates
        for pin, module in zip(update.packages, update.modules)
        if module and pin in pins
    }
    states = _read_modules(root) if wanted else {}
    for module in sorted(wanted):
        name, _, stream = module.partition(":")
        state, chosen = states.get(name, ("", ""))
        if state == "disabled" or (state == "enabled" and chosen and chosen != stream):
            shown = f"follows the stream {chosen}" if state == "enabled" else "is disabled"
            raise RunRefusedError(
                Refusal.MODULE_DISABLED, f"the module {name} {shown}, not {stream}"
            )


def _is_locked(pin: Pin, locks: Collection[str]) -> bool:
    """A name that has locks may only have versions that one of them fits; `!` forbids one."""
    name, architecture, version = pin
    allowed, has_locks = False, False
    for lock in locks:
        forbids = lock.startswith("!")
        match = _LOCK.fullmatch(lock.lstrip("!"))
        pattern = match["name"] if match else lock.lstrip("!")
        if not fnmatchcase(name, pattern):
            continue
        rest = f"{match['epoch'] or '*'}:{match['rest']}" if match else "*"
        full = version if ":" in version else f"0:{version}"
        fits = any(fnmatchcase(text, rest) for text in (f"{full}.{architecture}", full))
        if forbids and fits:
            return True
        if not forbids:
            has_locks, allowed = True, allowed or fits
    return has_locks and not allowed


def _is_excluded(pin: Pin, patterns: Collection[str]) -> bool:
    name, architecture, version = pin
    plain = version.rpartition(":")[2]
    forms = (name, f"{name}.{architecture}", f"{name}-{plain}", f"{name}-{plain}.{architecture}")
    return any(fnmatchcase(form, pattern) for form in forms for pattern in patterns)


def _read_locks(root: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in _read(root / _LOCKS).splitlines())
    return [line for line in lines if line]


def _read_excludes(root: Path) -> Iterator[str]:
    for place in _CONFIGURATIONS:
        main = _parse(_read(root / place)).get("main", {})
        for field in ("exclude", "excludepkgs"):
            yield from re.split(r"[,\s]+", main.get(field, "").strip())


def _read_modules(root: Path) -> dict[str, tuple[str, str]]:
    """Give state and stream of each module."""
    folder = root / _MODULES
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(folder.glob("*.module")) if folder.is_dir() else ():
        for name, fields in _parse(_read(path)).items():
            found[name] = (fields.get("state", ""), fields.get("stream", ""))
    return found


def _parse(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        # dnf itself will say what is wrong with it.
        return {}
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _read(path: Path) -> str:
    try:
        return read_bounded(path, _LIMIT).decode(errors="replace")
    except (OSError, ValueError):
        return ""
