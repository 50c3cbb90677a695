"""An index of captured rpms that dnf reads: repomd.xml and the packages' own elements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from reconciler.model.errors import ContentError
from reconciler.model.ids import sha256_hex
from reconciler.model.objects import RPM_INDEX
from reconciler.model.updates import PackageFile

PRIMARY = "repodata/primary.xml"
_LOCATION = re.compile(r"<location\s[^<>]*/>")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_COMMON = "http://linux.duke.edu/metadata/common"
_RPM = "http://linux.duke.edu/metadata/rpm"
_REPO = "http://linux.duke.edu/metadata/repo"


def index_rpms(files: Mapping[str, PackageFile]) -> dict[str, bytes]:
    """Give the index's files by path, for captured files by name; raises ContentError."""
    elements = "".join(f"{_element(name, file)}\n" for name, file in files.items())
    primary = (
        f'{_HEAD}<metadata xmlns="{_COMMON}" xmlns:rpm="{_RPM}" packages="{len(files)}">\n'
        f"{elements}</metadata>\n"
    ).encode()
    repomd = (
        f'{_HEAD}<repomd xmlns="{_REPO}"><revision>1</revision><data type="primary">'
        f'<checksum type="sha256">{sha256_hex(primary)}</checksum>'
        f'<location href="{PRIMARY}"/><timestamp>1</timestamp><size>{len(primary)}</size>'
        "</data></repomd>\n"
    ).encode()
    return {RPM_INDEX: repomd, PRIMARY: primary}


def _element(name: str, file: PackageFile) -> str:
    text, count = _LOCATION.subn(lambda _: f"<location href={quoteattr(name)}/>", file.control)
    if count != 1:
        raise ContentError(f"the catalog has no element of {name}", hint="read its source again")
    return text
