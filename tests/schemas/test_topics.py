"""A key names one client of one tenant, and every topic is provisioned as it is meant."""

import pytest

from schemas.topics import CLIENTS, STATE_CHANGELOG, TOPICS, client_key, split_key


def test_a_key_is_tenant_and_client_and_can_be_read_back() -> None:
    assert client_key("acme", "anna-ü") == "acme/anna-ü".encode()
    assert split_key(client_key("acme", "anna-ü")) == ("acme", "anna-ü")


@pytest.mark.parametrize("key", [b"", b"acme", b"acme/", b"/anna", b"acme/anna/2", b"acme/\xff"])
def test_what_is_no_key_is_said_to_be_none(key: bytes) -> None:
    with pytest.raises(ValueError, match=r"tenant/client|utf-8"):
        split_key(key)


def test_what_is_compacted_keeps_the_newest_and_everything_else_is_kept_for_90_days() -> None:
    for topic in TOPICS:
        if topic.name in {CLIENTS, STATE_CHANGELOG}:
            assert topic.config["cleanup.policy"] == "compact"
        else:
            assert topic.config["retention.ms"] == "7776000000"
