"""Every invalid manifest is told with code, place and words, and with nothing else."""

import pytest

from reconciler.model.codes import CODES, NOT_YET_CODES
from tests.corpora import expected_in, invalid_files, judged_file, told, valid_files

# What a file of the corpus cannot be: absent, too large, or no text.
ELSEWHERE = {"PW1001", "PW1003", "PW1004", "PW1005", "PW1015", "PW1098", "PW1099"}
# What only a large file can be; see tests/hostile.
ELSEWHERE |= {"PW1006", "PW1007", "PW1020"}
# What only the files beside a manifest tell; see test_contents.
ELSEWHERE |= {"PW1145", "PW1146", "PW1147"}
# What only a catalog tells.
ELSEWHERE |= {"PW1127", "PW1130", "PW1131"}
# What only a fleet tells.
ELSEWHERE |= {"PW1128", "PW1129", "PW1132", "PW1133"}


@pytest.mark.parametrize("path", invalid_files(), ids=lambda path: path.stem)
def test_invalid_manifest_is_told_exactly(path):
    """What is not carried out yet is told in manifests about just that."""
    expected = expected_in(path.read_text(encoding="utf-8"))
    about = {path.stem.partition("-")[0].upper()}
    problems = [one for one in judged_file(path)[1] if one.code not in NOT_YET_CODES - about]

    assert [told(problem) for problem in problems] == expected


@pytest.mark.parametrize("path", invalid_files(), ids=lambda path: path.stem)
def test_file_is_named_after_its_code(path):
    code = path.stem.partition("-")[0].upper()

    assert any(line.startswith(code) for line in expected_in(path.read_text(encoding="utf-8")))


def test_every_code_has_a_manifest():
    covered = {path.stem.partition("-")[0].upper() for path in invalid_files()}

    assert covered | ELSEWHERE == {code for code in CODES if code.startswith("PW1")}


@pytest.mark.parametrize("path", invalid_files(), ids=lambda path: path.stem)
def test_only_manifests_without_errors_take_force(path):
    state, problems = judged_file(path)

    assert (state is None) == any(problem.is_error for problem in problems)


@pytest.mark.parametrize("path", valid_files(), ids=lambda path: path.stem)
def test_valid_manifest_takes_force(path):
    state, problems = judged_file(path)

    assert state is not None
    assert [told(one) for one in problems if one.code not in NOT_YET_CODES] == []
