import pytest

from reconciler.cli.init import init_repository


@pytest.fixture
def repository(tmp_path):
    """A freshly written repository."""
    folder = tmp_path / "updates"
    assert init_repository(folder, git=True) == 0
    return folder
