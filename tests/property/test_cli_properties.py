"""Whatever a file holds, the programs answer in every form, and never with a traceback."""

import json
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.fmt import format_paths
from reconciler.cli.problem_outputs.form import Form
from reconciler.cli.problem_outputs.rendering import render
from reconciler.cli.validate import judge_paths
from tests.corpora import NOW, valid_files
from tests.property.test_manifest_properties import documents

SEEDS = [path.read_bytes() for path in valid_files()]


@st.composite
def damaged(draw):
    """Take pieces out of a valid manifest, double them, and put bytes between them."""
    content = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(content)))
        end = draw(st.integers(begin, min(begin + 40, len(content))))
        piece = draw(st.sampled_from([b"", content[begin:end] * 2]) | st.binary(max_size=4))
        content = content[:begin] + piece + content[end:]
    return content


contents = (
    st.binary(max_size=200)
    | st.text(alphabet="abc:-[]{}&*!|>'\"#%@`,? \n\t0", max_size=100).map(str.encode)
    | documents.map(lambda one: yaml.safe_dump(one, allow_unicode=True).encode())
    | damaged()
)


@given(contents)
def test_any_file_is_answered_in_every_form(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.yaml"
        path.write_bytes(content)
        verdict = judge_paths([Path(folder)], NOW)
        formatted = format_paths([path], check=True)

    shown = {form: render(verdict, form) for form in Form}
    assert json.loads(shown[Form.JSON])["valid"] is verdict.is_valid
    assert json.loads(shown[Form.SARIF])
    assert ET.fromstring(shown[Form.JUNIT].encode()).tag == "testsuites"  # noqa: S314  # our own
    assert formatted in {0, 1, 2}
    assert all(one.at.path for one in verdict.problems)
