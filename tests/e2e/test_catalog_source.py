"""Signed archives are read whole or refused."""

import gzip
import lzma
import socket
import threading
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from textwrap import wrap

import pytest

from reconciler.catalog.readers import make_reader
from reconciler.demo.signing import SigningKey
from reconciler.fetch import Fetcher
from reconciler.model.errors import CatalogError
from reconciler.model.ids import sha256_hex
from tests.e2e.archives import INDEX, PARAGRAPH, SUITE, FixedClock, HandmadeArchive

pytestmark = pytest.mark.e2e

FETCHER = Fetcher(timeout=timedelta(seconds=0.5), tries=2, pause=timedelta(0))


@dataclass(frozen=True)
class Spec:
    """What a CatalogSource says, with the defaults of its manifest."""

    location: str
    signed_by: str | None
    type: str = "apt"
    suites: tuple[str, ...] = (SUITE,)
    releases: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    classifications: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def key():
    with SigningKey() as made:
        yield made


@pytest.fixture(scope="module")
def keyring(key, tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "archive.gpg"
    key.export(path)
    return path


@pytest.fixture
def archive(tmp_path, key):
    return HandmadeArchive(tmp_path / "archive", key)


@pytest.fixture
def read(archive, keyring):
    def read_updates(location=None, signed_by=keyring, **changes):
        spec = Spec(str(location or archive.folder), str(signed_by), **changes)
        return make_reader("lab", spec, FETCHER, FixedClock(), keyring.parent).read().updates

    return read_updates


def ids_of(updates):
    return [update.id for update in updates]


def pad(archive, paragraph):
    archive.index = gzip.compress((PARAGRAPH + "\n" + paragraph).encode())


def test_inline_signature_is_accepted(archive, read):
    archive.write()

    assert ids_of(read()) == [f"deb:Lab/{SUITE}/app/1.0"]


def test_detached_signature_is_accepted_where_there_is_no_other(archive, read):
    archive.write(inline=False, detached=True)

    assert len(read()) == 1


def test_relative_keyring_lies_in_the_settings_folder(archive, keyring, read):
    archive.write()

    assert len(read(signed_by=keyring.name)) == 1


def test_armored_keyring_is_accepted(archive, keyring, read, tmp_path):
    archive.write()
    body = "\n".join(wrap(b64encode(keyring.read_bytes()).decode(), 64))
    mark = "PGP PUBLIC KEY BLOCK-----"
    (tmp_path / "key.asc").write_text(f"-----BEGIN {mark}\n\n{body}\n=abcd\n-----END {mark}\n")

    assert len(read(signed_by=tmp_path / "key.asc")) == 1


def test_unsigned_suite_is_refused(archive, read):
    archive.write(inline=False)

    with pytest.raises(CatalogError, match=r"Release is not signed: .*Release\.gpg"):
        read()


def test_unsigned_text_as_inline_release_is_refused(archive, read):
    archive.write()
    (archive.suite / "InRelease").write_bytes((archive.suite / "Release").read_bytes())

    with pytest.raises(CatalogError, match="InRelease is no signed message"):
        read()


@pytest.mark.parametrize("form", ["inline", "detached"])
def test_changed_release_is_refused(archive, read, form):
    archive.write(inline=form == "inline", detached=form == "detached")
    path = archive.suite / ("InRelease" if form == "inline" else "Release")
    path.write_text(path.read_text().replace("Origin: Lab", "Origin: Bad"))

    with pytest.raises(CatalogError, match=r"is not signed by a key of .*BAD signature"):
        read()


def test_text_around_the_signed_part_is_refused(archive, read):
    archive.write()
    path = archive.suite / "InRelease"
    signed = path.read_text()

    for text in ("Origin: Bad\n\n" + signed, signed + "\nOrigin: Bad\n", signed + signed):
        path.write_text(text)
        with pytest.raises(CatalogError, match="no signed message"):
            read()


def test_key_that_is_not_in_the_keyring_is_refused(archive, read, tmp_path):
    archive.write()
    with SigningKey() as stranger:
        stranger.export(tmp_path / "other.gpg")

    with pytest.raises(CatalogError, match=r"other\.gpg: .*No public key"):
        read(signed_by=tmp_path / "other.gpg")


def test_absent_keyring_is_told(archive, read, tmp_path):
    archive.write()

    with pytest.raises(CatalogError, match=r"absent\.gpg: No such file"):
        read(signed_by=tmp_path / "absent.gpg")


def test_file_that_is_no_keyring_is_refused(archive, read, tmp_path):
    archive.write()
    (tmp_path / "prose.gpg").write_text("not a key")

    with pytest.raises(CatalogError, match="is not signed by a key of"):
        read(signed_by=tmp_path / "prose.gpg")


def test_expired_release_is_refused(archive, read):
    archive.release["Valid-Until"] = "Sun, 31 Aug 2025 00:00:00 UTC"
    archive.write()

    with pytest.raises(CatalogError, match="was valid until 2025-08-31") as caught:
        read()
    assert "withholds" in caught.value.hint


def test_index_with_another_digest_is_refused(archive, read):
    archive.write()
    (archive.suite / INDEX).write_bytes(archive.index[:-1] + b"x")

    with pytest.raises(CatalogError, match=r"Packages\.gz is not the file"):
        read()


def test_index_cut_short_is_refused(archive, read):
    archive.write()
    (archive.suite / INDEX).write_bytes(archive.index[:-9])

    with pytest.raises(CatalogError, match=r"Packages\.gz is not the file"):
        read()


def test_missing_index_is_refused(archive, read):
    archive.write()
    (archive.suite / INDEX).unlink()

    with pytest.raises(CatalogError, match=r"Packages\.gz: No such file.*signed Release lists it"):
        read()


def test_one_missing_suite_refuses_them_all(archive, read):
    archive.write()

    with pytest.raises(CatalogError, match=r"absent/Release: No such file.*there is no InRelease"):
        read(suites=(SUITE, "absent"))


def test_index_that_unpacks_to_more_than_promised_is_refused(archive, read):
    archive.index = gzip.compress(bytes(50_000_000))
    archive.listed = {INDEX.removesuffix(".gz"): ("a" * 64, 1000)}
    archive.write()

    with pytest.raises(CatalogError, match=r"Packages\.gz: .*more than the 1000 bytes"):
        read()


def test_signed_index_that_is_no_index_is_refused(archive, read):
    pad(archive, "Package: b\n")
    archive.write()

    with pytest.raises(CatalogError, match=r"Packages\.gz: the paragraph of 'b' has no Version"):
        read()


def test_index_in_another_encoding_is_refused(archive, read):
    archive.index = gzip.compress("Package: é\n".encode("latin-1"))
    archive.write()

    with pytest.raises(CatalogError, match=r"Packages\.gz: 'utf-8' codec"):
        read()


def test_silent_mirror_ends_in_time(read):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        with pytest.raises(CatalogError, match="InRelease: timed out"):
            read(url)


def test_index_is_read_by_its_digest_while_the_mirror_changes(archive, read):
    archive.release["Acquire-By-Hash"] = "yes"
    archive.write()
    by_hash = (archive.suite / INDEX).parent / "by-hash" / "SHA256"
    by_hash.mkdir(parents=True)
    (archive.suite / INDEX).rename(by_hash / sha256_hex(archive.index))

    assert len(read()) == 1


def test_mirror_without_digest_folders_is_read_by_name(archive, read):
    archive.release["Acquire-By-Hash"] = "yes"
    archive.write()

    assert len(read()) == 1


def test_suite_published_between_two_reads_is_read_again(archive, read, monkeypatch):
    """The Release is read anew when an index turns out to be newer than it."""
    archive.write()
    old = archive.suite / "InRelease"
    stale = old.read_bytes()
    pad(archive, PARAGRAPH.replace("1.0", "1.1"))
    archive.write()
    fresh = old.read_bytes()
    served = [stale, fresh]

    class Mirror(Fetcher):
        def read(self, url, limit):
            return served.pop(0) if url.endswith("InRelease") else super().read(url, limit)

    monkeypatch.setattr("tests.e2e.test_catalog_source.FETCHER", Mirror())

    assert len(read()) == 2


def test_two_readers_at_once_do_not_disturb_each_other(archive, read):
    archive.write()
    found = []
    threads = [threading.Thread(target=lambda: found.append(ids_of(read()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [[f"deb:Lab/{SUITE}/app/1.0"]] * 4


def test_classifications_narrow_the_read(archive, read):
    archive.write()

    assert read(classifications=("update",)) == ()
    assert len(read(classifications=("security", "update"))) == 1


def test_other_forms_of_the_index_are_read(archive, read):
    """The smallest is taken, and what a larger form would say does not matter."""
    plain = lzma.compress(PARAGRAPH.encode())
    path = INDEX.removesuffix("gz") + "xz"
    archive.listed = {path: (sha256_hex(plain), len(plain))}
    archive.index = b"broken"
    archive.write()
    (archive.suite / path).write_bytes(plain)

    assert len(read()) == 1


def test_source_without_suites_is_refused(read):
    with pytest.raises(CatalogError, match="names no suites"):
        read(suites=())
