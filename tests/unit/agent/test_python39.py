"""The agent runs on the oldest Python that a supported distribution carries."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PYENV = Path.home() / ".pyenv/versions"
MODULES = sorted(
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for room in ("model", "agent")
    for path in (PROJECT / "reconciler" / room).rglob("*.py")
    if path.name != "__init__.py"
)


def find_python() -> str:
    """Give a python3.9 that starts; a pyenv shim of another version does not."""
    names = [*sorted(map(str, PYENV.glob("3.9.*/bin/python3.9"))), shutil.which("python3.9")]
    for name in filter(None, names):
        if subprocess.run([name, "-c", ""], capture_output=True, check=False).returncode == 0:
            return name
    pytest.skip("python3.9 is absent")


def run_script(*words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [find_python(), "-c", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(20)
def test_every_module_is_imported_without_any_library():
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    run_script(script, *MODULES)


@pytest.mark.timeout(20)
def test_the_codec_reads_every_type_that_the_agent_keeps_or_gets():
    run_script(
        "from reconciler.agent.home import *; from reconciler.model import messages, policy\n"
        "from reconciler.model.codec import _fields\n"
        "state = AgentState(Memory(), Spool(epoch=1))\n"
        "assert decode(AgentState, encode(state)) == state\n"
        "_fields(policy.Policy); _fields(messages.Batch)"
    )
