import base64

import pytest

from agents.web.keepsake_links import PATHS, Keepsake, KeepsakeLinks

CELEBRATION = "0f" * 16
OLD, NEW = "o" * 32, "n" * 32


@pytest.fixture
def links() -> KeepsakeLinks:
    return KeepsakeLinks("https://wins.example/", OLD)


@pytest.mark.parametrize("purpose", PATHS)
def test_a_token_is_read_for_its_own_purpose_alone(links: KeepsakeLinks, purpose: str) -> None:
    token = links.token(purpose, tenant="northstar", celebration_id=CELEBRATION)  # type: ignore[arg-type]
    for asked in PATHS:
        expected = Keepsake(tenant="northstar", celebration_id=CELEBRATION) if asked == purpose else None
        assert links.read(asked, token) == expected


def test_addresses_stand_where_the_pages_are(links: KeepsakeLinks) -> None:
    token = links.token("certificate", tenant="northstar", celebration_id=CELEBRATION)
    assert links.certificate("northstar", CELEBRATION) == f"https://wins.example/c/{token}"
    assert links.certificate_file("northstar", CELEBRATION) == f"https://wins.example/c/{token}.pdf"
    assert links.badge_picture("northstar", CELEBRATION, 64).endswith("-64.png")
    assert "/r/" in links.referral("northstar", CELEBRATION)
    assert "/v/" in links.video("northstar", CELEBRATION)


def test_a_token_holds_the_celebration_and_the_tenant_and_nothing_else(links: KeepsakeLinks) -> None:
    payload = links.token("badge", tenant="northstar", celebration_id=CELEBRATION).partition(".")[0]
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    assert raw == bytes.fromhex(CELEBRATION) + b"northstar"


def test_addresses_that_are_out_outlive_a_change_of_keys(links: KeepsakeLinks) -> None:
    token = links.token("badge", tenant="northstar", celebration_id=CELEBRATION)
    rotated = KeepsakeLinks("https://wins.example", OLD, NEW)
    assert rotated.read("badge", token) is not None
    assert links.read("badge", rotated.token("badge", tenant="northstar", celebration_id=CELEBRATION)) is None


def test_a_token_with_one_letter_changed_is_nobodys(links: KeepsakeLinks) -> None:
    token = links.token("badge", tenant="northstar", celebration_id=CELEBRATION)
    for at in range(len(token) - 1):  # the last letter carries bits that do not count
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert links.read("badge", changed) is None


@pytest.mark.parametrize("token", ["", ".", "x", "a.b", "ö.ö", "\x00", "x" * 3000])
def test_no_text_breaks_the_reading(links: KeepsakeLinks, token: str) -> None:
    assert links.read("badge", token) is None


@pytest.mark.parametrize("celebration", ["", "0f", "0f" * 17, "not hex"])
def test_only_a_celebration_has_an_address(links: KeepsakeLinks, celebration: str) -> None:
    with pytest.raises(ValueError, match="hex"):
        links.token("badge", tenant="northstar", celebration_id=celebration)
