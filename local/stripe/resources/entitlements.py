"""Features, the products that have them, and who is entitled (https://docs.stripe.com/api/entitlements/feature)."""

from typing import Any

from stripe import params as sdk
from stripe.params import entitlements as sdk_entitlements

from ..billing import entitlement
from ..protocol.errors import invalid, missing
from ..protocol.lists import PAGING, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World, visible

Object = dict[str, Any]
FEATURES, ACTIVE = "/v1/entitlements/features", "/v1/entitlements/active_entitlements"
KIND = "entitlements.feature"


def register(routes: Routes) -> None:
    types = sdk_entitlements
    routes.add("POST", FEATURES, create, types.FeatureCreateParams)
    routes.add("GET", FEATURES, list_, types.FeatureListParams, f"archived lookup_key {PAGING}")
    routes.add("GET", FEATURES + "/{id}", retrieve, types.FeatureRetrieveParams)
    routes.add("POST", FEATURES + "/{id}", update, types.FeatureUpdateParams)
    routes.add("GET", ACTIVE, list_active, types.ActiveEntitlementListParams, f"customer {PAGING}")
    routes.add("GET", ACTIVE + "/{id}", retrieve_active, types.ActiveEntitlementRetrieveParams)
    of_product = "/v1/products/{id}/features"
    routes.add("POST", of_product, attach, sdk.ProductFeatureCreateParams, "entitlement_feature")
    routes.add("GET", of_product, list_attached, sdk.ProductFeatureListParams, PAGING)
    routes.add("GET", of_product + "/{feature}", retrieve_attached, sdk.ProductFeatureRetrieveParams)
    routes.add("DELETE", of_product + "/{feature}", detach, None)


def create(world: World, params: Object) -> Object:
    key = params["lookup_key"]
    if any(one["lookup_key"] == key for one in world.store.all(KIND)):
        message = f"A feature with the lookup key `{key}` already exists."
        raise invalid(message, "lookup_key", "lookup_key_already_in_use")
    feature: Object = {
        "id": world.new_id("feat"),
        "object": KIND,
        "active": True,
        "livemode": False,
        "lookup_key": key,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "name": params["name"],
    }
    return world.store.put(feature)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find(KIND, id)


def update(world: World, id: str, params: Object) -> Object:
    """An archived feature can no longer be given to products; those that have it keep it."""
    feature = world.store.edit(world.find(KIND, id))
    for name in ("active", "name"):
        if name in params:
            feature[name] = params[name]
    if "metadata" in params:
        feature["metadata"] = merged_metadata(feature["metadata"], params["metadata"])
    for attached in world.store.all("product_feature"):
        if attached["entitlement_feature"]["id"] == id:
            world.store.edit(attached)["entitlement_feature"] = visible(feature)
    return feature


def list_(world: World, params: Object) -> Object:
    archived, key = params.get("archived"), params.get("lookup_key")

    def keep(one: Object) -> bool:
        return (archived is None or one["active"] is not archived) and key in (None, one["lookup_key"])

    return page(world.store.all(KIND), params, FEATURES, keep)


def list_active(world: World, params: Object) -> Object:
    world.find("customer", params["customer"], "customer")
    return page(entitlement.held_by(world, params["customer"]), params, ACTIVE)


def retrieve_active(world: World, id: str, params: Object) -> Object:
    return world.find(entitlement.KIND, id)


def attach(world: World, id: str, params: Object) -> Object:
    """Who subscribes to the product, now or later, is entitled to the feature."""
    world.find("product", id, "product")
    feature = world.find(KIND, params["entitlement_feature"], "entitlement_feature")
    if not feature["active"]:
        raise invalid("An archived feature cannot be added to a product.", "entitlement_feature")
    if any(one["entitlement_feature"]["id"] == feature["id"] for one in _attached(world, id)):
        raise invalid("This feature is already attached to the product.", "entitlement_feature")
    attached: Object = {
        "id": world.new_id("prodft"),
        "object": "product_feature",
        "_product": id,
        "entitlement_feature": visible(feature),
        "livemode": False,
    }
    world.store.put(attached)
    _follow(world, id)
    return attached


def _attached(world: World, product: str) -> list[Object]:
    return [one for one in world.store.all("product_feature") if one["_product"] == product]


def _follow(world: World, product: str) -> None:
    """Whoever subscribes to the product already."""
    customers = {
        subscription["customer"]: None
        for subscription in world.store.all("subscription")
        if any(item["price"]["product"] == product for item in subscription["items"]["data"])
    }
    for customer in customers:
        entitlement.update(world, world.store.objects[customer])


def _one(world: World, product: str, id: str) -> Object:
    world.find("product", product, "product")
    found = world.find("product_feature", id)
    if found["_product"] != product:
        raise missing("product_feature", id)
    return found


def retrieve_attached(world: World, id: str, feature: str, params: Object) -> Object:
    return _one(world, id, feature)


def list_attached(world: World, id: str, params: Object) -> Object:
    world.find("product", id, "product")
    return page(_attached(world, id), params, f"/v1/products/{id}/features")


def detach(world: World, id: str, feature: str, params: Object) -> Object:
    world.store.delete(_one(world, id, feature))
    _follow(world, id)
    return {"id": feature, "object": "product_feature", "deleted": True}
