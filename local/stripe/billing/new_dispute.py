"""A new dispute as the API shows it (https://docs.stripe.com/api/disputes/object). It names no customer."""

from typing import Any

from ..world import World

Object = dict[str, Any]
DAY = 86400
DAYS_TO_RESPOND = 8
REASONS = (
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
NETWORK_CODES = {
    "credit_not_processed": "13.6",
    "duplicate": "12.6.1",
    "fraudulent": "10.4",
    "general": "13.5",
    "product_not_received": "13.1",
    "product_unacceptable": "13.3",
    "subscription_canceled": "13.2",
}
"""Visa's codes (https://docs.stripe.com/disputes/categories)."""
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)


def new_dispute(world: World, charge: Object, reason: str, amount: int, inquiry: bool) -> Object:
    now, brand = world.now(None), charge["payment_method_details"]["card"]["brand"]
    code = "10" if inquiry else NETWORK_CODES.get(reason)
    case = {"brand": brand, "case_type": "inquiry" if inquiry else "chargeback", "network": brand}
    return {
        "id": world.new_id("du"),
        "object": "dispute",
        "_clock": charge["_clock"],
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": _known(world, charge),
        "evidence_details": {
            "due_by": (now // DAY + DAYS_TO_RESPOND + 1) * DAY - 1,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": {**case, "network_reason_code": code}, "type": "card"},
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _known(world: World, charge: Object) -> Object:
    """Stripe fills in what it knows of the customer."""
    customer = world.store.get(charge["customer"] or "") or {}
    billing = charge["billing_details"]
    evidence: Object = dict.fromkeys(EVIDENCE)
    evidence["customer_email_address"] = billing["email"] or customer.get("email")
    evidence["customer_name"] = billing["name"] or customer.get("name")
    return {**evidence, "enhanced_evidence": {}}
