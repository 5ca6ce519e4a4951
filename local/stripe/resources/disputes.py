"""Disputes (https://docs.stripe.com/api/disputes): test cards or the control API make them, here they are answered."""

from typing import Any

from stripe import params as sdk

from ..billing import disputing
from ..billing.new_dispute import EVIDENCE
from ..protocol.errors import invalid
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
"""Evidence that is an uploaded file; files are not emulated."""
EMULATED = " ".join(["submit", "metadata", *(f"evidence.{name}" for name in EVIDENCE if name not in FILES)])
LONGEST = 150_000
"""Characters of all evidence together (https://docs.stripe.com/api/disputes/update)."""


def register(routes: Routes) -> None:
    path = "/v1/disputes"
    routes.add("GET", path, list_, sdk.DisputeListParams, f"charge created payment_intent {PAGING}")
    routes.add("GET", path + "/{id}", retrieve, sdk.DisputeRetrieveParams)
    routes.add("POST", path + "/{id}", update, sdk.DisputeModifyParams, EMULATED)
    routes.add("POST", path + "/{id}/close", close, sdk.DisputeCloseParams)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("dispute", id, "dispute")


def update(world: World, id: str, params: Object) -> Object:
    """Evidence is submitted with the call unless ``submit`` is false; then it is only staged."""
    dispute = world.find("dispute", id, "dispute")
    if "evidence" in params or params.get("submit"):
        disputing.refuse_unless_open(dispute)
    mark = world.mark()
    with world.changing(dispute, "charge.dispute.updated"):
        if "metadata" in params:
            dispute["metadata"] = merged_metadata(dispute["metadata"], params["metadata"])
        if "evidence" in params:
            _gather(dispute, params["evidence"])
        if params.get("submit", "evidence" in params) and dispute["evidence_details"]["has_evidence"]:
            disputing.submit(world, dispute)
    if world.mark() > mark:
        world.emit("charge.updated", world.store.objects[dispute["charge"]], {})
    return dispute


def _gather(dispute: Object, given: Object) -> None:
    gathered = {**dispute["evidence"], **{name: value or None for name, value in given.items()}}
    if sum(len(value) for value in gathered.values() if isinstance(value, str)) > LONGEST:
        raise invalid(f"The combined character count of evidence is limited to {LONGEST}.", "evidence")
    dispute["evidence"] = gathered
    dispute["evidence_details"]["has_evidence"] = True


def close(world: World, id: str, params: Object) -> Object:
    """Accept it: lost. An inquiry is over; so closes the trigger ``charge.dispute.closed`` of Stripe's own CLI."""
    dispute = world.find("dispute", id, "dispute")
    disputing.refuse_unless_open(dispute)
    if dispute["status"] in disputing.INQUIRIES:
        disputing.close_inquiry(world, dispute)
    else:
        disputing.lose(world, dispute)
    return dispute


def list_(world: World, params: Object) -> Object:
    store, charge, intent = world.store, params.get("charge"), params.get("payment_intent")
    found = store.where("dispute", "charge", charge) if charge else store.all("dispute")
    if intent and not charge:
        found = store.where("dispute", "payment_intent", intent)
    return page(found, params, "/v1/disputes", matching(params, "charge", "payment_intent"))
