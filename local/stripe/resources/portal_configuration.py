"""What customers may do in the portal (https://docs.stripe.com/api/customer_portal/configurations)."""

from typing import Any

from stripe.params import billing_portal as sdk

from ..protocol.errors import not_emulated
from ..protocol.lists import matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
KIND, PATH = "billing_portal.configuration", "/v1/billing_portal/configurations"
REASONS = ["too_expensive", "missing_features", "switched_service", "unused", "other"]


def register(routes: Routes) -> None:
    routes.add("POST", PATH, create, sdk.ConfigurationCreateParams)
    routes.add("GET", PATH, list_, sdk.ConfigurationListParams)
    routes.add("GET", PATH + "/{id}", retrieve, sdk.ConfigurationRetrieveParams)
    routes.add("POST", PATH + "/{id}", update, sdk.ConfigurationUpdateParams)


def create(world: World, params: Object) -> Object:
    now = world.now(None)
    configuration: Object = {
        "id": world.new_id("bpc"),
        "object": KIND,
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": now,
        "default_return_url": None,
        "features": _features(),
        "is_default": not world.store.all(KIND),
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "name": None,
        "updated": now,
    }
    world.store.put(configuration)
    _apply(configuration, params)
    world.emit("billing_portal.configuration.created", configuration)
    return configuration


def _features() -> Object:
    return {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "feedback_options": None, "options": list(REASONS)},
            "enabled": True,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


def _refuse(features: Object) -> None:
    pause = features.get("subscription_pause", {})
    if pause.get("duration", {}).get("type", "indefinite") != "indefinite":
        name = "features[subscription_pause][duration][type]"
        raise not_emulated("Pauses that end by themselves", name)


def _apply(configuration: Object, params: Object) -> None:
    _refuse(params.get("features", {}))
    for name, feature in params.get("features", {}).items():
        old = configuration["features"][name]
        new = {**old, **_emptied(feature)}
        for nested in ("cancellation_reason", "duration", "schedule_at_period_end"):
            if nested in feature and nested in old:
                new[nested] = {**old[nested], **_emptied(feature[nested])}
        for product in new.get("products", []):
            product.setdefault("adjustable_quantity", {"enabled": False, "maximum": None, "minimum": 0})
        configuration["features"][name] = new
    if "business_profile" in params:
        given = {key: value or None for key, value in params["business_profile"].items()}
        configuration["business_profile"] = {**configuration["business_profile"], **given}
    if "metadata" in params:
        configuration["metadata"] = merged_metadata(configuration["metadata"], params["metadata"])
    for name in ("active", "default_return_url", "name"):
        if name in params:
            configuration[name] = params[name] if params[name] != "" else None
    if params.get("login_page", {}).get("enabled"):
        raise not_emulated("The portal's login page", "login_page[enabled]")


def _emptied(given: Object) -> Object:
    """An empty string unsets: what is a list becomes an empty one, a single id becomes null."""
    nothing: Object = {"payment_method_configuration": None}
    return {key: value if value != "" else nothing.get(key, []) for key, value in given.items()}


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find(KIND, id)


def update(world: World, id: str, params: Object) -> Object:
    configuration = world.find(KIND, id)
    with world.changing(configuration, "billing_portal.configuration.updated"):
        configuration["features"] = {name: dict(feature) for name, feature in configuration["features"].items()}
        _apply(configuration, params)
        configuration["updated"] = world.now(None)
    return configuration


def list_(world: World, params: Object) -> Object:
    keep = matching(params, "active", "is_default")
    return page(world.store.all(KIND), params, PATH, keep)


def default(world: World) -> Object:
    """The default configuration; a first one comes by itself."""
    known = [one for one in world.store.all(KIND) if one["is_default"]]
    return known[0] if known else create(world, {})
