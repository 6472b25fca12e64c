"""Settings: the environment (`CAIRN_*`), read once, refused whole with every error.

Each process asks for its own class, so that a tracker needs no database and a mail
password is nowhere but where mails are sent. A secret may come as a variable or as a file
of the variable's lower-case name in `/run/secrets`; no secret has a default.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, Field, HttpUrl, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agents.clock import Clock
from agents.secret_files import SecretFiles

_SECRETS = Path("/run/secrets")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
Port = Annotated[int, Field(ge=1, le=65_535)]
S = TypeVar("S", bound="Settings")


class SettingsError(Exception):
    """The environment is not valid; the operator must mend every line that it names."""


class Settings(BaseSettings):
    """What every process takes.

    Attributes:
        probe_host: where probes and metrics listen; a port for each process.
        clock_origin: domain time at `clock_start`; demonstrations only.
        clock_start: the real instant at which both clocks meet.
        clock_speed: domain seconds in a real second.
        clock_end: the real instant from which the speed is 1.
    """

    model_config = SettingsConfigDict(
        env_prefix="CAIRN_", frozen=True, extra="ignore", secrets_dir=_SECRETS if _SECRETS.is_dir() else None
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "readable"] = "json"
    probe_host: str = "127.0.0.1"
    clock_origin: AwareDatetime | None = None
    clock_start: AwareDatetime | None = None
    clock_speed: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    clock_end: AwareDatetime | None = None

    @property
    def clock(self) -> Clock:
        """The clock that these settings describe."""
        if self.clock_origin is None or self.clock_start is None:
            return Clock()
        return Clock(
            start_ms=_ms(self.clock_start),
            origin_ms=_ms(self.clock_origin),
            speed=self.clock_speed,
            end_ms=None if self.clock_end is None else _ms(self.clock_end),
        )


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


class KafkaSettings(Settings):
    """How to reach Kafka, and how topics are provisioned."""

    kafka_bootstrap_servers: str
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    partitions: Annotated[int, Field(ge=1, le=1024)] = 24
    replication_factor: Annotated[int, Field(ge=1, le=9)] = 3
    min_insync_replicas: Annotated[int, Field(ge=1, le=9)] = 2


class DatabaseSettings(Settings):
    """How to reach Postgres: `postgresql://user:password@host:5432/cairn`."""

    database_url: SecretStr


class DeadLetterSettings(KafkaSettings, DatabaseSettings):
    """What `cairn dlq` takes: dead letters stand in Kafka, what delivery parked in Postgres."""


class LinkSettings(KafkaSettings, DatabaseSettings):
    """What `cairn clients link` takes: the ledger makes two clients one, Kafka holds what they lived through."""


class ImportPlace(Settings):
    """What `cairn import` takes in any case: with the tenants' folders a slip in a tenant's name is told."""

    tenants_dir: Path | None = None


class PeopleSettings(DatabaseSettings):
    """What `cairn clients find` takes: people are kept by hashes of their addresses and of tools' ids."""

    identity_key: Annotated[SecretStr, Field(min_length=32)]


class ImportSettings(KafkaSettings, PeopleSettings):
    """What `cairn import` takes for a table that names clients by address, or tells of their profiles."""


class TenantSettings(Settings):
    """Where tenants' folders are."""

    tenants_dir: Path


class StateSettings(KafkaSettings):
    """What `cairn state` takes: with the tenants' folders it names what their own rulebooks count."""

    tenants_dir: Path | None = None


class OutcomeSettings(DatabaseSettings):
    """What `cairn outcomes` takes: with the tenants' folders it knows which variant stands first."""

    tenants_dir: Path | None = None


class WhySettings(DatabaseSettings):
    """What `cairn why` takes: with the tenants' folders it can name the tenant that was meant."""

    tenants_dir: Path | None = None


class ContentSettings(DatabaseSettings, TenantSettings):
    """What `cairn audit content` takes."""


