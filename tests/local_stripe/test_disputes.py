"""A cardholder disputes a payment: what Stripe says, takes and gives back."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.patience import until
from tests.local_stripe.shop import Shop


@pytest.fixture
def paid(shop: Shop) -> stripe.Charge:
    return charge(shop, "pm_card_visa")


def charge(shop: Shop, card: str) -> stripe.Charge:
    given: Any = {"amount": 2000, "currency": "usd", "payment_method": card, "confirm": True}
    given["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    intent = shop.v1.payment_intents.create({**given, "expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def dispute_of(shop: Shop, paid: stripe.Charge) -> stripe.Dispute:
    (dispute,) = shop.v1.disputes.list({"charge": paid.id}).data
    return dispute


def happened(shop: Shop, *subjects: str) -> list[str]:
    events = shop.v1.events.list({"limit": 50}).data[::-1]
    return [one.type for one in events if getattr(one.data.object, "id", None) in subjects]


def answer(shop: Shop, dispute: stripe.Dispute, text: str) -> stripe.Dispute:
    return shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})


def settled(shop: Shop, dispute: stripe.Dispute) -> stripe.Dispute:
    waiting = ("under_review", "warning_under_review")
    until(lambda: shop.v1.disputes.retrieve(dispute.id).status not in waiting, "the bank has answered")
    return shop.v1.disputes.retrieve(dispute.id)


def test_a_card_that_is_disputed_at_once(shop: Shop) -> None:
    paid = charge(shop, "pm_card_createDispute")
    dispute = dispute_of(shop, paid)
    assert paid.disputed
    assert (dispute.reason, dispute.status, dispute.amount) == ("fraudulent", "needs_response", 2000)
    assert dispute.payment_intent == paid.payment_intent
    assert not hasattr(dispute, "customer")
    (taken,) = dispute.balance_transactions
    assert (taken.type, taken.amount, taken.fee, taken.net) == ("adjustment", -2000, 1500, -3500)
    assert happened(shop, paid.id, dispute.id, str(paid.payment_intent)) == [
        "payment_intent.created",
        "charge.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]


def test_a_subscription_whose_payment_is_disputed_goes_on(shop: Shop) -> None:
    customer = shop.customer("pm_card_createDispute")
    subscription = customer.subscribe(shop.basic)
    assert subscription.status == "active"
    intent = customer.latest_invoice_payment()
    assert [one.status for one in shop.v1.disputes.list({"payment_intent": intent}).data] == ["needs_response"]


def test_winning_evidence_brings_the_money_back_without_the_fee(shop: Shop) -> None:
    paid = charge(shop, "pm_card_createDispute")
    dispute = dispute_of(shop, paid)
    submitted = answer(shop, dispute, "winning_evidence")
    assert (submitted.status, submitted.evidence_details.submission_count) == ("under_review", 1)
    won = settled(shop, dispute)
    assert (won.status, won.is_charge_refundable) == ("won", True)
    assert [(one.amount, one.fee) for one in won.balance_transactions] == [(-2000, 1500), (2000, 0)]
    assert happened(shop, paid.id, dispute.id)[-5:] == [
        "charge.dispute.updated",
        "charge.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
        "charge.updated",
    ]
    assert shop.v1.refunds.create({"charge": paid.id}).status == "succeeded"


def test_losing_evidence_loses(shop: Shop) -> None:
    dispute = dispute_of(shop, charge(shop, "pm_card_createDisputeProductNotReceived"))
    assert dispute.reason == "product_not_received"
    answer(shop, dispute, "losing_evidence")
    lost = settled(shop, dispute)
    assert (lost.status, len(lost.balance_transactions)) == ("lost", 1)
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        answer(shop, dispute, "one more thing")


def test_evidence_may_wait_before_it_is_submitted(shop: Shop) -> None:
    dispute = dispute_of(shop, charge(shop, "pm_card_createDispute"))
    staged = shop.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Jo"}, "submit": False})
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert staged.evidence_details.submission_count == 0
    submitted = shop.v1.disputes.update(dispute.id, {"submit": True, "metadata": {"case": "7"}})
    assert (submitted.status, submitted.metadata["case"]) == ("under_review", "7")


def test_accepting_a_dispute_loses_it(shop: Shop) -> None:
    paid = charge(shop, "pm_card_createDispute")
    dispute = dispute_of(shop, paid)
    assert shop.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"charge": paid.id})
    assert refused.value.code == "charge_disputed"


def test_an_inquiry_takes_no_money_until_it_is_escalated(shop: Shop) -> None:
    paid = charge(shop, "pm_card_createDisputeInquiry")
    dispute = dispute_of(shop, paid)
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    assert dispute.balance_transactions == []
    answer(shop, dispute, "escalate_inquiry_evidence")
    escalated = settled(shop, dispute)
    assert (escalated.status, escalated.is_charge_refundable) == ("needs_response", False)
    assert escalated.balance_transactions[0].amount == -2000


def test_an_inquiry_is_closed_by_request(shop: Shop) -> None:
    paid = charge(shop, "pm_card_createDisputeInquiry")
    assert shop.v1.disputes.close(dispute_of(shop, paid).id).status == "warning_closed"


def test_a_refund_closes_an_inquiry(shop: Shop) -> None:
    paid = charge(shop, "pm_card_createDisputeInquiry")
    shop.v1.refunds.create({"charge": paid.id})
    assert dispute_of(shop, paid).status == "warning_closed"


def test_any_paid_charge_can_be_disputed_and_settled_by_hand(shop: Shop, paid: stripe.Charge) -> None:
    given: dict[str, object] = {"reason": "subscription_canceled", "amount": 500}
    made = shop.server.control(f"charges/{paid.id}/dispute", given).json()
    assert (made["reason"], made["amount"], made["charge"]) == ("subscription_canceled", 500, paid.id)
    again = shop.server.control(f"charges/{paid.id}/dispute", {})
    assert again.status_code == 400
    settled = shop.server.control(f"disputes/{made['id']}/settle", {"outcome": "won"}).json()
    assert settled["status"] == "won"
    assert shop.server.control(f"disputes/{made['id']}/settle", {"outcome": "lost"}).status_code == 400


@pytest.mark.parametrize("given", [{"reason": "boredom"}, {"amount": 999999}, {"status": "won"}, {"why": 1}])
def test_a_dispute_by_hand_is_checked(shop: Shop, paid: stripe.Charge, given: dict[str, object]) -> None:
    assert shop.server.control(f"charges/{paid.id}/dispute", given).status_code == 400


@pytest.fixture
def balance(shop: Shop) -> int:
    return shop.v1.balance.retrieve().available[0].amount


def test_the_accounts_balance_follows(shop: Shop, balance: int) -> None:
    paid = charge(shop, "pm_card_createDispute")
    assert shop.v1.balance.retrieve().available[0].amount == balance + 2000 - 88 - 2000 - 1500
    dispute = dispute_of(shop, paid)
    moved = shop.v1.balance_transactions.list({"source": dispute.id}).data
    assert [one.reporting_category for one in moved] == ["dispute"]
    assert shop.v1.balance_transactions.retrieve(str(paid.balance_transaction)).fee == 88


def test_a_dispute_that_is_not_there(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such dispute: 'du_none'") as refused:
        shop.v1.disputes.retrieve("du_none")
    assert refused.value.param == "dispute"
