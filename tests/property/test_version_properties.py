"""The order of versions, against the programs that define it."""

import random
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.versions import compare_dpkg, compare_rpm, dpkg_key, rpm_key

PERL = 'chomp; ($a, $b) = split / /; print eval { version_compare($a, $b) } // "invalid", "\n"'
parts = st.text("012.9~+ab", max_size=6).map(lambda text: "0" + text)
versions = st.builds(
    lambda epoch, upstream, revision: epoch + upstream + revision,
    st.sampled_from(["", "0:", "1:"]),
    parts,
    st.one_of(st.just(""), parts.map("-{}".format)),
)


def installed_versions():
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}\n"], capture_output=True, text=True, check=True
    )
    return shown.stdout.split()


def random_version(chance):
    tail = "".join(chance.choice("01239.~+-ab") for _ in range(chance.randint(0, 6)))
    return chance.choice(["", "1:", "0:"]) + chance.choice("0123456789") + tail


@given(versions, versions)
def test_order_is_dpkgs(first, second):
    for relation, expected in (("lt", -1), ("eq", 0), ("gt", 1)):
        words = ["dpkg", "--compare-versions", first, relation, second]
        is_so = subprocess.run(words, check=False).returncode == 0
        assert is_so == (compare_dpkg(first, second) == expected)


def test_order_is_dpkgs_on_real_and_many_random_versions():
    perl = shutil.which("perl")
    if perl is None or subprocess.run([perl, "-MDpkg::Version", "-e1"], check=False).returncode:
        pytest.skip("dpkg's own Perl library is not installed")
    chance, real = random.Random(20250902), installed_versions()  # noqa: S311 - no secret
    pairs = [(random_version(chance), random_version(chance)) for _ in range(10_000)]
    pairs += [(chance.choice(real), chance.choice(real)) for _ in range(5_000)]
    done = subprocess.run(
        [perl, "-MDpkg::Version", "-ne", PERL],
        input="\n".join(" ".join(pair) for pair in pairs),
        capture_output=True,
        text=True,
        check=True,
    )
    judged = [
        (pair, int(answer))
        for pair, answer in zip(pairs, done.stdout.split(), strict=True)
        if answer != "invalid"
    ]
    assert len(judged) > 10_000
    assert [pair for pair, answer in judged if compare_dpkg(*pair) != answer] == []


@given(versions, versions, versions)
def test_keys_order_as_comparison_does(first, second, third):
    for key, compare in ((dpkg_key, compare_dpkg), (rpm_key, compare_rpm)):
        ordered = sorted([first, second, third], key=key)
        assert compare(ordered[0], ordered[1]) <= 0
        assert compare(ordered[0], ordered[2]) <= 0
        assert compare(first, second) == -compare(second, first)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        # From rpm's own tests of rpmvercmp.
        ("1.0", "2.0"),
        ("2.0", "2.0.1"),
        ("2.0.1", "2.0.1a"),
        ("5.5p1", "5.5p10"),
        ("10xyz", "10.1xyz"),
        ("xyz10", "xyz10.1"),
        ("xyz.4", "8"),
        ("5.5p2", "5.6p1"),
        ("6.0", "6.0.rc1"),
        ("10a1", "10b2"),
        ("1.0~rc1", "1.0"),
        ("1.0~rc1", "1.0~rc2"),
        ("1.0~rc1~git123", "1.0~rc1"),
        ("1.0", "1.0^"),
        ("1.0^git1", "1.0^git2"),
        ("1.0^git1", "1.01"),
        ("1.0^20160101", "1.0.1"),
        ("1.0~rc1", "1.0~rc1^git1"),
        ("1.0^git1~pre", "1.0^git1"),
        ("1:1.0-1", "2:0.1-1"),
        ("1.0-1", "1.0-2.el9"),
    ],
)
def test_order_is_rpms(older, newer):
    assert compare_rpm(older, newer) == -1


@pytest.mark.parametrize(
    ("first", "second"),
    [("2_0", "2.0"), ("a+", "a_"), ("1.0010", "1.10"), ("0:1.0-1", "1.0-1"), ("fc4", "fc.4")],
)
def test_rpm_takes_these_as_equal(first, second):
    assert compare_rpm(first, second) == 0


@pytest.mark.parametrize("version", ["", "a b", "x:1", "1.0\n", "1" * 1001])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(ValueError, match="version"):
        dpkg_key(version)
