"""What is installed from a wheel writes the same repository as a checkout does."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

from tests.starter.repository import ROOT

PARTS = ("reconciler", "manifests", "schemas", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta as b; print(b.build_{}(sys.argv[1]))"


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(form, project, target):
    printed = run(sys.executable, "-c", BUILD.format(form), str(target), cwd=project)
    return target / printed.splitlines()[-1]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program in a new environment, from a wheel that was built from a source archive."""
    folder = tmp_path_factory.mktemp("wheel")
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in PARTS:
        run("cp", "--recursive", "--no-dereference", str(ROOT / name), str(checkout))
    with tarfile.open(build("sdist", checkout, folder)) as archive:
        archive.extractall(folder / "sdist", filter="data")
    [project] = (folder / "sdist").iterdir()
    wheel = build("wheel", project, folder)
    shutil.rmtree(checkout)
    venv.create(folder / "venv", with_pip=False)
    python = str(folder / "venv/bin/python")
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
        "--no-deps", str(wheel),
    )  # fmt: skip
    return folder / "venv/bin/patchwright"


def installed(program, *arguments, cwd):
    # Our dependencies only: a path in this variable is not searched for editable projects.
    environment = {"PYTHONPATH": sysconfig.get_path("purelib"), "PATH": os.environ["PATH"]}
    return run(str(program), *arguments, cwd=cwd, env=environment)


def files_of(folder):
    return {
        str(Path(above, name).relative_to(folder)): Path(above, name).read_bytes()
        for above, _, names in os.walk(folder, followlinks=True)
        for name in names
    }


def test_installed_program_is_not_the_checkout(program, tmp_path):
    code = "import reconciler; print(reconciler.__file__)"
    python = str(program.parent / "python")

    found = installed(python, "-c", code, cwd=tmp_path)

    assert found.startswith(str(program.parents[1]))


def test_wheel_writes_what_stands_in_manifests(program, tmp_path):
    installed(program, "init", "updates", cwd=tmp_path)

    assert files_of(tmp_path / "updates") == files_of(ROOT / "manifests")


def test_wheel_accepts_what_it_writes(program, tmp_path):
    installed(program, "init", "updates", cwd=tmp_path)

    for command in (["validate"], ["fmt", "--check"]):
        installed(program, *command, "updates", cwd=tmp_path)


def test_wheel_holds_the_manifests_of_the_demo(program):
    [demo] = program.parents[1].glob("lib/python*/site-packages/reconciler/demo/manifests")

    assert files_of(demo) == files_of(ROOT / "reconciler/demo/manifests")
