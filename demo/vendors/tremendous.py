"""Tremendous as its API reference describes it: orders by external id, approval, funds, and rewards that are cancelled.

Holds only the orders that it is given. Must never know Cairn: its formats are written a second
time here, so that both sides cannot be wrong in the same way.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from aiohttp import web

from demo.vendors.server import VendorServer

_CENTS = 100


class TremendousServer(VendorServer):
    """An account's API: `POST /api/v2/orders`, `GET /api/v2/orders/{id}`, `POST /api/v2/rewards/{id}/cancel`.

    Args:
        key: the account's API key.
        funds_cents: its balance.
        needs_approval: orders wait for a person.

    Attributes:
        orders: by external id, as the API shows them.
        requests_for: how often each external id was ordered.
        funds_cents: what is left.
    """

    def __init__(self, *, key: str, funds_cents: int = 1_000_000, needs_approval: bool = False) -> None:
        super().__init__()
        self.orders: dict[str, dict[str, Any]] = {}
        self.requests_for: dict[str, int] = {}
        self.funds_cents = funds_cents
        self.needs_approval = needs_approval
        self._authorization = f"Bearer {key}"
        self._numbers = count(1)
        self.app.router.add_post("/api/v2/orders", self._order)
        self.app.router.add_get("/api/v2/orders/{id}", self._show)
        self.app.router.add_post("/api/v2/rewards/{id}/cancel", self._cancel)

    def redeem(self, external_id: str) -> None:
        """The client has taken the money: it cannot be cancelled any more."""
        self.orders[external_id]["rewards"][0]["redeemed"] = True

    def settle(self, external_id: str, status: str) -> None:
        """The order comes to another status, as when somebody approves or declines it."""
        self.orders[external_id]["status"] = status

    async def _order(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != self._authorization:
            return _error(401, "Unauthorized")
        asked = json.loads(await request.read(), parse_float=Decimal, parse_int=Decimal)
        if faults := _faults(asked):
            return _error(400, "Order failed: validation failure", faults)
        external_id = str(asked.get("external_id") or f"none-{next(self._numbers)}")
        self.requests_for[external_id] = self.requests_for.get(external_id, 0) + 1
        if external_id in self.orders:
            return web.json_response({"order": self.orders[external_id]}, status=201)
        cents = int(asked["reward"]["value"]["denomination"] * _CENTS)
        if cents > self.funds_cents:
            return _error(402, "Not enough funds in your account")
        if not self.needs_approval:
            self.funds_cents -= cents
        self.orders[external_id] = self._made(asked, cents)
        return web.json_response({"order": self.orders[external_id]})

    def _made(self, asked: dict[str, Any], cents: int) -> dict[str, Any]:
        order_id, reward_id = f"ORDER{next(self._numbers):07d}", f"REWARD{next(self._numbers):06d}"
        now = datetime.now(UTC).isoformat()
        reward = asked["reward"]
        return {
            "id": order_id,
            "external_id": asked.get("external_id"),
            "created_at": now,
            "status": "PENDING APPROVAL" if self.needs_approval else "EXECUTED",
            "channel": "API",
            "payment": {"subtotal": cents / _CENTS, "total": cents / _CENTS, "fees": 0},
            "rewards": [
                {
                    "id": reward_id,
                    "order_id": order_id,
                    "created_at": now,
                    "value": {"denomination": cents / _CENTS, "currency_code": reward["value"]["currency_code"]},
                    "recipient": reward["recipient"],
                    "delivery": {"method": reward["delivery"]["method"], "status": "SUCCEEDED"},
                    "products": reward.get("products", []),
                    "campaign_id": reward.get("campaign_id"),
                }
            ],
        }

    async def _show(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != self._authorization:
            return _error(401, "Unauthorized")
        asked = request.match_info["id"]
        for external_id, order in self.orders.items():
            if asked in (external_id, order["id"]):
                return web.json_response({"order": order})
        return _error(404, "Order not found")

    async def _cancel(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != self._authorization:
            return _error(401, "Unauthorized")
        for order in self.orders.values():
            for reward in order["rewards"]:
                if reward["id"] == request.match_info["id"]:
                    return self._cancelled(order, reward)
        return _error(404, "Reward not found")

    def _cancelled(self, order: dict[str, Any], reward: dict[str, Any]) -> web.Response:
        if order["status"] != "EXECUTED" or reward.get("redeemed"):
            return _error(422, "The reward can't be canceled")
        order["status"] = "CANCELED"
        self.funds_cents += round(reward["value"]["denomination"] * _CENTS)
        return web.json_response({"reward": reward})


def _faults(asked: dict[str, Any]) -> dict[str, Any]:
    """Which fields are missing or wrong, in the shape of the request."""
    reward = asked.get("reward", {})
    value, recipient = reward.get("value", {}), reward.get("recipient", {})
    faults: dict[str, Any] = {}
    if not asked.get("payment", {}).get("funding_source_id"):
        faults["payment"] = {"funding_source_id": "is missing"}
    wrong: dict[str, Any] = {}
    if not (reward.get("products") or reward.get("campaign_id")):
        wrong["products"] = "either products or campaign_id must be specified"
    if not value.get("currency_code") or not isinstance(value.get("denomination"), Decimal):
        wrong["value"] = {"denomination": "is missing or no number"}
    if "@" not in str(recipient.get("email")):
        wrong["recipient"] = {"email": f"{recipient.get('email')} is not valid"}
    return faults | ({"reward": wrong} if wrong else {})


def _error(status: int, message: str, payload: dict[str, Any] | None = None) -> web.Response:
    return web.json_response({"errors": {"message": message, "payload": payload or {}}}, status=status)
