"""`patchwright init`: everything is written, or nothing."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from git import Repo

from reconciler.cli.init import init_repository
from reconciler.model.errors import ReconcilerError

MANIFESTS = Path(__file__).resolve().parents[3] / "manifests"
# The largest file of all is a schema; not even that may be cut.
TOO_SMALL = 64 << 10


def contents(folder):
    """Give every file by its path, links followed as `init` does."""
    paths = (path for path in folder.glob("**/*") if ".git" not in path.parts)
    found = {str(path.relative_to(folder)): path for path in paths if path.is_file()}
    schemas = {f".schemas/{path.name}": path for path in (folder / ".schemas").iterdir()}
    return {name: path.read_bytes() for name, path in (found | schemas).items()}


def init_in_process(folder, *options, limit=None, **environment):
    """Run the command by itself, so that it may run into limits of its own."""

    def set_limit():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "reconciler.cli", "init", str(folder), *options],
        env={"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        cwd=MANIFESTS.parent,
        preexec_fn=set_limit,  # this process has no threads
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_stands_in_manifests_is_written(tmp_path, capsys):
    assert init_repository(tmp_path / "updates", git=False) == 0

    written = contents(tmp_path / "updates")
    assert written == contents(MANIFESTS)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{len(written)} files written to {tmp_path}/updates"
    assert told[1] == f"next: patchwright validate {tmp_path}/updates"


def test_no_link_is_written(tmp_path):
    init_repository(tmp_path / "updates", git=False)

    assert [path for path in (tmp_path / "updates").rglob("*") if path.is_symlink()] == []


@pytest.mark.parametrize("name", ["README.md", ".hidden"])
def test_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine", encoding="utf-8")

    with pytest.raises(ReconcilerError, match=f"is not empty: it holds '{name}'") as error:
        init_repository(tmp_path, git=True)

    assert "empty folder" in error.value.hint
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_empty_folder_is_filled_in_place(tmp_path):
    before = tmp_path.stat().st_ino

    init_repository(tmp_path, git=False)

    assert tmp_path.stat().st_ino == before
    assert contents(tmp_path) == contents(MANIFESTS)


def test_git_repository_is_made_only_when_asked_for(tmp_path):
    init_repository(tmp_path / "without", git=False)
    init_repository(tmp_path / "with", git=True)

    assert not (tmp_path / "without/.git").exists()
    with Repo(tmp_path / "with") as made:
        assert made.head.reference.name == "main"
        assert "site.yaml" in made.untracked_files


def test_clone_of_an_empty_repository_is_filled_and_stays_what_it_is(tmp_path):
    with Repo.init(tmp_path, initial_branch="trunk") as clone:
        init_repository(tmp_path, git=True)

        assert clone.head.reference.name == "trunk"
        assert "site.yaml" in clone.untracked_files


def test_file_in_the_folders_place_is_told(tmp_path):
    (tmp_path / "updates").write_text("", encoding="utf-8")

    with pytest.raises(ReconcilerError, match="updates cannot be written: File exists"):
        init_repository(tmp_path / "updates", git=False)


def test_failure_leaves_no_new_folder(tmp_path):
    done = init_in_process(tmp_path / "updates", limit=TOO_SMALL)

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "cannot be written: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_failure_leaves_an_empty_folder_empty(tmp_path):
    assert init_in_process(tmp_path, limit=TOO_SMALL).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_git_is_told_and_nothing_is_written(tmp_path):
    done = init_in_process(tmp_path / "updates", "--git", PATH="/nonexistent")

    assert done.returncode == 1
    assert done.stderr.startswith("error: git is not installed")
    assert list(tmp_path.iterdir()) == []


def test_git_is_not_needed_without_being_asked_for(tmp_path):
    assert init_in_process(tmp_path / "updates", PATH="/nonexistent").returncode == 0
