import pytest

from agents.web.links import Subscription, UnsubscribeLinks

OLD, NEW = "o" * 32, "n" * 32
ABOUT = {"tenant": "northstar", "client": "c-17", "channel": "email"}


def test_a_link_reads_back_as_what_it_is_about() -> None:
    links = UnsubscribeLinks("https://cairn.example/", NEW)
    url = links.url(**ABOUT)
    assert url.startswith("https://cairn.example/u/")
    assert links.read(url.rpartition("/")[2]) == Subscription(**ABOUT)


def test_a_link_is_the_same_every_time_and_fits_a_mail_header() -> None:
    links = UnsubscribeLinks("https://cairn.example", NEW)
    assert links.url(**ABOUT) == links.url(**ABOUT)
    assert len(links.url(tenant="t" * 128, client="c" * 128, channel="email")) < 900


def test_old_links_work_after_the_key_was_changed() -> None:
    token = UnsubscribeLinks("https://cairn.example", OLD).token(**ABOUT)
    assert UnsubscribeLinks("https://cairn.example", OLD, NEW).read(token) == Subscription(**ABOUT)
    assert UnsubscribeLinks("https://cairn.example", NEW).read(token) is None


@pytest.mark.parametrize("token", ["", "a.b", "{token}x", "A{token}", "{token}{token}", "x{long}"])
def test_a_link_that_was_changed_is_not_ours(token: str) -> None:
    links = UnsubscribeLinks("https://cairn.example", NEW)
    assert links.read(token.format(token=links.token(**ABOUT), long="x" * 2000)) is None
