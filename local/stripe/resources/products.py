"""Products (https://docs.stripe.com/api/products)."""

from typing import Any

from stripe import params as sdk

from ..protocol.errors import invalid
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..protocol.scalars import empty
from ..protocol.search import search as search_page
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
PLAIN = ("active", "description", "images", "marketing_features", "name", "shippable", "url")
NULLABLE = ("statement_descriptor", "tax_code", "unit_label")
EMULATED = """active description images marketing_features metadata name shippable statement_descriptor unit_label url
    tax_code"""


def register(routes: Routes) -> None:
    routes.add("POST", "/v1/products", create, sdk.ProductCreateParams, f"{EMULATED} id type default_price_data")
    routes.add("GET", "/v1/products", list_, sdk.ProductListParams, f"active created ids shippable type url {PAGING}")
    routes.add("GET", "/v1/products/search", search, sdk.ProductSearchParams)
    routes.add("GET", "/v1/products/{id}", retrieve, sdk.ProductRetrieveParams)
    routes.add("POST", "/v1/products/{id}", update, sdk.ProductUpdateParams, f"{EMULATED} default_price")
    routes.add("DELETE", "/v1/products/{id}", delete, None)


def create(world: World, params: Object) -> Object:
    id = params.pop("id", None) or world.new_id("prod", 14)
    if world.store.get(id):
        raise invalid(f"Product already exists: {id}", "id", "resource_already_exists")
    now = world.now(None)
    product: Object = {
        "id": id,
        "object": "product",
        "active": True,
        "created": now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": "",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "tax_details": None,
        "type": params.pop("type", "service"),
        "unit_label": None,
        "updated": now,
        "url": None,
    }
    world.store.put(product)
    price = params.pop("default_price_data", None)
    _apply(product, params)
    world.emit("product.created", product)
    if price:
        _with_default_price(world, product, price)
    return product


def _with_default_price(world: World, product: Object, data: Object) -> None:
    from . import prices

    price = prices.create(world, {**data, "product": product["id"]})
    with world.changing(product, "product.updated"):
        product["default_price"] = price["id"]


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("product", id)


def update(world: World, id: str, params: Object) -> Object:
    product = world.find("product", id)
    if params.get("default_price"):
        world.find("price", params["default_price"], "default_price")
    with world.changing(product, "product.updated"):
        if "default_price" in params:
            product["default_price"] = params["default_price"] or None
        _apply(product, params)
        product["updated"] = world.now(None)
    return product


def _apply(product: Object, params: Object) -> None:
    if "metadata" in params:
        product["metadata"] = merged_metadata(product["metadata"], params["metadata"])
    for name in (*PLAIN, *NULLABLE):
        if name in params:
            if name == "name" and params[name] == "":
                raise empty(name)
            nothing: Any = [] if name in ("images", "marketing_features") else None
            product[name] = params[name] if params[name] != "" else nothing


def delete(world: World, id: str, params: Object) -> Object:
    product = world.find("product", id)
    if world.store.where("price", "product", id):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.", "id")
    world.emit("product.deleted", product)
    world.store.delete(product)
    return {"id": id, "object": "product", "deleted": True}


def list_(world: World, params: Object) -> Object:
    ids, keep = params.get("ids"), matching(params, "active", "shippable", "url", "type")
    products = world.store.all("product")
    return page(products, params, "/v1/products", lambda one: (ids is None or one["id"] in ids) and keep(one))


def search(world: World, params: Object) -> Object:
    fields = ("active", "description", "name", "shippable", "url")
    return search_page(world.store.all("product"), params, "/v1/products/search", fields)
