"""Whatever is asked is done or refused: never an error of ours, and never an object of a wrong shape."""

from collections import Counter
from pathlib import Path

import httpx

from local.stripe.inventory import operations
from tests.local_stripe.odd_requests import OddRequests
from tests.local_stripe.running import RunningStripe
from tests.local_stripe.shapes import complaints
from tests.local_stripe.shop import Shop

ROUNDS = 8
DELETED_SELDOM = 4


def test_no_request_is_too_odd(tmp_path: Path) -> None:
    server = RunningStripe(tmp_path)
    try:
        odd, answers = OddRequests(seed=7), Counter[int]()
        with httpx.Client(base_url=server.url, auth=("sk_test_odd", ""), trust_env=False) as client:
            furnish(Shop(server), odd)
            for turn in range(ROUNDS):
                for operation in operations():
                    if operation.method == "DELETE" and turn % DELETED_SELDOM:
                        continue
                    path, form = odd.of(operation)
                    sent = {"data": form} if operation.method == "POST" else {"params": form}
                    answer = client.request(operation.method, path, **sent)  # type: ignore[arg-type]
                    assert answer.status_code < 500, (operation.name, path, form, answer.text)
                    answers[answer.status_code] += 1
                    if answer.status_code == 200:
                        odd.learn(answer.json())
        assert answers[200] > answers.total() / 6, "too odd: nearly everything was refused"
        assert complaints(server.control("recorded").json()) == []
    finally:
        server.kill()


def furnish(shop: Shop, odd: OddRequests) -> None:
    """Some ordinary lives to ask about."""
    for _ in range(2):
        customer = shop.customer()
        customer.subscribe(shop.basic)
        session = shop.v1.checkout.sessions.create(
            {"mode": "setup", "customer": customer.id, "currency": "usd", "success_url": "https://a.b"}
        )
        odd.ids.setdefault("checkout.session", []).append(session.id)
    for path in (
        "customers",
        "products",
        "prices",
        "subscriptions",
        "invoices",
        "charges",
        "payment_intents",
        "events",
    ):
        found = httpx.get(f"{shop.server.url}/v1/{path}?limit=5", auth=("sk_test_shop", ""))
        odd.learn(found.json()["data"])
