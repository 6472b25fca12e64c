import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.links import next_reference


@pytest.mark.parametrize(
    ("headers", "reference"),
    [
        (['<https://t.example/a?page=2>; rel="next"'], "https://t.example/a?page=2"),
        (['</a?page=1>; rel="prev", </a?page=3>; rel="next"'], "/a?page=3"),
        (["</a>; rel=self", "</b>; rel=next"], "/b"),
        (['<?from=2> ; title="a, <b>; rel=\\"no\\"" ; REL = "last NEXT"'], "?from=2"),
        (["</with,comma;and=semicolon>;rel=next"], "/with,comma;and=semicolon"),
        (['</a>; rel="prev"; rel="next"'], None),
        (['</a>; rel="next"; anchor="/other"'], None),
        (['</a>; rel="nextish"'], None),
        (['</a>; title="; rel=next"'], None),
        (["rel=next"], None),
        (["</a"], None),
        ([], None),
    ],
)
def test_the_next_page_is_found_as_rfc_8288_writes_it(headers: list[str], reference: str | None) -> None:
    assert next_reference(headers) == reference


@given(st.lists(st.text() | st.text(alphabet='<>;,="\\ relnxt')))
def test_no_header_makes_it_raise_and_what_it_finds_stands_there(headers: list[str]) -> None:
    found = next_reference(headers)
    assert found is None or any(f"<{found}" in header.replace("< ", "<") or found in header for header in headers)


@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<>")),
    st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\')),
)
def test_what_is_written_is_read_whatever_stands_beside_it(target: str, title: str) -> None:
    assert next_reference([f'</first>; rel=prev; title="{title}", <{target}>; title="{title}"; rel="next"']) == target
