"""What the agent knows of its machine (A2): found by itself, or declared by an administrator."""

from __future__ import annotations

import json
import math
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from reconciler.agent.content import free_bytes
from reconciler.agent.errors import AgentError
from reconciler.agent.home import read_bounded
from reconciler.agent.processes import list_stale_processes
from reconciler.model.custom import ABILITIES_FACT, CUSTOM
from reconciler.model.messages import FactValue

VERSION = "0.1.0"
ABILITIES = (CUSTOM,)
"""What a site has to know before it asks for it; agents of before it know none of these."""
DECLARED = Path("etc/patchwright/facts.json")
_SMALL_FILE = 256 * 1024
_MEBIBYTE = 1024 * 1024
_FACT_LIMIT = 500
_FAMILIES = {
    "debian": ("debian", "ubuntu"),
    "rhel": ("rhel", "fedora", "centos", "almalinux", "rocky"),
    "suse": ("suse", "sles", "opensuse", "opensuse-leap"),
}
# Chassis types of the SMBIOS reference.
_PORTABLE = frozenset({8, 9, 10, 11, 14, 30, 31, 32})
_WORKSTATION = frozenset({3, 4, 5, 6, 7, 13, 15, 16, 24, 34, 35, 36})


def collect_facts(root: Path, kernel: str, found: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Give all facts; a declared one (ROOT/etc/patchwright/facts.json) beats one that was found.

    `kernel` is what runs as `uname -r` tells it; `found` are the facts of the package manager.

    Raises AgentError where the declared ones cannot be read.
    """
    return {
        **_system_facts(root),
        **_machine_facts(root),
        **_running_facts(root, kernel),
        **found,
        "agent.version": VERSION,
        ABILITIES_FACT: ABILITIES,
        **read_declared_facts(root / DECLARED),
    }


def read_hostname(root: Path) -> str:
    """Give the machine's own name for itself."""
    return _read(root / "etc/hostname") or (socket.gethostname() if root == Path("/") else "")


def read_declared_facts(path: Path) -> dict[str, FactValue]:
    """Read a flat JSON object of text, numbers, booleans and lists of text; nothing if absent."""
    hint = "write one JSON object of text, numbers, true, false and lists of text"
    try:
        value = json.loads(read_bounded(path, _SMALL_FILE))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AgentError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise AgentError(f"{path} is not JSON: {error}", hint=hint) from error
    if not isinstance(value, dict) or len(value) > _FACT_LIMIT:
        raise AgentError(f"{path} is not an object of at most {_FACT_LIMIT} facts", hint=hint)
    facts: dict[str, FactValue] = {}
    for name, given in value.items():
        fact = _as_fact(given)
        if fact is None:
            raise AgentError(f"the fact {name!r:.80} in {path} has a wrong value", hint=hint)
        facts[name] = fact
    return facts


def read_os_release(root: Path) -> dict[str, str]:
    """Read ROOT/etc/os-release, or what stands for it in usr/lib."""
    text = _read(root / "etc/os-release") or _read(root / "usr/lib/os-release")
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals}


def os_family(root: Path) -> str:
    """Give `debian`, `rhel` or `suse`; nothing for what is none of them."""
    release = read_os_release(root)
    return _family(release.get("ID", ""), release.get("ID_LIKE", "").split())


def _system_facts(root: Path) -> dict[str, FactValue]:
    release = read_os_release(root)
    id_, version = release.get("ID", ""), release.get("VERSION_ID", "")
    family = os_family(root)
    found = {
        "os.family": family,
        "os.id": id_,
        "os.version": version,
        "os.release": _release_name(id_, version, family),
        "os.codename": release.get("VERSION_CODENAME", ""),
        "hostname": read_hostname(root),
        "timezone": _timezone(root),
    }
    return {name: value for name, value in found.items() if value}


def _running_facts(root: Path, kernel: str) -> dict[str, FactValue]:
    stale = list_stale_processes(root)[:_FACT_LIMIT]
    facts: dict[str, FactValue] = {"kernel": kernel} if kernel else {}
    return {**facts, "restart.processes": stale} if stale else facts


def _release_name(id_: str, version: str, family: str) -> str:
    """Name the release as catalogs do: those of the rhel family by their major version alone."""
    shown = version.partition(".")[0] if family == "rhel" else version
    return f"{id_}-{shown}" if shown else id_


def _machine_facts(root: Path) -> dict[str, FactValue]:
    facts: dict[str, FactValue] = {
        "class": _machine_class(root),
        "disk.free.mb": round_down(free_bytes(root) // _MEBIBYTE),
        "cpu.count": os.cpu_count() or 1,
    }
    memory = _memory_mb()
    return {**facts, "memory.mb": memory} if memory is not None else facts


def round_down(amount: int) -> int:
    """Keep the two leading digits, so that a changed fact is news and not noise."""
    step = int(10 ** max(0, math.floor(math.log10(amount)) - 1)) if amount else 1
    return amount - amount % step


def _family(id_: str, like: list[str]) -> str:
    for family, members in _FAMILIES.items():
        if any(name in members for name in (id_, *like)):
            return family
    return ""


def _timezone(root: Path) -> str:
    named = _read(root / "etc/timezone")
    if named:
        return named
    try:
        target = str((root / "etc/localtime").readlink())
    except OSError:
        return ""
    return target.partition("zoneinfo/")[2]


def _machine_class(root: Path) -> str:
    if root == Path("/"):
        chassis = _read(Path("/sys/class/dmi/id/chassis_type"))
        number = int(chassis) if chassis.isascii() and chassis.isdigit() else 0
        if number in _PORTABLE:
            return "portable"
        if number in _WORKSTATION and Path("/usr/share/xsessions").is_dir():
            return "workstation"
    return "server"


def _memory_mb() -> Optional[int]:
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return None


def _as_fact(value: object) -> Optional[FactValue]:
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _read(path: Path) -> str:
    """Give a small text file's content; nothing where there is none to read."""
    try:
        return read_bounded(path, _SMALL_FILE).decode(errors="replace").strip()
    except (OSError, ValueError):
        return ""
