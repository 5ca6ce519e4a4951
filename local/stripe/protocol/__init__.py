"""How Stripe's API speaks: forms, errors, parameters, expansion, pages, idempotency."""
