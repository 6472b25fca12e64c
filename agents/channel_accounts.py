"""What a tenant's channels authenticate with: its file says where, its secrets prove who, read at each use.

It must never keep a secret, nor make up a missing one: without it the channel has no account.
"""

from collections.abc import Callable
from typing import TypeVar

from agents.channels import slack, sms, tremendous
from agents.channels.slack import SlackPlace
from agents.channels.sms import TwilioAccount
from agents.channels.tremendous import TremendousAccount
from agents.secret_files import SecretFiles
from agents.tenants import Tenant, TenantsNow

A = TypeVar("A")


def account_of(
    build: Callable[[Tenant, SecretFiles], A | None], tenants: TenantsNow, secrets: SecretFiles
) -> Callable[[str], A | None]:
    """A channel's way to a tenant's account, as tenants and secrets are when it asks."""

    def find(tenant: str) -> A | None:
        found = tenants().get(tenant)
        return build(found, secrets) if found else None

    return find


def twilio_account(tenant: Tenant, secrets: SecretFiles) -> TwilioAccount | None:
    """Where text messages go out."""
    token = _secret(secrets, tenant, sms.KEY_FILE)
    if tenant.sms is None or token is None:
        return None
    return TwilioAccount(account=tenant.sms.account, token=token, base_url=_address(tenant.sms.base_url))


def slack_place(tenant: Tenant, secrets: SecretFiles) -> SlackPlace | None:
    """Where wins are posted: a channel that is named takes a bot's token, otherwise a webhook knows its own."""
    if tenant.slack is None:
        return None
    if tenant.slack.channel is None:
        webhook = _secret(secrets, tenant, slack.WEBHOOK_FILE)
        return SlackPlace(url=webhook) if webhook else None
    token = _secret(secrets, tenant, slack.TOKEN_FILE)
    if token is None:
        return None
    url = f"{_address(tenant.slack.base_url)}/api/chat.postMessage"
    return SlackPlace(url=url, token=token, channel=tenant.slack.channel)


def gift_account(tenant: Tenant, secrets: SecretFiles) -> TremendousAccount | None:
    """Where gifts are ordered."""
    key = _secret(secrets, tenant, tremendous.KEY_FILE)
    if tenant.gifts is None or key is None:
        return None
    return TremendousAccount(
        key=key,
        funding_source=tenant.gifts.funding_source,
        products=tenant.gifts.products,
        campaign=tenant.gifts.campaign,
        base_url=_address(tenant.gifts.base_url),
    )


def _secret(secrets: SecretFiles, tenant: Tenant, name: str) -> str | None:
    return next(iter(secrets.values(tenant.id, name)), None)


def _address(url: object) -> str:
    return str(url).rstrip("/")
