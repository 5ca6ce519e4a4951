"""A customer's balance transactions (https://docs.stripe.com/api/customer_balance_transactions)."""

from typing import Any

from stripe import params as sdk

from ..billing import balance
from ..protocol.errors import invalid, missing
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World
from . import test_clocks

Object = dict[str, Any]
KIND = "customer_balance_transaction"


def register(routes: Routes) -> None:
    path = "/v1/customers/{id}/balance_transactions"
    routes.add("POST", path, create, sdk.CustomerCreateBalanceTransactionParams)
    routes.add("GET", path, list_, sdk.CustomerListBalanceTransactionsParams, f"created {PAGING}")
    routes.add("GET", path + "/{transaction}", retrieve, sdk.CustomerRetrieveBalanceTransactionParams)
    routes.add("POST", path + "/{transaction}", update, sdk.CustomerModifyBalanceTransactionParams)


def create(world: World, id: str, params: Object) -> Object:
    customer = world.find("customer", id, "customer")
    test_clocks.refuse_while_advancing(world, customer["_clock"])
    currency = params["currency"].lower()
    if customer["currency"] not in (None, currency):
        raise invalid(f"The customer's currency is {customer['currency']}.", "currency")
    if params["amount"] == 0:
        raise invalid("Invalid integer: amount must not be zero", "amount", "parameter_invalid_integer")
    given = {"currency": currency, "description": params.get("description") or None}
    given["metadata"] = merged_metadata({}, params.get("metadata", {}))
    with world.changing(customer, "customer.updated"):
        customer["currency"] = currency
        made = balance.write(world, customer, params["amount"], "adjustment", **given)
    assert made is not None
    return made


def _of(world: World, id: str, transaction: str) -> Object:
    world.find("customer", id, "customer")
    found = world.find(KIND, transaction, "transaction")
    if found["customer"] != id:
        raise missing(KIND, transaction, "transaction")
    return found


def retrieve(world: World, id: str, transaction: str, params: Object) -> Object:
    return _of(world, id, transaction)


def update(world: World, id: str, transaction: str, params: Object) -> Object:
    found = world.store.edit(_of(world, id, transaction))
    if "description" in params:
        found["description"] = params["description"] or None
    if "metadata" in params:
        found["metadata"] = merged_metadata(found["metadata"], params["metadata"])
    return found


def list_(world: World, id: str, params: Object) -> Object:
    world.find("customer", id, "customer")
    written = world.store.where(KIND, "customer", id)
    return page(written, params, f"/v1/customers/{id}/balance_transactions", matching(params))
