"""Whether a tenant's channels have what they need to go out by themselves; asks nobody outside.

It must never show a secret.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from agents.channels import slack, sms, tremendous
from agents.finding import Finding
from agents.secret_files import SecretFiles, SecretUnreadable
from agents.tenants import Tenant

_SANDBOX = "testflight.tremendous.com"


def check_channels(tenant: Tenant, secrets: SecretFiles) -> Iterator[Finding]:
    """A finding for each channel that the tenant's file sets up, and one for those that it does not."""
    if tenant.sms:
        yield _present(tenant, secrets, f"text messages of {tenant.id}", sms.KEY_FILE, "the account's auth token")
    if tenant.slack:
        yield _slack(tenant, secrets)
    if tenant.gifts:
        yield _gifts(tenant, secrets)
    if missing := tenant.channels_not_set_up:
        text = f"the rulebook names {', '.join(missing)}, which tenant.yaml does not set up: plans skip it"
        yield Finding(subject=f"channels of {tenant.id}", verdict="warning", text=text)


def _present(tenant: Tenant, secrets: SecretFiles, subject: str, name: str, what: str) -> Finding:
    try:
        is_there = bool(secrets.values(tenant.id, name))
    except SecretUnreadable as error:
        return Finding(subject=subject, verdict="failed", text=str(error))
    if not is_there:
        text = f"no secret file {name} in {secrets.folder / tenant.id}: {what}"
        return Finding(subject=subject, verdict="failed", text=text)
    return Finding(subject=subject, verdict="ok", text=f"{name} present")


def _slack(tenant: Tenant, secrets: SecretFiles) -> Finding:
    subject = f"slack of {tenant.id}"
    if tenant.slack and tenant.slack.channel:
        return _present(tenant, secrets, subject, slack.TOKEN_FILE, "the bot's token, since a channel is named")
    what = "the webhook's address, since no channel is named"
    found = _present(tenant, secrets, subject, slack.WEBHOOK_FILE, what)
    if found.verdict == "ok" and not secrets.values(tenant.id, slack.WEBHOOK_FILE)[0].startswith("https://"):
        return Finding(subject=subject, verdict="failed", text=f"{slack.WEBHOOK_FILE} holds no https:// address")
    return found


def _gifts(tenant: Tenant, secrets: SecretFiles) -> Finding:
    subject, gifts = f"gifts of {tenant.id}", tenant.gifts
    found = _present(tenant, secrets, subject, tremendous.KEY_FILE, "the account's API key")
    if gifts is None or found.verdict != "ok":
        return found
    if not (gifts.products or gifts.campaign):
        text = "tenant.yaml names neither products nor a campaign: Tremendous refuses such an order"
        return Finding(subject=subject, verdict="failed", text=text)
    if urlsplit(str(gifts.base_url)).hostname == _SANDBOX:
        return Finding(subject=subject, verdict="warning", text="ordered in the sandbox: nobody is given anything")
    return found
