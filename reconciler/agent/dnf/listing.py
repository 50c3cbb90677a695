"""What dnf itself would upgrade on this machine, asked without a site and without a trace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.agent.dnf.rpm import Rpm
from reconciler.agent.errors import CommandError
from reconciler.agent.facts import read_os_release
from reconciler.agent.process import Runner, check
from reconciler.agent.upgrades import LocalScan, Upgrade

_ROW = re.compile(r"(\S+)\.([a-z0-9_]+)\s+(\S+)\s+(\S+)", re.ASCII)
_ADVISORY = re.compile(r"\S+\s+\S+\s+(\S+-[^-\s]+-[^-\s]+)\.[a-z0-9_]+", re.ASCII)
_SOME, _NONE = 100, 0


def scan_rpms_locally(root: Path, runner: Runner) -> LocalScan:
    """Refresh private copies of the repositories' metadata and ask what is upgradable.

    Raises CommandError where dnf cannot do that. Nothing on the machine is changed.
    """
    rpm = Rpm(root, runner)
    installed = {one.key: one.package.version for one in rpm.list_records()}
    with TemporaryDirectory(prefix="patchwright-scan-") as name:
        command, environment = _private_dnf(root, Path(name), rpm)
        listed = runner([*command, "--refresh", "check-update"], environment)
        if listed.code not in {_SOME, _NONE}:
            check(listed, "dnf check-update")
        named = runner([*command, "updateinfo", "list", "--updates", "--security"], environment)
        security = parse_advisories(check(named, "dnf updateinfo"))
    upgrades = parse_updates(listed.output, installed, security)
    return LocalScan(upgrades, tuple(listed.errors.splitlines()[:20]))


def parse_updates(
    output: str, installed: Mapping[tuple[str, str], str], security: frozenset[str]
) -> tuple[Upgrade, ...]:
    """Read what `dnf check-update` prints: one package a line, until what it would obsolete."""
    rows = []
    for line in output.partition("\nObsoleting Packages")[0].splitlines():
        match = _ROW.fullmatch(line.strip())
        if match is not None:
            name, architecture, version, repository = match.groups()
            rows.append(
                Upgrade(
                    name=name,
                    architecture=architecture,
                    installed=installed.get((name, architecture), ""),
                    candidate=version,
                    origin="",
                    suite=repository,
                    security=f"{name}-{version.rpartition(':')[2]}" in security,
                )
            )
    return tuple(rows)


def parse_advisories(output: str) -> frozenset[str]:
    """Read `dnf updateinfo list`: name and version of each package that an advisory mends."""
    found = (_ADVISORY.fullmatch(line.strip()) for line in output.splitlines())
    matches = [match[1] for match in found if match is not None]
    plain = (re.sub(r"-[0-9]+:", "-", text) for text in matches)
    return frozenset(plain)


def _private_dnf(root: Path, work: Path, rpm: Rpm) -> tuple[list[str], dict[str, str]]:
    command = ["dnf", "--quiet", "--assumeno", f"--setopt=cachedir={work / 'cache'}"]
    if root == Path("/"):
        return command, {}
    (work / "log").mkdir()
    (work / ".rpmmacros").write_text(f"%_dbpath {rpm.place}\n", encoding="ascii")
    release = read_os_release(root).get("VERSION_ID", "1").partition(".")[0]
    repositories = root / "etc/yum.repos.d"
    if not repositories.is_dir():
        raise CommandError(f"{repositories} is not there: dnf has no repositories to read")
    return [
        *command,
        f"--installroot={root}",
        f"--releasever={release}",
        "--disableplugin=local",
        f"--setopt=reposdir={repositories}",
        f"--setopt=logdir={work / 'log'}",
        f"--setopt=persistdir={work / 'persist'}",
    ], {"HOME": str(work)}
