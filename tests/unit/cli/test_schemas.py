"""`patchwright schemas`: written by a command, never by hand."""

import pytest

from reconciler.cli.schemas import check_schemas, write_schemas
from reconciler.kinds.schema import make_schemas
from reconciler.model.errors import ReconcilerError


def test_written_schemas_are_current(tmp_path, capsys):
    folder = tmp_path / "schemas"

    assert check_schemas(folder) == 3
    assert write_schemas(folder) == 0
    assert {path.name for path in folder.iterdir()} == make_schemas().keys()
    assert check_schemas(folder) == 0
    assert "current" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("drift", ["changed", "missing", "stranger"])
def test_drift_is_told_and_mended(tmp_path, drift):
    write_schemas(tmp_path)
    if drift == "changed":
        (tmp_path / "site.json").write_text("{}", encoding="utf-8")
    elif drift == "missing":
        (tmp_path / "site.json").unlink()
    else:
        (tmp_path / "waiver.json").write_text("{}", encoding="utf-8")

    assert check_schemas(tmp_path) == 3
    write_schemas(tmp_path)
    assert check_schemas(tmp_path) == 0


def test_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(ReconcilerError, match="file"):
        write_schemas(tmp_path / "file")
