import base64
import json
import re
from datetime import UTC, datetime
from email.message import EmailMessage

from demo.page import page_html
from demo.sent import SentMessage, parse_mail

PNG = b"\x89PNG\r\n\x1a\n picture"


def _message(number: int, **changed: object) -> SentMessage:
    fields = {
        "delivery_id": f"d{number}",
        "channel": "email",
        "tier": "streak",
        "rule": "iron-streak",
        "milestone": "14-Day Iron Streak",
        "client_name": "Ann Poe",
        "client_email": "ann.poe@example.org",
        "sender": "Maren Holt <hello@example.org>",
        "sent_at": datetime(2026, 3, number, tzinfo=UTC),
        "subject": "Fourteen days",
        "text": "Hi Ann",
        "html": '<p>Hi <img src="cid:badge"></p>',
        "images": {"badge": PNG},
    }
    return SentMessage(**(fields | changed))  # type: ignore[arg-type] - fields of a test


def _data(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return] - written two lines above


def test_a_page_needs_nothing_from_outside() -> None:
    page = page_html("A practice", [_message(1)])
    assert not re.search(r'(src|href)="(?!#|data:)', page.replace(json.dumps("cid:badge"), ""))
    assert "http" not in page.replace("http-equiv", "")


def test_the_newest_message_stands_first() -> None:
    data = _data(page_html("A practice", [_message(1), _message(3), _message(2)]))
    assert [item["id"] for item in data["items"]] == ["d3", "d2", "d1"]  # type: ignore[index, attr-defined]


def test_a_picture_in_many_mails_is_kept_once() -> None:
    data = _data(page_html("A practice", [_message(n) for n in range(1, 9)]))
    assert len(data["images"]) == 1  # type: ignore[arg-type]


def test_a_message_cannot_break_out_of_the_page() -> None:
    page = page_html("A practice", [_message(1, text="</script><script>alert(1)</script>")])
    assert "alert(1)</script>" not in page
    assert _data(page)["items"][0]["text"] == "</script><script>alert(1)</script>"  # type: ignore[index]


def test_a_mail_is_read_with_both_parts_and_its_pictures() -> None:
    mail = EmailMessage()
    mail["Message-ID"] = "<d-7@example.org>"
    mail["To"], mail["From"] = "Ann.Poe@example.org", "Maren <m@example.org>"
    mail["Subject"] = "Vierzehn Tage: schön"
    mail.set_content("Hi Ann")
    mail.add_alternative('<p><img src="cid:badge"></p>', subtype="html")
    mail.get_payload()[1].add_related(PNG, "image", "png", cid="<badge>")  # type: ignore[union-attr, index]
    read = parse_mail(mail.as_bytes())
    assert (read.delivery_id, read.to, read.subject) == ("d-7", "ann.poe@example.org", "Vierzehn Tage: schön")
    assert read.text.strip() == "Hi Ann"
    assert "cid:badge" in read.html
    assert read.images == {"badge": PNG}


def test_what_came_with_a_message_and_beside_it_stands_on_the_page() -> None:
    message = _message(1, files={"certificate.pdf": b"%PDF-1.7"}, beside=(("Gift", "$25 ordered"),))
    item = _data(page_html("A practice", [message]))["items"][0]  # type: ignore[index]
    assert item["beside"] == [["Gift", "$25 ordered"]]
    assert base64.b64decode(item["files"]["certificate.pdf"]) == b"%PDF-1.7"


def test_a_mail_is_read_with_its_files_and_the_addresses_in_its_words() -> None:
    mail = EmailMessage()
    mail["Message-ID"], mail["To"], mail["From"], mail["Subject"] = "<d-7@example.org>", "a@example.org", "m", "s"
    mail.set_content("Look: https://a.example/c/t-1.x_y.\nOr (https://a.example/r/u)")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="certificate.pdf")
    read = parse_mail(mail.as_bytes())
    assert read.links == ("https://a.example/c/t-1.x_y", "https://a.example/r/u")
    assert read.files == {"certificate.pdf": b"%PDF-1.7"}
