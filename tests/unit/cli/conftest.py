"""What tests of `patchwright windows` share."""

import json

import pytest

from reconciler.cli.windows import Asked, make_span, show_windows
from tests.unit.cli.timetables import SPRING


@pytest.fixture
def show(tmp_path, capsys):
    folder = tmp_path / "manifests"
    folder.mkdir()

    def run(*documents, name="web", span=SPRING, zone="Europe/Rome", output="json", site=None):
        (folder / "m.yaml").write_text("---\n".join(documents), encoding="utf-8")
        asked = Asked(name, make_span(span[0], span[1], None), folder, site, zone)
        assert show_windows(asked, output) == 0
        text = capsys.readouterr().out
        return json.loads(text) if output == "json" else text.splitlines()

    return run
