"""How our Kafka clients connect: one place that turns settings into aiokafka's arguments."""

import ssl
from typing import Any

from agents.settings import KafkaSettings


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """The arguments that every aiokafka client takes: servers, protocol, credentials."""
    return {"bootstrap_servers": settings.kafka_bootstrap_servers, **security_options(settings)}


def security_options(settings: KafkaSettings) -> dict[str, Any]:
    """The same without the servers, which the engine is told by themselves."""
    options: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_security_protocol.startswith("SASL"):
        password = settings.kafka_password
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(
            cafile=str(settings.kafka_ca_file) if settings.kafka_ca_file else None
        )
    return options
