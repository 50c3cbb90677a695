"""Time the core of `validate` on 10,000 documents of all kinds against PyYAML's C loader.

The documents are the complete examples of docs/kinds, each many times under new names and filled
up with labels and annotations to about 2 KB; the same seed gives the same bytes. Both read the
same texts in the same process, in turn, and each counts with its fastest round.
Run: .venv/bin/python benchmarks/validate.py
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import yaml

from reconciler.cli.validate import judge_paths
from reconciler.kinds.registry import KINDS

PAGES = Path(__file__).resolve().parents[1] / "docs" / "kinds"
NOW = datetime(2025, 10, 1, tzinfo=UTC)
SIZE = 2048
PER_FILE = 100
MOST_RATIO, MOST_EXTRA = 2.0, 0.5
_METADATA = re.compile(
    r"^metadata:(?: \{name: (?P<short>[a-z0-9-]+)\}"
    r"|\n  name: (?P<long>[a-z0-9-]+)\n(?:  .*\n)*?(?=\S))",
    re.MULTILINE,
)
# What must be there once only, and what no document may ask of all the others.
_UNIQUE = (
    (r"\bcode: [A-Z0-9]{3}\b", "code: {code}"),
    (r"\bbulletin: \S+", "bulletin: {name}"),
    (r"\btable: \S+", "table: {name}.csv"),
    (r"\bname: ts\.\w+", "name: ts.{name}"),
)
_LENIENT = (
    (r"\n  minApprovers: \d+", ""),
    (r"\bmaxWaiver: \w+", "maxWaiver: 999w"),
    (r"\bfirstPhaseIn: \[", "firstPhaseIn: [all-computers, "),
)
_TABLE = b"collection,computer\nc-{name},a\nc-{name},b\n"


def examples(kind: str) -> tuple[str, list[str]]:
    """Give the complete example of a kind's page, and the documents that it refers to."""
    blocks = re.findall(r"```yaml\n(.*?)```", (PAGES / f"{kind.lower()}.md").read_text(), re.DOTALL)
    documents = [
        part for block in blocks for part in re.split(r"^---\n", block, flags=re.MULTILINE)
    ]
    whole = [_changed(text, _LENIENT) for text in documents if text.startswith("apiVersion:")]
    assert f"\nkind: {kind}\n" in whole[0]
    return whole[0], whole[1:]


def padded(example: str, number: int, draw: random.Random) -> str:
    """Give the example under a new name, filled up to the size, half of it in short labels."""
    name = f"b{number:05d}"
    code = _code(number)
    text = _changed(example, [(old, new.format(code=code, name=name)) for old, new in _UNIQUE])
    missing = SIZE - len(text)
    labels = [f"    {_word(draw)}-{count}: {_word(draw)}" for count in range(missing // 40)]
    words = " ".join(_word(draw) for _ in range(max(missing, 0) // 14))
    lines = ["metadata:", f"  name: {name}", "  labels:", *labels, "  annotations:"]
    return _METADATA.sub("\n".join([*lines, f"    note: {words}", ""]), text, count=1)


def _changed(text: str, changes: Iterable[tuple[str, str]]) -> str:
    for pattern, made in changes:
        text = re.sub(pattern, made, text)
    return text


def _code(number: int) -> str:
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    high, low = divmod(number, 36)
    return digits[high // 36 % 26] + digits[high % 36] + digits[low]


def _word(draw: random.Random) -> str:
    return "".join(draw.choices("abcdefghijklmnoprstuvw", k=draw.randint(4, 9)))


def make_files(count: int, seed: int) -> dict[str, bytes]:
    """Give files of manifests; every kind has the same share."""
    draw = random.Random(seed)  # noqa: S311  # repeatable, not secret
    pages = {kind: examples(kind) for kind in sorted(KINDS)}
    referred: dict[tuple[str, str], str] = {}
    for example, others in pages.values():
        for text in (example, *others):
            found = _METADATA.search(text)
            kind = re.search(r"^kind: (\w+)$", text, re.MULTILINE)
            assert found is not None
            assert kind is not None
            referred.setdefault((kind[1], found["short"] or found["long"]), text)
    made = list(referred.values())
    kinds = list(pages)
    made += [padded(pages[kinds[n % len(kinds)]][0], n, draw) for n in range(count - len(made))]
    files = [made[at : at + PER_FILE] for at in range(0, len(made), PER_FILE)]
    manifests = {f"f{n:04d}.yaml": "---\n".join(texts).encode() for n, texts in enumerate(files)}
    tables = {name for text in made for name in re.findall(r"^  table: (\S+)", text, re.MULTILINE)}
    return manifests | {
        name: _TABLE.replace(b"{name}", name.removesuffix(".csv").encode()) for name in tables
    }


def timed(work: Callable[[], object]) -> float:
    """Give the processor's seconds, which other programs on the machine change least."""
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def read_plainly(texts: list[str]) -> int:
    """Read the same texts as PyYAML alone does."""
    return sum(1 for text in texts for _ in yaml.load_all(text, Loader=yaml.CSafeLoader))


def judge(folder: Path) -> Iterator[str]:
    """Do all that `validate` does but printing, reading the files too; give the errors."""
    problems = judge_paths([folder], NOW).problems
    return (str(problem) for problem in problems if problem.is_error)


def write(files: dict[str, bytes], folder: Path) -> None:
    """Lay the files out as a repository has them."""
    for name, content in files.items():
        (folder / name).write_bytes(content)


def main() -> int:
    """Print the figures as JSON; exit 1 where the bar is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    files = make_files(asked.documents, asked.seed)
    texts = [content.decode() for name, content in files.items() if name.endswith(".yaml")]
    assert read_plainly(texts) == asked.documents
    plain, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        write(files, Path(folder))
        errors = list(judge(Path(folder)))
        assert not errors, errors[:5]
        for _ in range(asked.rounds):
            plain.append(timed(lambda: read_plainly(texts)))
            ours.append(timed(lambda: judge(Path(folder))))
    bar = MOST_RATIO * min(plain) + MOST_EXTRA
    figures = {
        "documents": asked.documents,
        "kinds": len(KINDS),
        "bytes": sum(map(len, texts)),
        "seed": asked.seed,
        "yaml_load_all_seconds": round(min(plain), 3),
        "validate_seconds": round(min(ours), 3),
        "all_rounds": {"yaml": [round(x, 3) for x in plain], "ours": [round(x, 3) for x in ours]},
        "ratio": round(min(ours) / min(plain), 3),
        "bar_seconds": round(bar, 3),
        "within_bar": min(ours) <= bar,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "python": platform.python_version(),
    }
    print(json.dumps(figures, indent=2))
    return 0 if figures["within_bar"] else 1


if __name__ == "__main__":
    sys.exit(main())
