"""Every client of ours reaches Kafka by the same settings."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr

from agents import deliver, tracker
from agents.kafka import client_options
from agents.settings import DeliverSettings

SECURED: dict[str, Any] = {
    "kafka_security_protocol": "SASL_PLAINTEXT",
    "kafka_username": "cairn",
    "kafka_password": SecretStr("open sesame"),
}


@pytest.mark.parametrize("security", [{}, SECURED], ids=["plain", "with credentials"])
def test_both_engines_connect_as_every_other_client_does(security: dict[str, Any]) -> None:
    settings = DeliverSettings(
        kafka_bootstrap_servers="kafka-1:9092,kafka-2:9092",
        tenants_dir=Path("tenants"),
        secrets_dir=Path("secrets"),
        database_url=SecretStr("postgresql://localhost/cairn"),
        public_url=HttpUrl("https://cairn.example"),
        link_key=SecretStr("k" * 32),
        smtp_host="mail.example",
        **security,
    )
    options = client_options(settings)
    assert options["bootstrap_servers"] == "kafka-1:9092,kafka-2:9092"
    for config in (tracker.engine_config(settings), deliver.engine_config(settings)):
        assert options.items() <= config.client.items()
