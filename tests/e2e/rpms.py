"""Real rpm packages and repositories, built from descriptions of what is in them."""

import gzip
import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from zstandard import ZstdCompressor

_BUILT_AT = "1700000000"


@dataclass(frozen=True, kw_only=True)
class RpmPackage:
    """One binary package; keys of `scripts` are sections of a spec file, as `post`."""

    name: str
    version: str = "1.0"
    release: str = "1"
    epoch: int = 0
    architecture: str = "noarch"
    source: str = ""
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    module: str = ""

    @property
    def evr(self) -> str:
        shown = f"{self.version}-{self.release}"
        return f"{self.epoch}:{shown}" if self.epoch else shown

    @property
    def pin(self) -> tuple[str, str, str]:
        return self.name, self.architecture, self.evr

    @property
    def stream(self) -> tuple[str, str] | None:
        """The module's name and stream, of a label as `postgresql:15:1:c`."""
        name, _, rest = self.module.partition(":")
        return (name, rest.partition(":")[0]) if self.module else None

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}-{self.release}.{self.architecture}.rpm"


def build_rpm(package: RpmPackage, folder: Path) -> Path:
    """Write the package into the folder and give the path of the file."""
    work = folder / ".build" / package.file_name
    work.mkdir(parents=True, exist_ok=True)
    spec = work / "package.spec"
    spec.write_text(_render_spec(package))
    _run(
        "rpmbuild",
        "-bb",
        "--quiet",
        f"--target={package.architecture}-linux",
        *("--define", f"_topdir {work}"),
        *("--define", f"_rpmdir {folder}"),
        *("--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"),
        *("--define", "_build_id_links none"),
        *("--define", "__spec_install_post %{nil}"),
        str(spec),
    )
    return folder / package.file_name


def _render_spec(package: RpmPackage) -> str:
    tags = {
        "Name": package.name,
        "Version": package.version,
        "Release": package.release,
        "Summary": f"{package.name} of the lab",
        "License": "none",
        "AutoReqProv": "no",
    }
    lines = [f"{name}: {text}" for name, text in tags.items()]
    lines += [f"Epoch: {package.epoch}"] if package.epoch else []
    lines += [f"ModularityLabel: {package.module}"] if package.module else []
    relations = {
        "Requires": package.requires,
        "Provides": package.provides,
        "Obsoletes": package.obsoletes,
        "Conflicts": package.conflicts,
    }
    lines += [f"{name}: {text}" for name, texts in relations.items() for text in texts]
    lines += ["%description", "A package of the lab.", "%install"]
    for path, text in package.files.items():
        target = f"%{{buildroot}}/{path}"
        lines += [f"mkdir -p $(dirname {target})", f"cat > {target} <<'END'", text, "END"]
        lines += [f"chmod 755 {target}"] if text.startswith("#!") else []
    for name, text in package.scripts.items():
        lines += [f"%{name}", text]
    lines += ["%files", *(f"/{path}" for path in package.files)]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class AdvisoryText:
    """One advisory of updateinfo.xml."""

    id: str
    packages: tuple[RpmPackage, ...]
    type: str = "security"
    severity: str = "Important"
    title: str = "An update"
    issued: str = "2025-03-01 10:00:00"
    cves: tuple[str, ...] = ()
    module: tuple[str, str] | None = None

    def render(self) -> str:
        references = "".join(
            f'<reference href="https://cve.example/{cve}" id="{cve}" type="cve"/>'
            for cve in self.cves
        )
        module = ""
        if self.module is not None:
            name, stream = (quoteattr(part) for part in self.module)
            module = f'<module name={name} stream={stream} version="1" context="c" arch="x86_64"/>'
        packages = "".join(
            f'<package name="{one.name}" version="{one.version}" release="{one.release}"'
            f' epoch="{one.epoch}" arch="{one.architecture}"><filename>{one.file_name}'
            "</filename></package>"
            for one in self.packages
        )
        return (
            f'<update from="lab" status="final" type="{self.type}" version="1"><id>{self.id}</id>'
            f'<title>{escape(self.title)}</title><issued date="{self.issued}"/>'
            f"<severity>{self.severity}</severity><references>{references}</references>"
            f'<pkglist><collection short="lab"><name>lab</name>{module}{packages}'
            "</collection></pkglist></update>"
        )


def make_repository(
    folder: Path, *packages: RpmPackage, advisories: tuple[AdvisoryText | str, ...] = ()
) -> Path:
    """Build the packages and index them, with the advisories, as createrepo_c does."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        build_rpm(package, folder)
    _run("createrepo_c", "--quiet", "--excludes=.build/*", "--no-database", str(folder))
    if advisories:
        texts = [one if isinstance(one, str) else one.render() for one in advisories]
        path = folder / "updateinfo.xml"
        path.write_text(f'<?xml version="1.0"?>\n<updates>{"".join(texts)}</updates>\n')
        _run("modifyrepo_c", str(path), str(folder / "repodata"))
        path.unlink()
    return folder


def pack_with_zstd(folder: Path) -> None:
    """Pack the metadata of a repository anew, as createrepo_c does from version 1.0 on."""
    index = folder / "repodata/repomd.xml"
    text = index.read_text()
    for old in sorted((folder / "repodata").glob("*.gz")):
        content = ZstdCompressor().compress(gzip.decompress(old.read_bytes()))
        new = old.with_suffix(".zst")
        new.write_bytes(content)
        digests = [hashlib.sha256(one).hexdigest() for one in (old.read_bytes(), content)]
        text = text.replace(f">{digests[0]}<", f">{digests[1]}<").replace(old.name, new.name)
        text = text.replace(f"<size>{old.stat().st_size}</size>", f"<size>{len(content)}</size>")
        old.unlink()
    index.write_text(text)


def add_modules(folder: Path, text: str) -> None:
    """Add modules metadata to a repository."""
    path = folder / "modules.yaml"
    path.write_text(text)
    _run("modifyrepo_c", "--mdtype=modules", str(path), str(folder / "repodata"))
    path.unlink()


def _run(*command: str) -> str:
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": _BUILT_AT,
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
