"""Which vendor's API knows a source's hooks, and with which of its secrets."""

import aiohttp

from agents.connect.acuity import AcuitySubscriptions
from agents.connect.calendly import CalendlySubscriptions
from agents.connect.subscriptions import Subscriptions
from agents.connect.thinkific import ThinkificSubscriptions
from agents.secret_files import SecretFiles
from schemas.tenant import AcuitySource, CalendlySource, Source, ThinkificSource


class SecretMissing(Exception):
    """The operator has to write a secret file first; the text says which, and what goes into it."""


def subscriptions_of(
    source: Source, tenant: str, secrets: SecretFiles, session: aiohttp.ClientSession
) -> Subscriptions | None:
    """The source's hooks at its vendor; None where the vendor has no API for them.

    Raises:
        SecretMissing: what authenticates us there is not written yet.
    """
    match source:
        case CalendlySource():
            return CalendlySubscriptions(
                session,
                base_url=str(source.base_url),
                token=_needed(tenant, f"{source.name}.token", secrets, "a personal access token of Calendly"),
                token_file=f"{source.name}.token",
                signing_key=_needed(tenant, f"{source.name}.key", secrets, "the signing key"),
            )
        case AcuitySource():
            return AcuitySubscriptions(
                session,
                base_url=str(source.base_url),
                user_id=source.user_id,
                key=_needed(tenant, f"{source.name}.key", secrets, "the API key of Acuity"),
                key_file=f"{source.name}.key",
            )
        case ThinkificSource():
            return ThinkificSubscriptions(
                session,
                base_url=str(source.base_url),
                token=next(iter(secrets.values(tenant, f"{source.name}.token")), None),
                key=_needed(tenant, f"{source.name}.key", secrets, "the site's API key or the app's client secret"),
                subdomain=source.subdomain,
                source=source.name,
            )
        case _:
            return None


def _needed(tenant: str, name: str, secrets: SecretFiles, what: str) -> str:
    values = secrets.values(tenant, name)
    if not values:
        raise SecretMissing(f"write {what} to the secret file {secrets.folder / tenant / name}, then run this again")
    return values[0]
