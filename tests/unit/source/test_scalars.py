"""Plain scalars by both versions of YAML."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.source.scalars import Tag, _tag_by_rules, tag_of

LETTERS = "yYnNtTfFoOeEsSuUlLaArR01:.-+~<=_xXinINabz "


@given(st.text(alphabet=LETTERS, max_size=8) | st.text(max_size=8))
def test_shortcut_agrees_with_the_rules(text):
    assert tag_of(text) == _tag_by_rules(text)


@pytest.mark.parametrize("first", sorted(map(str, yaml.SafeLoader.yaml_implicit_resolvers)))
def test_everything_that_older_rules_begin_with_is_judged_by_rules(first):
    """A rule of PyYAML that begins with a new character would pass by unseen."""
    assert first in "-+.0123456789~<=!&*yYnNtTfFoO"


@pytest.mark.parametrize("word", ["no", "Off", "on", "YES", "y", "22:00", "010", "1_000", "<<"])
def test_what_older_tools_read_otherwise_is_ambiguous(word):
    assert tag_of(word) == Tag.AMBIGUOUS
