"""What stands under a digest has that digest, whatever breaks meanwhile."""

import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta

import pytest

from reconciler.content.depot import Depot
from reconciler.model.errors import ContentError
from reconciler.model.ids import sha256_hex

HELLO = b"hello"
DIGEST = sha256_hex(HELLO)
NOW = timedelta(0)
HOUR = timedelta(hours=1)

DIE_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from reconciler.content.depot import Depot

def chunks():
    yield b"hel"
    os.kill(os.getpid(), signal.SIGKILL)

Depot(Path(sys.argv[1])).put_stream(chunks(), sys.argv[2], 5)
"""


@pytest.fixture
def depot(tmp_path):
    return Depot(tmp_path / "content")


def files_in(tmp_path):
    return [path for path in (tmp_path / "content").rglob("*") if path.is_file()]


@contextmanager
def largest_file(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_put_gives_the_digest_under_which_it_is_kept(depot, tmp_path):
    assert depot.put(HELLO) == DIGEST
    assert depot.read(DIGEST, 5) == HELLO
    assert depot.path_of(DIGEST) == tmp_path / "content" / "sha256" / DIGEST[:2] / DIGEST
    assert files_in(tmp_path) == [depot.path_of(DIGEST)]


def test_put_twice_keeps_one_file(depot, tmp_path):
    depot.put(HELLO)
    depot.put(HELLO)

    assert len(files_in(tmp_path)) == 1


def test_whole_stream_is_kept(depot):
    depot.put_stream(iter([b"hel", b"", b"lo"]), DIGEST, 5)

    assert depot.read(DIGEST, 5) == HELLO


@pytest.mark.parametrize(
    ("chunks", "size", "reason"),
    [
        pytest.param([b"hallo"], 5, "its digest is .*, not 2cf24dba", id="another-digest"),
        pytest.param([b"hel"], 5, "has 3 of the 5 bytes", id="cut-short"),
        pytest.param([b"hello", b"!"], 5, "more than the 5 bytes", id="too-long"),
        pytest.param([b"hello"], 6, "has 5 of the 6 bytes", id="another-size"),
    ],
)
def test_wrong_stream_is_refused_and_leaves_nothing(depot, tmp_path, chunks, size, reason):
    with pytest.raises(ContentError, match=reason):
        depot.put_stream(chunks, DIGEST, size)

    assert files_in(tmp_path) == []


def test_endless_stream_ends_at_the_promised_size(depot):
    with pytest.raises(ContentError, match="more than the 5 bytes"):
        depot.put_stream(iter(lambda: b"x", b""), DIGEST, 5)


@pytest.mark.parametrize("name", ["", "abc", "../../etc/passwd", DIGEST.upper(), DIGEST + "/"])
def test_what_is_no_digest_has_no_file(depot, name):
    assert depot.path_of(name) is None
    assert not depot.holds(name, 5)
    with pytest.raises(ContentError, match="no SHA-256"):
        depot.put_stream([HELLO], name, 5)
    with pytest.raises(ContentError, match="is kept"):
        depot.read(name, 5)


def test_reading_more_than_the_limit_is_refused(depot):
    depot.put(HELLO)

    with pytest.raises(ContentError, match="larger than 4 bytes"):
        depot.read(DIGEST, 4)


def test_spoiled_file_is_noticed_and_healed(depot):
    depot.put(HELLO)
    depot.path_of(DIGEST).write_bytes(b"hallo")

    with pytest.raises(ContentError, match="not what its name says"):
        depot.read(DIGEST, 5)
    depot.put_stream([HELLO], DIGEST, 5)

    assert depot.read(DIGEST, 5) == HELLO


def test_file_cut_short_by_the_disk_is_not_held(depot):
    depot.put(HELLO)
    depot.path_of(DIGEST).write_bytes(b"hel")

    assert not depot.holds(DIGEST, 5)
    depot.put(HELLO)
    assert depot.holds(DIGEST, 5)


def test_collect_removes_only_what_is_old_and_not_kept(depot):
    old, kept, fresh = (depot.put(text) for text in (b"old!", b"kept", b"fresh"))
    for digest in (old, kept):
        os.utime(depot.path_of(digest), (1, 1))

    freed = depot.collect({kept}, HOUR)

    assert freed == 4
    assert depot.path_of(old) is None
    assert depot.path_of(kept) is not None
    assert depot.path_of(fresh) is not None


def test_file_that_is_put_again_counts_as_new(depot):
    """Else it could be collected between this and the moment it is recorded."""
    os.utime(depot.path_of(depot.put(HELLO)), (1, 1))
    depot.put(HELLO)

    assert depot.collect(set(), HOUR) == 0


def test_collecting_an_empty_depot_frees_nothing(depot):
    assert depot.collect(set(), NOW) == 0


@pytest.mark.timeout(10)
def test_kill_half_way_leaves_no_file_under_the_digest(depot, tmp_path):
    command = [sys.executable, "-c", DIE_HALF_WAY, str(tmp_path / "content"), DIGEST]
    done = subprocess.run(command, check=False)

    assert done.returncode == -signal.SIGKILL
    assert depot.path_of(DIGEST) is None
    assert len(files_in(tmp_path)) == 1
    depot.put(HELLO)
    assert depot.collect({DIGEST}, NOW) >= 0
    assert files_in(tmp_path) == [depot.path_of(DIGEST)]


def test_disk_that_takes_no_more_is_told_and_leaves_nothing(depot, tmp_path):
    content = b"x" * 100_000
    with largest_file(1000), pytest.raises(ContentError, match="File too large") as caught:
        depot.put(content)

    assert "disk" in caught.value.hint
    assert files_in(tmp_path) == []


def test_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "content").write_text("")
    depot = Depot(tmp_path / "content")

    with pytest.raises(ContentError, match="content"):
        depot.put(HELLO)
    assert depot.path_of(DIGEST) is None
