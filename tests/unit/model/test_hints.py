import pytest

from reconciler.model.hints import did_you_mean


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("all-server", 'did you mean "all-servers"?'),
        ("ALL-SERVERS", 'did you mean "all-servers"?'),
        ("limit_to", 'did you mean "limitTo"?'),
        ("zebra", ""),
        ("", ""),
        ("x" * 100_000, ""),
    ],
)
def test_hint_names_the_closest_word(word, hint):
    assert did_you_mean(word, ["all-servers", "web", "limitTo"]) == hint
