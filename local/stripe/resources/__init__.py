"""Stripe's resources, a module each; every module adds its operations to the table."""

from ..routing import Routes
from . import (
    account,
    balance_transactions,
    billing_portal,
    charges,
    checkout_sessions,
    customers,
    events,
    invoice_items,
    invoice_payments,
    invoice_preview,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
    refunds,
    setup_intents,
    subscription_items,
    subscriptions,
    test_clocks,
    webhook_endpoints,
)

ROUTES = Routes()
for resource in (
    account,
    balance_transactions,
    billing_portal,
    charges,
    checkout_sessions,
    customers,
    events,
    invoice_items,
    invoice_payments,
    invoice_preview,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
    refunds,
    setup_intents,
    subscription_items,
    subscriptions,
    test_clocks,
    webhook_endpoints,
):
    resource.register(ROUTES)
