"""The account behind the key, and its balance (https://docs.stripe.com/api/accounts, https://docs.stripe.com/api/balance)."""

from typing import Any

from stripe import params as sdk

from ..routing import Routes
from ..world import World

Object = dict[str, Any]


def register(routes: Routes) -> None:
    routes.add("GET", "/v1/account", retrieve, sdk.AccountRetrieveCurrentParams)
    routes.add("GET", "/v1/balance", balance, sdk.BalanceRetrieveParams)


def retrieve(world: World, params: Object) -> Object:
    return {
        "id": "acct_1LocalStripe0000",
        "object": "account",
        "business_type": None,
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "local@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


def balance(world: World, params: Object) -> Object:
    """The sum of all balance transactions, available at once."""
    totals: dict[str, int] = {}
    for moved in world.store.kinds.get("balance_transaction", {}).values():
        totals[moved["currency"]] = totals.get(moved["currency"], 0) + moved["net"]
    available = [{"amount": amount, "currency": currency} for currency, amount in (totals or {"usd": 0}).items()]
    pending = [{"amount": 0, "currency": one["currency"]} for one in available]
    return {"object": "balance", "available": available, "livemode": False, "pending": pending}
