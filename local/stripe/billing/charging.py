"""The charge that a payment intent makes, paid or declined (https://docs.stripe.com/api/charges/object)."""

from typing import Any

from ..world import World
from . import cards

Object = dict[str, Any]


def new_charge(world: World, intent: Object, method: Object, decline: str | None) -> Object:
    code, decline_code, message = cards.codes(decline) if decline else (None, None, None)
    paid, id = decline is None, world.new_id("ch")
    charge: Object = {
        "id": id,
        "object": "charge",
        "_clock": intent["_clock"],
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": dict(method["billing_details"]),
        "calculated_statement_descriptor": "LOCAL STRIPE",
        "captured": paid,
        "created": world.now(None),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": code,
        "failure_message": message,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(decline_code or code, message),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"card": _used_card(method, intent["amount"]), "type": "card"},
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": f"{world.url}/receipts/{id}" if paid else None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if paid else "failed",
        "transfer_data": None,
        "transfer_group": None,
    }
    return world.store.put(charge)


def _outcome(reason: str | None, message: str | None) -> Object:
    declined = reason is not None
    return {
        "advice_code": "try_again_later" if declined else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if declined else "approved_by_network",
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": f"The bank returned the decline code `{reason}`." if declined else "Payment complete.",
        "type": "issuer_declined" if declined else "authorized",
    }


def _used_card(method: Object, amount: int) -> Object:
    face = method["card"]
    return {
        "amount_authorized": amount,
        "authorization_code": None,
        "brand": face["brand"],
        "checks": dict(face["checks"]),
        "country": face["country"],
        "electronic_commerce_indicator": None,
        "exp_month": face["exp_month"],
        "exp_year": face["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": face["fingerprint"],
        "funding": face["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": face["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": face["brand"],
        "network_token": {"used": False},
        "network_transaction_id": "104102103105104",
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }
