"""Build the agent as one file that Python runs, as a .deb and as an .rpm.

Run: make agent-packages
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
_VERSION_FILE = PROJECT / "reconciler/agent/facts.py"
_VERSION = re.compile(r'^VERSION = "([^"]+)"$', re.MULTILINE)
# One description of the agent always gives the same bytes.
BUILT_AT = 1_700_000_000
_ZIP_TIME = (2023, 11, 14, 22, 13, 20)
_SHEBANG = b"#!/usr/bin/python3\n"
_MAIN = b"import sys\n\nfrom reconciler.agent.main import main\n\nsys.exit(main())\n"
_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "SOURCE_DATE_EPOCH": str(BUILT_AT),
}


def main() -> int:
    """Write all three below the folder and print their names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", default=read_version(), help="what the agent calls itself")
    options = parser.parse_args()
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    version: str = options.version
    program = build_program(folder / "patchwright-agent.pyz", version)
    with tempfile.TemporaryDirectory(prefix="patchwright-packages-") as name:
        tree = lay_out(Path(name) / "tree", program)
        made = [
            program,
            build_deb(tree, Path(name), folder, version),
            build_rpm(tree, Path(name), folder, version),
        ]
    for path in made:
        sys.stdout.write(f"{path}\n")
    return 0


def read_version() -> str:
    """Give the version that the agent tells of itself."""
    match = _VERSION.search(_VERSION_FILE.read_text(encoding="utf-8"))
    if match is None:
        message = "the agent's version is not where it should be"
        raise SystemExit(message)
    return match[1]


def build_program(target: Path, version: str) -> Path:
    """Write the zipapp: the agent and the model, and nothing else."""
    with target.open("wb") as file:
        file.write(_SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, "__main__.py", _MAIN)
            for path in sources():
                content = path.read_text(encoding="utf-8")
                if path == _VERSION_FILE:
                    content = _VERSION.sub(f'VERSION = "{version}"', content)
                _add(archive, str(path.relative_to(PROJECT)), content.encode())
    target.chmod(0o755)
    return target


def sources() -> Iterator[Path]:
    """Give the files that the agent needs, in a fixed order."""
    package = PROJECT / "reconciler"
    yield package / "__init__.py"
    for room in ("agent", "model"):
        yield from sorted((package / room).rglob("*.py"))


def lay_out(tree: Path, program: Path) -> Path:
    """Put everything where it lies on a machine."""
    for source, place, mode in (
        (program, "usr/bin/patchwright-agent", 0o755),
        (
            HERE / "patchwright-agent.service",
            "usr/lib/systemd/system/patchwright-agent.service",
            0o644,
        ),
        (PROJECT / "LICENSE", "usr/share/doc/patchwright-agent/copyright", 0o644),
    ):
        target = tree / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)
    (tree / "etc/patchwright").mkdir(parents=True)
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (BUILT_AT, BUILT_AT))
    return tree


def build_deb(tree: Path, work: Path, folder: Path, version: str) -> Path:
    """Write the .deb."""
    copy = work / "deb"
    shutil.copytree(tree, copy)
    control = copy / "DEBIAN"
    control.mkdir(mode=0o755)
    for path in sorted((HERE / "deb").iterdir()):
        text = path.read_text(encoding="utf-8").replace("@VERSION@", version)
        (control / path.name).write_text(text, encoding="utf-8")
        (control / path.name).chmod(0o644 if path.name == "control" else 0o755)
    changes = copy / "usr/share/doc/patchwright-agent/changelog.Debian.gz"
    with changes.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        packed.write((PROJECT / "CHANGELOG.md").read_bytes())
    changes.chmod(0o644)
    target = folder / f"patchwright-agent_{version}-1_all.deb"
    run("dpkg-deb", "--root-owner-group", "--build", str(copy), str(target))
    return target


def build_rpm(tree: Path, work: Path, folder: Path, version: str) -> Path:
    """Write the .rpm."""
    spec = work / "patchwright-agent.spec"
    text = (HERE / "patchwright-agent.spec").read_text(encoding="utf-8")
    spec.write_text(text.replace("@VERSION@", version).replace("@TREE@", str(tree)))
    run(
        "rpmbuild",
        "-bb",
        "--quiet",
        "--target=noarch-linux",
        *("--define", f"_topdir {work / 'rpm'}"),
        *("--define", f"_rpmdir {folder}"),
        *("--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"),
        *("--define", "_binary_payload w9.gzdio"),
        *("--define", "__spec_install_post %{nil}"),
        *("--define", "use_source_date_epoch_as_buildtime 1"),
        *("--define", "clamp_mtime_to_source_date_epoch 1"),
        *("--define", "_buildhost patchwright"),
        str(spec),
    )
    return folder / f"patchwright-agent-{version}-1.noarch.rpm"


def run(*command: str) -> None:
    """Run a program of the host to its end; SystemExit says what it did not like."""
    done = subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{command[0]} ended with code {done.returncode}: {done.stderr.strip()[-2000:]}"
        raise SystemExit(message)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=_ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, content)


if __name__ == "__main__":
    sys.exit(main())
