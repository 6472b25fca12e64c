"""A client's row in the ledger, as planning sees it: the same for a plan and for its release."""

from agents.ledger.clients import ClientRow
from agents.tenants import Tenant
from streams.planning.client_view import ClientView, fallback_zone, view_client


def view_of(client: ClientRow, tenant: Tenant) -> ClientView:
    """What decides about a client of a tenant; one without a zone has the coach's, or else the tenant's."""
    return view_client(
        client.profile,
        erased=client.erased,
        fallback_zone=fallback_zone(tenant.coach(client.coach), tenant.timezone),
        opted_out=client.opted_out,
        suppression=client.suppression,
    )
