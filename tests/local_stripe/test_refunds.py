"""Money back, at once, later or in vain."""

import pytest
import stripe

from tests.local_stripe.patience import until
from tests.local_stripe.shop import Shop
from tests.local_stripe.test_disputes import charge, happened


def test_in_parts_until_nothing_is_left(shop: Shop) -> None:
    paid = charge(shop, "pm_card_visa")
    first = shop.v1.refunds.create({"charge": paid.id, "amount": 500, "reason": "requested_by_customer"})
    with pytest.raises(stripe.InvalidRequestError, match=r"Refund amount \(\$16\.00\) is greater .* \(\$15\.00\)"):
        shop.v1.refunds.create({"charge": paid.id, "amount": 1600})
    second = shop.v1.refunds.create({"payment_intent": str(paid.payment_intent)})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"charge": paid.id})
    assert refused.value.code == "charge_already_refunded"
    assert [one.id for one in shop.v1.refunds.list({"charge": paid.id}).data] == [second.id, first.id]
    assert happened(shop, paid.id, first.id, second.id)[-4:] == ["refund.created", "charge.refunded"] * 2
    taken = shop.v1.balance_transactions.retrieve(str(second.balance_transaction))
    assert (taken.type, taken.amount, taken.source) == ("refund", -1500, second.id)


def test_a_bank_that_takes_its_time(shop: Shop) -> None:
    paid = charge(shop, "pm_card_pendingRefund")
    refund = shop.v1.refunds.create({"charge": paid.id})
    assert refund.status == "pending"
    until(lambda: shop.v1.refunds.retrieve(refund.id).status == "succeeded", "the refund has arrived")
    assert happened(shop, refund.id) == ["refund.created", "refund.updated", "charge.refund.updated"]


def test_a_refund_that_fails_comes_back(shop: Shop) -> None:
    paid = charge(shop, "pm_card_refundFail")
    refund = shop.v1.refunds.create({"charge": paid.id})
    until(lambda: shop.v1.refunds.retrieve(refund.id).status == "failed", "the refund has failed")
    failed = shop.v1.refunds.retrieve(refund.id)
    assert failed.failure_reason == "expired_or_canceled_card"
    back = shop.v1.balance_transactions.retrieve(str(failed.failure_balance_transaction))
    assert (back.type, back.amount) == ("refund_failure", 2000)
    assert shop.v1.charges.retrieve(paid.id).amount_refunded == 0
    assert happened(shop, refund.id)[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]


def test_a_note_on_a_refund_is_told_by_both_names(shop: Shop) -> None:
    refund = shop.v1.refunds.create({"charge": charge(shop, "pm_card_visa").id})
    shop.v1.refunds.update(refund.id, {"metadata": {"order": "6735"}})
    assert happened(shop, refund.id)[1:] == ["refund.updated", "charge.refund.updated"]


def test_canceling(shop: Shop) -> None:
    pending = shop.v1.refunds.create({"charge": charge(shop, "pm_card_pendingRefund").id})
    assert shop.v1.refunds.cancel(pending.id).status == "canceled"
    done = shop.v1.refunds.create({"charge": charge(shop, "pm_card_visa").id})
    with pytest.raises(stripe.InvalidRequestError, match="unsupported"):
        shop.v1.refunds.cancel(done.id)


def test_a_charge_is_annotated_and_found(shop: Shop) -> None:
    paid = charge(shop, "pm_card_visa")
    changed = shop.v1.charges.update(paid.id, {"metadata": {"case": "9"}, "fraud_details": {"user_report": "safe"}})
    assert (changed.metadata["case"], getattr(changed.fraud_details, "user_report", None)) == ("9", "safe")
    assert [one.id for one in shop.v1.charges.search({"query": "metadata['case']:'9'"}).data] == [paid.id]
    listed = shop.v1.charges.list({"payment_intent": str(paid.payment_intent)}).data
    assert [one.id for one in listed] == [paid.id]
