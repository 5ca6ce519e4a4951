"""The account's balance transactions (https://docs.stripe.com/api/balance_transactions)."""

from typing import Any

from stripe import params as sdk

from ..protocol.lists import PAGING, matching, page
from ..routing import Routes
from ..world import World

Object = dict[str, Any]


def register(routes: Routes) -> None:
    path = "/v1/balance_transactions"
    routes.add("GET", path, list_, sdk.BalanceTransactionListParams, f"created currency source type {PAGING}")
    routes.add("GET", path + "/{id}", retrieve, sdk.BalanceTransactionRetrieveParams)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("balance_transaction", id)


def list_(world: World, params: Object) -> Object:
    keep = matching(params, "currency", "source", "type")
    return page(world.store.all("balance_transaction"), params, "/v1/balance_transactions", keep)
