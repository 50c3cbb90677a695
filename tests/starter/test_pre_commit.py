"""pre-commit itself runs the hooks, with the program of this environment in place of a new one."""

import subprocess

import pytest
import yaml

from tests.starter.repository import (
    HOOKS,
    PRE_COMMIT,
    UNTIDY,
    VERSION,
    edit,
    environment,
    read_yaml,
)

SHARED = ("name", "entry", "args", "types_or", "always_run", "pass_filenames")


@pytest.fixture
def run(repository, tmp_path):
    def run_it(*command, cwd=repository):
        more = {
            "HOME": str(tmp_path),
            "PRE_COMMIT_HOME": str(tmp_path / "cache"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "ines",
            "GIT_AUTHOR_EMAIL": "ines@corp.example",
            "GIT_COMMITTER_NAME": "ines",
            "GIT_COMMITTER_EMAIL": "ines@corp.example",
        }
        return subprocess.run(
            command, cwd=cwd, env=environment(**more), capture_output=True, text=True, check=False
        )

    return run_it


def as_system(hook):
    """Leave out only how the program gets there."""
    kept = {key: value for key, value in hook.items() if key != "additional_dependencies"}
    return kept | {"language": "system"}


@pytest.fixture(params=["starter", "published"])
def config(request, run, tmp_path):
    """The starter's own file, or one that names the hooks as the project publishes them."""
    if request.param == "starter":
        content = read_yaml(PRE_COMMIT)
        for one in content["repos"]:
            one["hooks"] = [as_system(hook) for hook in one["hooks"]]
    else:
        hooks = [as_system(hook) for hook in read_yaml(HOOKS)]
        home = tmp_path / "patchwright"
        home.mkdir()
        (home / HOOKS.name).write_text(yaml.safe_dump(hooks), encoding="utf-8")
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Publish hooks"]):
            assert run("git", *command, cwd=home).returncode == 0
        revision = run("git", "rev-parse", "HEAD", cwd=home).stdout.strip()
        ids = [{"id": hook["id"]} for hook in hooks]
        content = {"repos": [{"repo": str(home), "rev": revision, "hooks": ids}]}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def run_hooks(run, config):
    assert run("git", "add", "--all").returncode == 0
    return run("pre-commit", "run", "--all-files", "--config", str(config))


def test_hooks_pass_in_a_fresh_repository(run, config):
    done = run_hooks(run, config)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == len(read_yaml(HOOKS))


def test_hooks_stop_a_broken_manifest(run, config, repository):
    edit(repository / "rollouts/strategies.yaml", "soak: 2d", "soak: 2x")

    done = run_hooks(run, config)

    assert done.returncode == 1
    assert "rollouts/strategies.yaml:" in done.stdout


@pytest.mark.parametrize("config", ["starter"], indirect=True)
def test_deleting_a_file_that_another_needs_is_stopped(run, config, repository):
    (repository / "rollouts/strategies.yaml").unlink()

    assert run_hooks(run, config).returncode == 1


@pytest.mark.parametrize("config", ["starter"], indirect=True)
def test_untidy_manifest_is_tidied_and_the_commit_stopped_once(run, config, repository):
    edit(repository / "rules/budgets.yaml", *UNTIDY)

    assert run_hooks(run, config).returncode == 1
    assert run_hooks(run, config).returncode == 0


@pytest.mark.parametrize(
    ("check", "path"), [("validate-config", PRE_COMMIT), ("validate-manifest", HOOKS)]
)
def test_pre_commit_accepts_the_file(run, check, path):
    done = run("pre-commit", check, str(path))

    assert done.returncode == 0, done.stdout


def test_starter_and_published_hooks_are_the_same():
    published = {hook["id"]: hook for hook in read_yaml(HOOKS)}
    own = {hook["id"]: hook for one in read_yaml(PRE_COMMIT)["repos"] for hook in one["hooks"]}

    assert own.keys() == published.keys()
    for name, hook in own.items():
        assert {key: hook.get(key) for key in SHARED} == {
            key: published[name].get(key) for key in SHARED
        }


def test_starter_hooks_install_this_version():
    hooks = [hook for one in read_yaml(PRE_COMMIT)["repos"] for hook in one["hooks"]]

    assert all(hook["additional_dependencies"] == [f"patchwright=={VERSION}"] for hook in hooks)
