"""The rules of Stripe Billing: periods, proration, invoices, collection, a subscription's life."""