class SecretSettings(TenantSettings):
    """Where tenants' secrets are, beside their folders.

    Attributes:
        secrets_key: opens and seals them: Fernet keys with commas between them, the one that seals first.
    """

    secrets_dir: Path
    secrets_key: SecretStr | None = None

    @field_validator("secrets_key")
    @classmethod
    def _keys_are_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        try:
            SecretFiles(Path(), _split(keys))
        except ValueError:
            raise ValueError("each key is 32 bytes in URL-safe base64: `cairn secrets key` makes one") from None
        return keys

    @property
    def secret_files(self) -> SecretFiles:
        """The secrets."""
        return SecretFiles(self.secrets_dir, _split(self.secrets_key))


class GiftSettings(SecretSettings, DatabaseSettings):
    """What `cairn gifts refund` takes: what was spent, and whose account it was."""


class SourceSettings(SecretSettings, DatabaseSettings):
    """What `cairn sources` takes."""


class ConnectSettings(SourceSettings):
    """What `cairn connect` takes.

    Attributes:
        public_url: the address under which `cairn serve` is reached from outside.
    """

    public_url: HttpUrl


class TrackSettings(KafkaSettings, SecretSettings):
    """What `cairn track` takes."""

    track_probe_port: Port = 9101


class DeliverSettings(KafkaSettings, SecretSettings, DatabaseSettings):
    """What `cairn deliver` takes.

    Attributes:
        public_url: the address under which `cairn serve` is reached from outside.
        link_key: signs the links in mails; at least 32 characters.
        sender_concurrency: connections to the mail server; Postfix, for one, allows 50 from an address.
    """

    deliver_probe_port: Port = 9102
    public_url: HttpUrl
    link_key: Annotated[SecretStr, Field(min_length=32)]
    smtp_host: str
    smtp_port: Port = 587
    smtp_tls: Literal["starttls", "implicit", "off"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    sender_concurrency: Annotated[int, Field(ge=1, le=256)] = 32

    @field_validator("smtp_username")
    @classmethod
    def _credentials_need_tls(cls, username: str | None, others: ValidationInfo) -> str | None:
        if username and others.data.get("smtp_tls") == "off" and others.data.get("smtp_host") not in _LOOPBACK:
            raise ValueError("would cross a network in the clear: set CAIRN_SMTP_TLS to starttls or implicit")
        return username


class ServeSettings(KafkaSettings, SecretSettings, DatabaseSettings):
    """What `cairn serve` takes.

    Attributes:
        identity_key: hashes external ids and addresses; at least 32 characters, never changed.
        allowed_origins: web origins that may read the inbox, comma-separated.
        hooks_per_second: of one tenant; what is more is answered 429.
    """

    serve_probe_port: Port = 9103
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    public_url: HttpUrl
    link_key: Annotated[SecretStr, Field(min_length=32)]
    identity_key: Annotated[SecretStr, Field(min_length=32)]
    spool_dir: Path
    spool_max_bytes: Annotated[int, Field(ge=1_048_576)] = 256 * 1024 * 1024
    allowed_origins: Annotated[str, NoDecode] = ""
    hooks_per_second: Annotated[int, Field(ge=1, le=100_000)] = 500


def read(kind: type[S]) -> S:
    """The settings of one kind from the environment.

    Raises:
        SettingsError: something is missing or wrong; the text has a line for each.
    """
    try:
        return kind()
    except ValidationError as error:
        lines = [f"  CAIRN_{'_'.join(map(str, e['loc'])).upper()}: {_say(e)}" for e in error.errors()]
        raise SettingsError("The environment is not valid:\n" + "\n".join(sorted(lines))) from None


def _say(error: object) -> str:
    assert isinstance(error, dict)  # noqa: S101 - pydantic's ErrorDetails
    return "is required" if error["type"] == "missing" else str(error["msg"])


def _split(keys: SecretStr | None) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.get_secret_value().split(",") if key.strip()) if keys else ()
