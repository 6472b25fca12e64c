"""A difference is called one only where chance would not make it as well."""

import pytest

from streams.outcomes.findings import finding
from streams.outcomes.shares import Share

DOUBT = "One group has fewer than 30 clients: wait before you act on it."


@pytest.mark.parametrize(
    ("share", "first", "sentence"),
    [
        ((56, 70), (48, 80), "opened: more with video than with text, by +5 to +33 points."),
        ((48, 80), (56, 70), "opened: less with video than with text, by -33 to -5 points."),
        (
            (9, 10),
            (3, 10),
            f"opened: more with video than with text, by +17 to +81 points. {DOUBT}",
        ),
        ((5, 56), (0, 29), "opened: says nothing yet: video may lie anywhere from -4 to +19 points beside text."),
        (
            (0, 0),
            (3, 10),
            "opened: nothing can be said yet, because nobody of the group “video” can be looked at so far.",
        ),
        (
            (3, 10),
            (0, 0),
            "opened: nothing can be said yet, because nobody of the group “text” can be looked at so far.",
        ),
    ],
)
def test_a_comparison_is_told_as_far_as_it_goes(share: tuple[int, int], first: tuple[int, int], sentence: str) -> None:
    one, two = Share(count=share[0], of=share[1]), Share(count=first[0], of=first[1])
    assert finding("opened", "video", one, "text", two) == sentence
