"""Who vouches for a revision (S24): real keys, real signatures of git."""

import pytest

from reconciler.model.errors import SettingsError, SourceError
from reconciler.source.git import GitSource
from reconciler.source.signers import make_signers
from tests.repositories import Repository
from tests.signing import OpenPgpKey, SshKey

pytestmark = pytest.mark.timeout(60)  # keys are made, and programs of the host run
INES, OMAR = "ines@corp.example", "omar@corp.example"


@pytest.fixture
def keys(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "origin")


@pytest.fixture
def openpgp(keys):
    made = []

    def make(name=OMAR, **changes):
        made.append(OpenPgpKey(keys, name, **changes))
        return made[-1]

    yield make
    for key in made:
        key.close()


@pytest.fixture
def vouching(repository, tmp_path):
    def judge(*, ssh=(), revoked=(), openpgp=(), ref="main"):
        keyring = b"".join(key.exported for key in openpgp)
        pinned = {key.name: key.fingerprint for key in openpgp}
        signers = make_signers(ssh, revoked, pinned, keyring)
        source = GitSource(str(repository.path), ref, "", tmp_path / "work").trusting(signers)
        return source.fetch().vouching

    return judge


def write(repository, text="one"):
    (repository.path / "a.yaml").write_text(text, encoding="utf-8")


def test_commit_signed_by_a_pinned_ssh_key_is_vouched_for(repository, keys, vouching):
    ines = SshKey(keys, INES)
    write(repository)
    repository.signed(ines)

    found = vouching(ssh=[ines.line()])

    assert (found.accepted, found.signer) == (True, INES)


def test_commit_signed_by_a_pinned_openpgp_key_is_vouched_for(repository, openpgp, vouching):
    omar = openpgp()
    write(repository)
    repository.signed(omar)

    assert vouching(openpgp=[omar]).signer == OMAR


def test_unsigned_commit_is_refused(repository, keys, vouching):
    repository.commit(a="one")

    found = vouching(ssh=[SshKey(keys, INES).line()])

    assert (found.accepted, found.refusal) == (False, "it has no signature")


def test_signature_of_another_ssh_key_is_refused(repository, keys, vouching):
    write(repository)
    repository.signed(SshKey(keys, OMAR))

    assert "no key that is pinned" in vouching(ssh=[SshKey(keys, INES).line()]).refusal


def test_openpgp_key_that_is_in_the_file_and_not_pinned_is_refused(repository, openpgp, tmp_path):
    ines, omar = openpgp(INES), openpgp(OMAR)
    write(repository)
    repository.signed(omar)
    signers = make_signers([], [], {INES: ines.fingerprint}, ines.exported + omar.exported)
    source = GitSource(str(repository.path), "main", "", tmp_path / "work").trusting(signers)

    found = source.fetch().vouching

    assert found is not None
    assert "no pinned key" in found.refusal


def test_revoked_ssh_key_is_refused_though_it_signed_before(repository, keys, vouching):
    ines = SshKey(keys, INES)
    write(repository)
    repository.signed(ines)

    found = vouching(ssh=[ines.line()], revoked=[ines.public])

    assert (found.accepted, found.vouched) == (False, "")
    assert "revoked" in found.refusal


def test_revoked_openpgp_key_is_refused(repository, openpgp, vouching):
    omar = openpgp()
    write(repository)
    repository.signed(omar)
    omar.revoke()

    found = vouching(openpgp=[omar])

    assert (found.accepted, found.vouched) == (False, "")
    assert "revoked" in found.refusal


def test_ssh_key_that_expired_since_has_lapsed(repository, keys, vouching):
    ines = SshKey(keys, INES)
    write(repository)
    repository.signed(ines)

    found = vouching(ssh=[ines.line('valid-before="20251001"')])

    assert (found.accepted, found.lapsed, found.vouched) == (False, True, INES)
    assert "expired" in found.refusal


def test_ssh_key_that_had_expired_when_it_signed_is_no_pinned_one(repository, keys, vouching):
    ines = SshKey(keys, INES)
    write(repository)
    repository.signed(ines)

    found = vouching(ssh=[ines.line('valid-before="20250801"')])

    assert (found.accepted, found.lapsed) == (False, False)


def test_openpgp_key_that_expired_since_has_lapsed(repository, openpgp, vouching):
    omar = openpgp(expires="2025-02-01")
    omar.sign_as_of("20250115T000000")
    write(repository)
    repository.signed(omar)

    found = vouching(openpgp=[omar])

    assert (found.accepted, found.lapsed) == (False, True)
    assert found.refusal == f"its signature is of an expired key of {OMAR}"


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_signature_moved_to_another_commit_is_refused(repository, keys, openpgp, vouching, kind):
    key = SshKey(keys, INES) if kind == "ssh" else openpgp()
    write(repository)
    repository.signed(key, "reviewed")
    raw = repository.git("cat-file", "commit", "HEAD")
    path = repository.path / ".git" / "forged"
    path.write_text(raw.replace("reviewed", "not that") + "\n", encoding="utf-8")
    forged = repository.git("hash-object", "-t", "commit", "-w", str(path))
    repository.git("update-ref", "refs/heads/main", forged)

    found = vouching(**{kind: [key.line()] if kind == "ssh" else [key]})

    assert not found.accepted
    assert "does not fit" in found.refusal


