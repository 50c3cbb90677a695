import json
import os
from datetime import timedelta

import pytest

from reconciler.agent.configuration import PLACE, Conffiles, Configuration, load_configuration
from reconciler.agent.errors import AgentError


@pytest.fixture
def write(tmp_path):
    def write(content, mode=0o644):
        path = tmp_path / PLACE
        path.parent.mkdir(parents=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(mode)
        return tmp_path

    return write


def test_absent_file_means_the_defaults(tmp_path):
    assert load_configuration(tmp_path) == Configuration()


def test_everything_is_read(write):
    root = write(
        {
            "hooks": {"drain": ["/usr/local/bin/drain", "--quietly"]},
            "conffiles": "replace",
            "lockPatience": 30,
            "minFreeMb": 100,
            "userGroup": "users",
            "notify": ["/usr/bin/wall"],
            "restartCommand": ["/sbin/reboot"],
        }
    )
    found = load_configuration(root)

    assert found.hooks == {"drain": ("/usr/local/bin/drain", "--quietly")}
    assert found.conffiles is Conffiles.REPLACE
    assert found.lock_patience == timedelta(seconds=30)
    assert (found.min_free_mb, found.user_group) == (100, "users")
    assert (found.notify, found.restart_command) == (("/usr/bin/wall",), ("/sbin/reboot",))


@pytest.mark.parametrize(
    ("content", "names"),
    [
        pytest.param("{", "is wrong", id="no-json"),
        pytest.param({"hook": {}}, "hook", id="unknown-field"),
        pytest.param({"hooks": {"drain": ["drain"]}}, "absolute", id="relative-program"),
        pytest.param({"hooks": {"drain": []}}, "drain", id="empty-hook"),
        pytest.param({"conffiles": "ask"}, "conffiles", id="unknown-choice"),
        pytest.param({"minFreeMb": -1}, "negative", id="negative"),
        pytest.param("[" * 100_000, "is wrong", id="too-deep"),
        pytest.param(" " * 300_000, "larger", id="too-large"),
    ],
)
def test_wrong_file_is_refused_and_says_why(write, content, names):
    with pytest.raises(AgentError, match=names):
        load_configuration(write(content))


def test_file_that_others_may_write_is_refused(write):
    with pytest.raises(AgentError, match="others than root"):
        load_configuration(write({}, mode=0o666))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_file_of_somebody_else_is_refused(write):
    root = write({})
    os.chown(root / PLACE, 12345, 12345)

    with pytest.raises(AgentError, match="others than root"):
        load_configuration(root)
