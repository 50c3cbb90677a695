"""Files within the limit of 4 MiB that ask for as much time and memory as they can.

Each runs in a process of its own, whose peak of memory the kernel measures.
"""

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from reconciler.model.problems import Problem
from reconciler.source.composing import MOST_DOCUMENTS, MOST_NODES
from reconciler.source.documents import LARGEST_FILE, parse_documents

MOST_MEMORY = 1 << 30
# A process that asks for much more is stopped before the machine suffers.
ADDRESS_SPACE = 4 << 30
# Fifteen seconds on a machine of its own; tests share theirs.
MOST_TIME = 60
HEAD = "apiVersion: patchwright.dev/v1alpha1\nkind: Collection\nmetadata: {name: a}\nspec:\n"


def filled(piece: str, head: str = "", tail: str = "") -> str:
    """Repeat a piece until the file is full; `{i}` in it is a number."""
    if "{i}" not in piece:
        count = (LARGEST_FILE - len(head) - len(tail)) // len(piece)
        return head + piece * count + tail
    pieces, size, number = [head], len(head) + len(tail), 0
    while size + len(piece) + 10 < LARGEST_FILE:
        pieces.append(piece.replace("{i}", str(number)))
        size += len(pieces[-1])
        number += 1
    return "".join(pieces) + tail


NAMED = "---\napiVersion: patchwright.dev/v1alpha1\nkind: Collection\nmetadata: {name: "
FILES = {
    "lists": ("[],", "a: [", "]"),
    "deep-lists": ("[" * 60 + "]" * 60 + ",", "a: [", "]"),
    "doubtful-words": ("no,", HEAD + "  computers: [", "]\n"),
    "wrong-types": ("1,", HEAD + "  computers: [", "]\n"),
    "unknown-fields": ("  k{i}: no\n", HEAD, ""),
    "equal-keys": ("a:\n", "", ""),
    "keys-of-nothing": ("? \n", "", ""),
    "anchors": ("  - {a: &x 1}\n", "a:\n", ""),
    "aliases": ("*x,", "a: &x 1\nb: [", "]"),
    "foreign-tags": ("!!python/x a,", "a: [", "]"),
    "non-specific-tags": ("! 1,", HEAD + "  computers: [", "]\n"),
    "tiny-documents": ("---\na\n", "", ""),
    "tiny-mappings": ("---\na: 1\n", "", ""),
    "unknown-kinds": ("---\nkind: Colection{i}\n", "", ""),
    "dangling-names": (NAMED + "a{i}}\nspec: {include: [b{i}]}\n", "", ""),
    "dangling-list": ("a{i},", HEAD + "  include: [", "]\n"),
    "handles": ("--- !c!map\na: !c!str b\n...\n%TAG !c! tag:yaml.org,2002:\n", "", "--- a\n"),
    "comments": ("#\n", HEAD + "  computers: [a]\n", ""),
}


def run(*arguments: str) -> tuple[int, str, str, int]:
    """Give exit code, output, errors, and the peak of memory in bytes."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))

    command = [sys.executable, "-m", "reconciler.cli", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, preexec_fn=bound)  # noqa: PLW1509  # no threads here that hold locks
    timer = threading.Timer(MOST_TIME, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        output, errors = process.stdout.read(), process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    return process.returncode, output, errors, used.ru_maxrss << 10


@pytest.fixture(params=FILES)
def hostile(request, tmp_path) -> Iterator[str]:
    path = tmp_path / "hostile.yaml"
    path.write_text(filled(*FILES[request.param]), encoding="utf-8")
    assert path.stat().st_size <= LARGEST_FILE
    yield str(path)
    path.unlink()


@pytest.mark.timeout(2 * MOST_TIME)
@pytest.mark.parametrize("command", [["validate"], ["fmt", "--check"]], ids=lambda words: words[0])
def test_hostile_file_is_answered_within_bounds(hostile, command):
    code, output, errors, memory = run(*command, hostile)

    assert code in {0, 1, 2}
    assert "Traceback" not in errors
    assert output
    assert memory < MOST_MEMORY


def judged(tmp_path, text: str) -> tuple[list[str], list[str]]:
    """Give the codes of what is told of a file, and the messages of what is not told."""
    path = tmp_path / "large.yaml"
    path.write_text(text, encoding="utf-8")
    _, output, _, _ = run("validate", "-o", "json", str(path))
    problems = json.loads(output)["problems"]
    more = [one["message"] for one in problems if one["code"] == "PW1007"]
    return [one["code"] for one in problems if one["code"] != "PW1007"], more


def test_document_of_too_many_nodes_is_refused(tmp_path):
    most = MOST_NODES - 2
    codes, _ = judged(tmp_path, "a: [" + "b," * most + "]")
    assert codes == ["PW1020"]

    codes, _ = judged(tmp_path, "a: [" + "b," * (most - 1) + "]")
    assert "PW1020" not in codes


def test_file_of_too_many_documents_is_refused():
    *found, last = parse_documents("a.yaml", b"--- a\n" * (MOST_DOCUMENTS + 5))

    assert len(found) == MOST_DOCUMENTS
    assert isinstance(last, Problem)
    assert (last.code, last.at.line) == ("PW1006", MOST_DOCUMENTS + 1)


def test_what_is_not_told_is_counted(tmp_path):
    names = "".join(f"{number}," for number in range(2_500))
    codes, more = judged(tmp_path, f"{HEAD}  computers: [{names}]\n")

    assert codes == ["PW1032"] * 1_000
    assert more == ["and 1,500 more errors in this file: no more than 1,000 are told"]


def test_no_number_of_warnings_hides_an_error(tmp_path):
    codes, more = judged(tmp_path, f"{HEAD}  computers: [{'no,' * 2_500}]\n  owners: 1\n")

    assert codes.count("PW1018") == 1_000
    assert codes.count("PW1032") == 1
    assert more == ["and 1,500 more warnings in this file: no more than 1,000 are told"]


def test_dense_honest_file_passes(tmp_path):
    """As many of the smallest useful documents as fit, in one file."""
    text = filled(NAMED + "web-{i}}\nspec: {computers: [web-{i}, db-{i}], description: x}\n")
    codes, more = judged(tmp_path, text)

    assert set(codes) == {"PW1099"}
    assert more == []


def test_long_honest_list_passes(tmp_path):
    text = filled("    - host-{i}\n", f"{HEAD}  computers:\n")
    codes, more = judged(tmp_path, text)

    assert set(codes) == {"PW1099"}
    assert more == []
