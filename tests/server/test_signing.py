import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from reconciler.model.errors import SettingsError
from reconciler.server.signing import Signer

EC = generate_private_key(SECP256R1()).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)


def test_key_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "site.key"
    first = Signer.load_or_make(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert Signer.load_or_make(path).public_key == first.public_key
    assert list(tmp_path.iterdir()) == [path]


def test_missing_key_is_not_made_by_loading(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        Signer.load(tmp_path / "site.key")


def test_key_open_to_others_is_refused(tmp_path):
    Signer.load_or_make(tmp_path / "site.key")
    (tmp_path / "site.key").chmod(0o640)

    with pytest.raises(SettingsError, match="is open to other users") as error:
        Signer.load(tmp_path / "site.key")
    assert "chmod 600" in error.value.hint


@pytest.mark.parametrize(
    ("pem", "problem"),
    [(b"", "not a private key"), (b"\xff" * 99, "not a private key"), (EC, "not an Ed25519 key")],
    ids=["empty", "noise", "other-kind"],
)
def test_file_that_is_no_key_is_refused(tmp_path, pem, problem):
    path = tmp_path / "site.key"
    path.write_bytes(pem)
    path.chmod(0o600)

    with pytest.raises(SettingsError, match=problem):
        Signer.load_or_make(path)


def test_folder_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="cannot be written"):
        Signer.load_or_make(tmp_path / "no" / "site.key")
