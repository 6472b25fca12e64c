"""The YAML of rulebooks: small on purpose, with the place of every part."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.yaml_lines import MAX_CHARS, Place, YamlFault, read_yaml


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = 'a: 21:00\nb: no\nc: true\nd: ~\ne: 5\nf: 1.5\ng: 2026-01-01\nh: "5"\ni:\nj: 0x1f\nk: 1_0\nl: "true"'
    value, _ = read_yaml(text)
    assert list(value.values()) == ["21:00", "no", True, None, 5, 1.5, "2026-01-01", "5", None, "0x1f", "1_0", "true"]


def test_every_key_and_item_has_its_place() -> None:
    _, places = read_yaml("a:\n  - b: 1\n  - {c: [x, y]}\n")
    assert places["a", 0, "b"] == Place(line=2, column=5)
    assert places["a", 1, "c", 1] == Place(line=3, column=13)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a: 1\nb: &x 1\nc: *x", 3, "aliases are not allowed"),
        ("a: 1\nb: !!python/name:os.system x", 2, "tags are not allowed"),
        ("a: 1\n\na: 2", 3, "a stands here twice"),
        ("a: 1\n? [b]\n: 2", 2, "a key must be a word"),
        ("a: [1", 1, "expected"),
        ("a: 1\n---\nb: 2", 2, "but found another document"),
        ("a: \x07", 1, "not YAML"),
        ("[" * 900, 1, "not YAML"),
        ("x" * (MAX_CHARS + 1), 1, "longer than"),
    ],
)
def test_what_is_not_allowed_is_refused_with_its_line(text: str, line: int, told: str) -> None:
    with pytest.raises(YamlFault) as fault:
        read_yaml(text)
    assert fault.value.place.line == line
    assert told in fault.value.text


def test_json_escapes_beyond_the_basic_plane_are_joined() -> None:
    assert read_yaml('{"a": "\\ud83c\\udf89"}')[0] == {"a": "🎉"}
    assert read_yaml("a: 🎉")[0] == {"a": "🎉"}


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=80)
def test_no_text_crashes_the_reader(text: str) -> None:
    with suppress(YamlFault):
        value, places = read_yaml(text)
        assert value is None or places
