"""Dependencies are followed within one release and architecture, and no further than needed."""

import pytest

from reconciler.content.deb_closure import Relation, add_deb_dependencies, parse_depends
from reconciler.content.placed import place
from reconciler.model.errors import ContentError
from tests.unit.content.packages import a_file, an_update


def captured(updates, index, architectures=("amd64",)):
    chosen = place(updates, architectures)
    found = add_deb_dependencies(chosen, place(index, architectures), architectures)
    return sorted(f"{one.file.name}={one.file.version}:{one.file.architecture}" for one in found)


def an_app(depends, **changes):
    return an_update(a_file("app", depends=depends, **changes))


def test_dependencies_are_followed_to_the_end():
    index = [
        an_update(a_file("lib", depends="deep")),
        an_update(a_file("deep", depends="app, lib")),
        an_update(a_file("other")),
    ]

    assert captured([an_app("lib")], index) == ["app=1.0:amd64", "deep=1.0:amd64", "lib=1.0:amd64"]


def test_only_the_needed_package_of_a_source_is_taken():
    index = [an_update(a_file("lib"), a_file("lib-dev"), a_file("lib-dbg"))]

    assert captured([an_app("lib")], index) == ["app=1.0:amd64", "lib=1.0:amd64"]


def test_what_the_release_holds_itself_is_preferred():
    """Else the newer, unauthorized version would travel along."""
    updates = [an_app("lib (>= 1.0)"), an_update(a_file("lib", "1.0"))]

    assert captured(updates, [an_update(a_file("lib", "1.1"))]) == [
        "app=1.0:amd64",
        "lib=1.0:amd64",
    ]


def test_newest_version_that_fits_is_taken():
    index = [an_update(a_file("lib", version)) for version in ("1.9", "1.10", "1.2")]

    assert captured([an_app("lib (>= 1.2)")], index) == ["app=1.0:amd64", "lib=1.10:amd64"]


@pytest.mark.parametrize(
    ("depends", "taken"),
    [
        pytest.param("none | lib | other", ["lib"], id="first-that-is-found"),
        pytest.param("lib (>= 2) | other", ["other"], id="first-that-fits"),
        pytest.param("lib (= 1.0), other (<< 2)", ["lib", "other"], id="all-groups"),
        pytest.param("lib (>> 1.0)", [], id="none-that-fits"),
        pytest.param("libc6 (>= 2.36)", [], id="left-to-the-computer"),
        pytest.param("lib:any (>= 1)", ["lib"], id="architecture-qualifier"),
        pytest.param("app (>= 1), lib | app", [], id="met-by-itself"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_alternatives_and_versions(depends, taken):
    index = [an_update(a_file("lib")), an_update(a_file("other"))]

    found = captured([an_app(depends)], index)

    assert found == sorted(["app=1.0:amd64", *(f"{name}=1.0:amd64" for name in taken)])


def test_another_release_gives_nothing():
    index = [an_update(a_file("lib", "2.0"), release="debian-13"), an_update(a_file("lib", "1.0"))]

    assert captured([an_app("lib")], index) == ["app=1.0:amd64", "lib=1.0:amd64"]


def test_each_architecture_has_its_own_dependencies():
    app = an_update(a_file("app", architecture="all", depends="lib"))
    index = [
        an_update(a_file("lib"), a_file("lib", architecture="arm64")),
        an_update(a_file("lib", "2.0", architecture="s390x")),
    ]

    found = captured([app], index, ("amd64", "arm64"))

    assert found == ["app=1.0:all", "lib=1.0:amd64", "lib=1.0:arm64"]


def test_files_of_other_architectures_stay_away():
    update = an_update(
        a_file("app"), a_file("app", architecture="arm64"), a_file("doc", architecture="all")
    )

    assert captured([update], []) == ["app=1.0:amd64", "doc=1.0:all"]


@pytest.mark.parametrize("depends", ["lib (>= 1.0", "(>= 1.0)", "lib (~ 1)", "lib (>= é)", "a b"])
def test_unreadable_dependency_names_the_package(depends):
    with pytest.raises(ContentError, match=r"dependencies of app 1\.0 cannot be read"):
        captured([an_app(depends)], [])


def test_depends_is_read_into_alternatives():
    read = list(parse_depends("libc6 (>= 2.36), a | b:any (<< 1:2~), c,"))

    assert read == [
        (Relation("libc6", ">=", "2.36"),),
        (Relation("a"), Relation("b", "<<", "1:2~")),
        (Relation("c"),),
    ]