def test_two_signatures_in_one_commit_are_refused(repository, keys, vouching):
    ines = SshKey(keys, INES)
    write(repository)
    repository.signed(ines)
    raw = repository.git("cat-file", "commit", "HEAD")
    head, _, message = raw.partition("\n\n")
    signature = head[head.index("gpgsig ") :]
    path = repository.path / ".git" / "forged"
    path.write_text(f"{head}\n{signature}\n\n{message}\n", encoding="utf-8")
    forged = repository.git("hash-object", "-t", "commit", "-w", "--literally", str(path))
    repository.git("update-ref", "refs/heads/main", forged)

    assert "more than one" in vouching(ssh=[ines.line()]).refusal


def test_merge_needs_a_signature_of_its_own(repository, keys, vouching):
    ines = SshKey(keys, INES)
    repository.commit(a="one")
    repository.git("checkout", "--quiet", "-b", "change")
    write(repository, "two")
    repository.signed(ines)
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--message=merge", "change")

    assert vouching(ssh=[ines.line()]).refusal == "it has no signature"


def test_signed_merge_of_unsigned_commits_is_vouched_for(repository, keys, vouching):
    ines = SshKey(keys, INES)
    repository.commit(a="one")
    repository.git("checkout", "--quiet", "-b", "change")
    repository.commit(a="two")
    repository.git("checkout", "--quiet", "main")
    repository.git(*ines.options, "merge", "--quiet", "--no-ff", "-S", "--message=m", "change")

    assert vouching(ssh=[ines.line()]).signer == INES


@pytest.mark.parametrize("ref", ["main", "v1"])
def test_signed_tag_vouches_for_the_unsigned_commit_that_it_names(repository, keys, vouching, ref):
    ines = SshKey(keys, INES)
    repository.commit(a="one")
    repository.git(*ines.options, "tag", "--sign", "--message=release", "v1")

    assert vouching(ref=ref, ssh=[ines.line()]).signer == INES


def test_tag_signed_with_openpgp_vouches_too(repository, openpgp, vouching):
    omar = openpgp()
    repository.commit(a="one")
    repository.git(*omar.options, "tag", "--sign", "--message=release", "v1", **omar.environment)

    assert vouching(openpgp=[omar]).signer == OMAR


def test_signed_tag_of_an_older_commit_vouches_for_that_alone(repository, keys, vouching):
    ines = SshKey(keys, INES)
    repository.commit(a="one")
    repository.git(*ines.options, "tag", "--sign", "--message=release", "v1")
    repository.commit(a="two")

    assert not vouching(ssh=[ines.line()]).accepted


def test_configuration_of_users_and_of_the_repository_counts_for_nothing(
    repository, keys, vouching, monkeypatch, tmp_path
):
    stranger = SshKey(keys, OMAR)
    (tmp_path / "allowed").write_text(stranger.line() + "\n", encoding="utf-8")
    (tmp_path / ".gitconfig").write_text(
        f'[gpg]\n\tprogram = /bin/true\n[gpg "ssh"]\n'
        f"\tprogram = /bin/true\n\tallowedSignersFile = {tmp_path / 'allowed'}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    write(repository)
    repository.signed(stranger)

    assert not vouching(ssh=[SshKey(keys, INES).line()]).accepted


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ines@corp.example",
        "* ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEeU7DI99aAw",
        "a,b ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEeU7DI99aAw",
        "a cert-authority ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEeU7DI99aAw",
        "a ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEeU7DI9\nb ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA",
    ],
)
def test_line_that_pins_more_than_one_key_of_one_name_is_refused(line):
    with pytest.raises(SettingsError, match="no line of a key"):
        make_signers([line], [], {}, b"")


def test_settings_that_pin_nothing_are_refused():
    with pytest.raises(SettingsError, match="names no key"):
        make_signers([], [], {}, b"")


def test_short_fingerprint_is_refused():
    with pytest.raises(SettingsError, match="fingerprint"):
        make_signers([], [], {INES: "DEADBEEF"}, b"")


def test_file_that_is_no_keyring_is_an_error(repository, tmp_path):
    repository.commit(a="one")
    signers = make_signers([], [], {INES: "A" * 40}, b"no keys")
    source = GitSource(str(repository.path), "main", "", tmp_path / "work").trusting(signers)

    with pytest.raises(SourceError, match="no keyring"):
        source.fetch()
