from dataclasses import replace

from demo.found import Found
from demo.given import Order
from demo.messages import sent_messages
from demo.sent import Mail
from tests.demo.deliveries import delivery

MAIL = Mail(delivery_id="d-email", to="ann@example.org", sender="m", subject="s", text="t", html="")
ALONG = replace(
    delivery("email", delivery_id="d9", celebration_id="k9", milestone="Halfway through", state="skipped"),
    reason="merged",
    merged_into="k1",
)
FOUND = Found(
    milestones=(),
    events={},
    events_total=0,
    dead_letters=0,
    addresses={"c_1": ("Ann Poe", "ann@example.org")},
    deliveries=(delivery("email"), delivery("certificate"), delivery("referral", state="skipped"), ALONG),
    tasks=(),
    inbox=(),
    mails=(MAIL,),
    orders=(Order(external_id="k1", email="ann@example.org", cents=2_500, status="EXECUTED"),),
)


def test_a_message_is_shown_with_what_came_beside_it() -> None:
    (message,) = sent_messages(FOUND, lambda real_at: real_at)
    assert dict(message.beside) == {
        "With it": "certificate",
        "Gift": "$25 ordered",
        "Tells also of": "Halfway through",
        "Left to the coach": "nothing",
    }


def test_a_message_alone_has_nothing_beside_it() -> None:
    streak = delivery("email", tier="streak")
    (message,) = sent_messages(replace(FOUND, deliveries=(streak,), orders=()), lambda real_at: real_at)
    assert message.beside == ()
