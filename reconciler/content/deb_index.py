"""An index of captured .debs that apt reads: the packages' own paragraphs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.model.errors import ContentError
from reconciler.model.updates import PackageFile

_FILE_FIELD = re.compile(r"^Filename:[^\n]*$", re.MULTILINE)


def index_debs(files: Mapping[str, PackageFile]) -> bytes:
    """Give a Packages file for captured files by name; raises ContentError."""
    return "".join(f"{_paragraph(name, file)}\n\n" for name, file in files.items()).encode()


def _paragraph(name: str, file: PackageFile) -> str:
    paragraph, count = _FILE_FIELD.subn(f"Filename: ./{name}", file.control.strip())
    if count != 1 or "\n\n" in paragraph:
        raise ContentError(
            f"the catalog has no index paragraph of {name}", hint="read its source again"
        )
    return paragraph
