"""What apt itself would upgrade on this machine, asked without a site and without a trace."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.agent.apt.programs import apt_environment
from reconciler.agent.process import Done, Runner, check
from reconciler.agent.upgrades import LocalScan, Upgrade

_UPGRADABLE = re.compile(
    r"(?P<name>[^/\s]+)/(?P<suites>\S*) (?P<candidate>\S+) (?P<architecture>\S+)"
    r" \[upgradable from: (?P<installed>\S+)\]",
    re.ASCII,
)
_FILE = re.compile(r"\s+-?[0-9]+ (\S.*)", re.ASCII)
_VERSION = re.compile(r"(?: {5}| \*{3} )(\S+) -?[0-9]+(?: .*)?", re.ASCII)
_RELEASE = re.compile(r"\s+release (\S.*)", re.ASCII)
_FIELD = re.compile(r"(?:^|,)([a-z])=([^,]*)", re.ASCII)
_SECURITY_LABELS = frozenset({"debian-security"})
_POLICY_BATCH = 500
# Hooks of the machine's configuration would change more than our private lists.
_HOOKS = ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success", "Post-Invoke-Stats")


@dataclass(frozen=True)
class Source:
    """Where a version comes from, as its archive names itself."""

    origin: str
    suite: str
    label: str = ""

    @property
    def is_security(self) -> bool:
        """Tell whether the archive publishes security fixes there."""
        return self.suite.endswith("-security") or self.label.lower() in _SECURITY_LABELS


def scan_locally(root: Path, runner: Runner) -> LocalScan:
    """Refresh private copies of apt's lists and ask what is upgradable.

    Raises CommandError where apt cannot do that. Nothing on the machine is changed.
    """
    with TemporaryDirectory(prefix="patchwright-scan-") as name:
        asked = _PrivateApt(Path(name), root, runner)
        updated = asked.run("apt-get", "-q", "update")
        check(updated, "apt-get update")
        listed = asked.run("apt", "list", "--upgradable")
        rows = parse_upgradable(check(listed, "apt list"))
        sources = asked.find_sources([f"{row.name}:{row.architecture}" for row in rows])
    warnings = [line for line in updated.errors.splitlines() if line[:2] in {"W:", "E:"}]
    return LocalScan(tuple(_add_source(row, sources) for row in rows), tuple(warnings))


class _PrivateApt:
    """apt with lists and caches of its own, which begin as a copy of the machine's lists."""

    def __init__(self, path: Path, root: Path, runner: Runner) -> None:
        self._environment = apt_environment(root)
        self._runner = runner
        self._configuration = path / "apt.conf"
        # apt gives up its rights to download, and must still reach its directory.
        path.chmod(0o711)
        for name in ("lists/partial", "cache/archives/partial"):
            (path / name).mkdir(parents=True)
        _copy_lists(root / "var/lib/apt/lists", path / "lists")
        self._configuration.write_text(_render_configuration(path), encoding="utf-8")

    def run(self, program: str, *words: str) -> Done:
        return self._runner([program, "-c", str(self._configuration), *words], self._environment)

    def find_sources(self, names: Sequence[str]) -> dict[tuple[str, str], tuple[Source, ...]]:
        """Say where each version of these packages comes from, by name as given and version."""
        files = parse_files(check(self.run("apt-cache", "policy"), "apt-cache policy"))
        found: dict[tuple[str, str], tuple[Source, ...]] = {}
        for start in range(0, len(names), _POLICY_BATCH):
            batch = names[start : start + _POLICY_BATCH]
            output = check(self.run("apt-cache", "policy", *batch), "apt-cache policy")
            found.update(parse_versions(output, files, batch))
        return found


def parse_upgradable(output: str) -> tuple[Upgrade, ...]:
    """Read what `apt list --upgradable` prints; the suite is the first that it names."""
    found = (_UPGRADABLE.fullmatch(line.strip()) for line in output.splitlines())
    return tuple(
        Upgrade(
            name=match["name"],
            architecture=match["architecture"],
            installed=match["installed"],
            candidate=match["candidate"],
            origin="",
            suite=match["suites"].partition(",")[0],
            security=False,
        )
        for match in found
        if match is not None
    )


def parse_files(output: str) -> dict[str, Source]:
    """Read `apt-cache policy` without packages: what each index file says of its archive."""
    files: dict[str, Source] = {}
    name = ""
    for line in output.splitlines():
        if found := _RELEASE.fullmatch(line):
            fields = dict(_FIELD.findall(found[1]))
            suite = fields.get("n") or fields.get("a", "")
            files[name] = Source(fields.get("o", ""), suite, fields.get("l", ""))
        elif found := _FILE.fullmatch(line):
            name = found[1]
    return files


def parse_versions(
    output: str, files: Mapping[str, Source], names: Sequence[str]
) -> dict[tuple[str, str], tuple[Source, ...]]:
    """Read `apt-cache policy NAME…`: the archives of each version, by name as asked for.

    apt leaves the architecture away where it is the machine's own.
    """
    full = {name.partition(":")[0]: name for name in names} | {name: name for name in names}
    found: dict[tuple[str, str], tuple[Source, ...]] = {}
    name, version = "", ""
    for line in output.splitlines():
        if not line.startswith(" ") and line.endswith(":"):
            name = full.get(line[:-1], line[:-1])
        elif match := _VERSION.fullmatch(line):
            version = match[1]
        elif (match := _FILE.fullmatch(line)) and match[1] in files:
            key = (name, version)
            found[key] = (*found.get(key, ()), files[match[1]])
    return found


def _add_source(row: Upgrade, sources: Mapping[tuple[str, str], tuple[Source, ...]]) -> Upgrade:
    found = sources.get((f"{row.name}:{row.architecture}", row.candidate), ())
    if not found:
        return row
    best = next((source for source in found if source.is_security), found[0])
    return replace(row, origin=best.origin, suite=best.suite, security=best.is_security)


def _copy_lists(lists: Path, target: Path) -> None:
    if not lists.is_dir():
        return
    for file in lists.iterdir():
        if file.is_file() and file.name != "lock":
            shutil.copy2(file, target)


def _render_configuration(path: Path) -> str:
    hooks = "".join(f"#clear APT::Update::{hook};\n" for hook in _HOOKS)
    return f"""{hooks}\
Dir::State::lists "{path}/lists";
Dir::Cache "{path}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
