from agents.web.links import UnsubscribeLinks
from agents.web.preference_links import PreferenceLinks, Whose

OLD, NEW = "o" * 32, "n" * 32
ABOUT = {"tenant": "northstar", "client": "c-17"}


def test_a_link_reads_back_as_whose_it_is_and_is_the_same_every_time() -> None:
    links = PreferenceLinks("https://cairn.example/", NEW)
    url = links.url(**ABOUT)
    assert url.startswith("https://cairn.example/p/")
    assert url == links.url(**ABOUT)
    assert links.read(url.rpartition("/")[2]) == Whose(**ABOUT)


def test_old_links_work_after_the_key_was_changed() -> None:
    token = PreferenceLinks("https://cairn.example", OLD).token(**ABOUT)
    assert PreferenceLinks("https://cairn.example", OLD, NEW).read(token) == Whose(**ABOUT)
    assert PreferenceLinks("https://cairn.example", NEW).read(token) is None


def test_the_link_of_one_page_does_not_open_the_other() -> None:
    both = PreferenceLinks("https://cairn.example", NEW), UnsubscribeLinks("https://cairn.example", NEW)
    assert both[0].read(both[1].token(**ABOUT, channel="email")) is None
    assert both[1].read(both[0].token(**ABOUT)) is None
