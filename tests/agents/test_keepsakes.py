from dataclasses import replace
from pathlib import Path

import pytest

from agents.channels.render import Links
from agents.keepsakes import certificate_attachment, with_keepsakes
from agents.tenants import Tenant
from agents.web.keepsake_links import KeepsakeLinks
from schemas.policy import ChannelName
from schemas.tenant import Referral, Video
from tests.sample_milestones import ANA, COACH, SAMPLES, occasion, tenant

CELEBRATION = "0f" * 16
ADDRESSES = KeepsakeLinks("http://localhost:8080", "k" * 32)
EVERYTHING: frozenset[ChannelName] = frozenset({"certificate", "badge", "referral", "video"})


@pytest.fixture
def practice(tmp_path: Path) -> Tenant:
    media = "https://media.northstar.example/{rule}"
    return replace(
        tenant(tmp_path),
        video=Video(url=f"{media}.mp4", poster_url=f"{media}.jpg", captions_url=f"{media}.vtt"),
        referral=Referral(url="https://northstar.example/join?ref={code}"),
    )


def carried(tenant: Tenant, keepsakes: frozenset[ChannelName]) -> Links:
    told = occasion(SAMPLES["thirty-six"], keepsakes=keepsakes)
    before = Links(unsubscribe_url="https://wins.example/u/token")
    return with_keepsakes(before, told, celebration_id=CELEBRATION, tenant=tenant, addresses=ADDRESSES)


def test_a_message_carries_the_addresses_of_what_was_decided(practice: Tenant) -> None:
    links = carried(practice, EVERYTHING)
    assert links.certificate_url == ADDRESSES.certificate("northstar", CELEBRATION)
    assert links.badge_url == ADDRESSES.badge("northstar", CELEBRATION)
    assert links.referral_url == ADDRESSES.referral("northstar", CELEBRATION)
    assert links.unsubscribe_url == "https://wins.example/u/token"


def test_a_video_is_reached_by_its_page(practice: Tenant) -> None:
    video = carried(practice, EVERYTHING).video
    assert video
    assert video.url == ADDRESSES.video("northstar", CELEBRATION)
    assert video.poster_url == "https://media.northstar.example/thirty-six.jpg"


def test_nothing_that_was_not_decided_or_not_set_up_has_an_address(practice: Tenant) -> None:
    before = Links(unsubscribe_url="https://wins.example/u/token")
    assert carried(practice, frozenset()) == before
    assert carried(replace(practice, video=None, referral=None), frozenset({"video", "referral"})) == before


def test_the_certificate_of_a_mail_is_that_of_the_page(practice: Tenant) -> None:
    file = certificate_attachment(
        occasion(SAMPLES["thirty-six"]),
        celebration_id=CELEBRATION,
        profile=ANA,
        coach=COACH,
        tenant=practice,
        addresses=ADDRESSES,
    )
    assert (file.filename, file.media_type) == ("certificate.pdf", "application/pdf")
    assert f"/URI ({ADDRESSES.certificate('northstar', CELEBRATION)})".encode() in file.content
