"""Settings are read whole and refused whole."""

from datetime import UTC, datetime

import pytest

from agents.settings import DeliverSettings, KafkaSettings, ServeSettings, SettingsError, TrackSettings, read


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("CAIRN_")]:
        monkeypatch.delenv(name)


def test_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read(ServeSettings)
    text = str(refused.value)
    for name in (
        "KAFKA_BOOTSTRAP_SERVERS",
        "DATABASE_URL",
        "LINK_KEY",
        "IDENTITY_KEY",
        "TENANTS_DIR",
        "SPOOL_DIR",
    ):
        assert f"CAIRN_{name}: is required" in text


def test_a_wrong_value_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("CAIRN_PARTITIONS", "many")
    with pytest.raises(SettingsError, match="CAIRN_PARTITIONS: Input should be a valid integer"):
        read(KafkaSettings)


def test_a_short_key_is_refused_and_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_LINK_KEY", "tooshort")
    with pytest.raises(SettingsError) as refused:
        read(DeliverSettings)
    assert "CAIRN_LINK_KEY" in str(refused.value)
    assert "tooshort" not in str(refused.value)


def test_a_tracker_asks_for_no_database_and_no_mail() -> None:
    assert not {name for name in TrackSettings.model_fields if name.startswith(("database", "smtp", "link"))}


def test_the_clock_is_real_time_unless_a_demonstration_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAIRN_KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    assert read(KafkaSettings).clock.domain_ms(1_700_000_000_000) == 1_700_000_000_000
    monkeypatch.setenv("CAIRN_CLOCK_ORIGIN", "2026-01-01T00:00:00Z")
    monkeypatch.setenv("CAIRN_CLOCK_START", "2026-06-01T00:00:00Z")
    monkeypatch.setenv("CAIRN_CLOCK_SPEED", "86400")
    one_second_in = round(datetime(2026, 6, 1, 0, 0, 1, tzinfo=UTC).timestamp() * 1000)
    assert read(KafkaSettings).clock.domain_ms(one_second_in) == round(
        datetime(2026, 1, 2, tzinfo=UTC).timestamp() * 1000
    )


def test_mail_credentials_in_the_clear_are_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_SMTP_HOST", "mail.example")
    monkeypatch.setenv("CAIRN_SMTP_TLS", "off")
    monkeypatch.setenv("CAIRN_SMTP_USERNAME", "cairn")
    with pytest.raises(SettingsError, match=r"CAIRN_SMTP_USERNAME: .*set CAIRN_SMTP_TLS to starttls or implicit"):
        read(DeliverSettings)
