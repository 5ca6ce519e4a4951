"""Webhook endpoints (https://docs.stripe.com/api/webhook_endpoints)."""

from typing import Any
from urllib.parse import urlsplit

from stripe import params as sdk

from ..protocol.errors import invalid, not_emulated
from ..protocol.lists import page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import API_VERSION, World, visible

Object = dict[str, Any]


def register(routes: Routes) -> None:
    path = "/v1/webhook_endpoints"
    emulates = "api_version description enabled_events metadata url"
    routes.add("POST", path, create, sdk.WebhookEndpointCreateParams, emulates)
    routes.add("GET", path, list_, sdk.WebhookEndpointListParams)
    routes.add("GET", path + "/{id}", retrieve, sdk.WebhookEndpointRetrieveParams)
    routes.add("POST", path + "/{id}", update, sdk.WebhookEndpointUpdateParams)
    routes.add("DELETE", path + "/{id}", delete, None)


def create(world: World, params: Object) -> Object:
    """The signing secret is in this answer and in no other."""
    version = params.get("api_version", API_VERSION)
    if version != API_VERSION:
        raise not_emulated(f"A webhook endpoint of API version {version}", "api_version")
    _check(params)
    endpoint: Object = {
        "id": world.new_id("we"),
        "object": "webhook_endpoint",
        "_secret": world.new_id("whsec", 32),
        "api_version": params.get("api_version"),
        "application": None,
        "created": world.now(None),
        "description": params.get("description") or None,
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "status": "enabled",
        "url": params["url"],
    }
    world.store.put(endpoint)
    return {**visible(endpoint), "secret": endpoint["_secret"]}


def _check(params: Object) -> None:
    if "url" in params and urlsplit(params["url"]).scheme not in ("http", "https"):
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid")
    if "enabled_events" in params and not params["enabled_events"]:
        raise invalid("Invalid array: enabled_events must not be empty", "enabled_events", "parameter_invalid_empty")


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("webhook_endpoint", id)


def update(world: World, id: str, params: Object) -> Object:
    endpoint = world.store.edit(world.find("webhook_endpoint", id))
    _check(params)
    for name in ("url", "enabled_events"):
        if name in params:
            endpoint[name] = params[name]
    if "description" in params:
        endpoint["description"] = params["description"] or None
    if "metadata" in params:
        endpoint["metadata"] = merged_metadata(endpoint["metadata"], params["metadata"])
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    return endpoint


def delete(world: World, id: str, params: Object) -> Object:
    world.store.delete(world.find("webhook_endpoint", id))
    return {"id": id, "object": "webhook_endpoint", "deleted": True}


def roll_secret(world: World, id: str, lasts: int) -> Object:
    """A new secret, shown in this answer only; the old one signs as well for ``lasts`` seconds of the wall clock.

    Stripe offers this in its dashboard only: https://docs.stripe.com/webhooks#roll-endpoint-secrets
    """
    endpoint = world.store.edit(world.find("webhook_endpoint", id))
    endpoint["_former_secret"], endpoint["_former_until"] = endpoint["_secret"], world.wall.now() + lasts
    endpoint["_secret"] = world.new_id("whsec", 32)
    return {**visible(endpoint), "secret": endpoint["_secret"]}


def list_(world: World, params: Object) -> Object:
    return page(world.store.all("webhook_endpoint"), params, "/v1/webhook_endpoints")
