"""The customer portal's sessions and configurations (https://docs.stripe.com/api/customer_portal)."""

from typing import Any

from stripe.params import billing_portal as sdk

from ..protocol.errors import invalid, not_emulated
from ..protocol.lists import matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
CONFIGURATIONS, SESSIONS = "/v1/billing_portal/configurations", "/v1/billing_portal/sessions"
REASONS = ["too_expensive", "missing_features", "switched_service", "unused", "other"]


def register(routes: Routes) -> None:
    routes.add("POST", CONFIGURATIONS, create_configuration, sdk.ConfigurationCreateParams)
    routes.add("GET", CONFIGURATIONS, list_configurations, sdk.ConfigurationListParams)
    routes.add("GET", CONFIGURATIONS + "/{id}", retrieve_configuration, sdk.ConfigurationRetrieveParams)
    routes.add("POST", CONFIGURATIONS + "/{id}", update_configuration, sdk.ConfigurationUpdateParams)
    emulates = "configuration customer locale return_url"
    routes.add("POST", SESSIONS, create_session, sdk.SessionCreateParams, emulates)


def create_configuration(world: World, params: Object) -> Object:
    now = world.now(None)
    configuration: Object = {
        "id": world.new_id("bpc"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": now,
        "default_return_url": None,
        "features": _features(),
        "is_default": not world.store.all("billing_portal.configuration"),
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


def _apply(configuration: Object, params: Object) -> None:
    for name, feature in params.get("features", {}).items():
        old = configuration["features"][name]
        new = {**old, **{key: value if value != "" else [] for key, value in feature.items()}}
        for nested in ("cancellation_reason", "duration", "schedule_at_period_end"):
            if nested in feature and nested in old:
                new[nested] = {**old[nested], **feature[nested]}
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


def retrieve_configuration(world: World, id: str, params: Object) -> Object:
    return world.find("billing_portal.configuration", id)


def update_configuration(world: World, id: str, params: Object) -> Object:
    configuration = world.find("billing_portal.configuration", id)
    with world.changing(configuration, "billing_portal.configuration.updated"):
        configuration["features"] = {name: dict(feature) for name, feature in configuration["features"].items()}
        _apply(configuration, params)
        configuration["updated"] = world.now(None)
    return configuration


def list_configurations(world: World, params: Object) -> Object:
    keep = matching(params, "active", "is_default")
    return page(world.store.all("billing_portal.configuration"), params, CONFIGURATIONS, keep)


def create_session(world: World, params: Object) -> Object:
    """Made with the default configuration unless another is named; a first one comes by itself."""
    if "customer" not in params:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = world.find("customer", params["customer"], "customer")
    if "configuration" in params:
        configuration = world.find("billing_portal.configuration", params["configuration"], "configuration")
    else:
        known = [one for one in world.store.all("billing_portal.configuration") if one["is_default"]]
        configuration = known[0] if known else create_configuration(world, {})
    session: Object = {
        "id": world.new_id("bps"),
        "object": "billing_portal.session",
        "_clock": customer["_clock"],
        "configuration": configuration["id"],
        "created": world.now(customer["_clock"]),
        "customer": customer["id"],
        "customer_account": None,
        "flow": None,
        "livemode": False,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": params.get("return_url") or configuration["default_return_url"],
        "url": "",
    }
    session["url"] = f"{world.url}/p/session/{session['id']}"
    world.store.put(session)
    world.emit("billing_portal.session.created", session)
    return session
