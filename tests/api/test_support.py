"""What needs the role support: to read about anybody, and to send a letter again. Nothing else."""

from uuid import UUID, uuid4

import pytest

from database.session import make_engine
from database.stories import read_story
from local import betterauth
from local.betterauth import SignedInUser
from tests.api.conftest import AUTH_SECRET, Api, as_user, assert_problem

FLAGGED = """
insert into billing.timeline (user_id, seq, position, at, entry, cause, cause_id, detail)
values (%s, 1, 0, now(), 'subscribed', 'intent', 'op_1', '{"plan": "PRO", "policy": "3"}'),
    (%s, 2, 0, now(), 'needs_attention', 'event', 'evt_1', '{"reason": "look"}')
"""


@pytest.fixture
def sam(api: Api) -> SignedInUser:
    """A supporter."""
    return betterauth.sign_in(
        api.database, name="Sam", email="sam@example.com", secret=AUTH_SECRET, role="user,support"
    )


@pytest.fixture
def letter(api: Api, ada: SignedInUser) -> UUID:
    """A letter to Ada that was sent."""
    letter_id = uuid4()
    api.rows(
        "insert into billing.notifications (id, user_id, kind, occasion, status, attempts, sent_at) "
        "values (%s, %s, 'welcome', 'once', 'sent', 1, now())",
        letter_id,
        ada.id,
    )
    return letter_id


def of(user: SignedInUser, what: str) -> str:
    return f"/billing/admin/users/{user.id}/{what}"


async def test_a_supporter_reads_a_subscription_with_what_operators_need(
    api: Api, sam: SignedInUser, ada: SignedInUser
) -> None:
    assert_problem(await api.client.get(of(ada, "subscription"), headers=as_user(sam)), 404, "no_subscription")
    api.subscribed(ada.id, stripe_subscription_id="sub_1", needs_attention="look")

    shown = (await api.client.get(of(ada, "subscription"), headers=as_user(sam))).json()
    own = (await api.client.get("/billing/subscriptions/me", headers=as_user(ada))).json()

    assert shown.items() >= own.items()
    assert (shown["user_id"], shown["stripe_subscription_id"], shown["needs_attention"]) == (ada.id, "sub_1", "look")


async def test_a_supporter_reads_the_whole_timeline_page_by_page(
    api: Api, sam: SignedInUser, ada: SignedInUser
) -> None:
    api.rows(FLAGGED, ada.id, ada.id)
    own = (await api.client.get("/billing/subscriptions/me/timeline", headers=as_user(ada))).json()
    assert [entry["entry"] for entry in own["entries"]] == ["subscribed"]
    assert "policy" not in own["entries"][0]["detail"]

    first = (await api.client.get(of(ada, "timeline"), params={"limit": 1}, headers=as_user(sam))).json()
    cursor = {"cursor": first["next_cursor"]}
    second = (await api.client.get(of(ada, "timeline"), params=cursor, headers=as_user(sam))).json()

    assert first["entries"][0]["detail"] == {"plan": "PRO", "policy": "3"}
    assert [entry["entry"] for entry in second["entries"]] == ["needs_attention"]


async def test_a_letter_is_sent_again_once_a_key_and_it_is_kept_who_asked(
    api: Api, sam: SignedInUser, ada: SignedInUser, letter: UUID
) -> None:
    path = of(ada, f"letters/{letter}/resend")
    for _ in range(2):
        answer = await api.client.post(path, headers=as_user(sam, "ticket-7"))
        assert (answer.status_code, answer.json()["status"]) == (202, "succeeded")
    waiting = api.row("select id, status, attempts, sent_at from billing.notifications")
    assert waiting == {"id": letter, "status": "pending", "attempts": 0, "sent_at": None}
    kept = api.row("select user_id, kind, actor from billing.operations")
    assert kept == {"user_id": ada.id, "kind": "resend_letter", "actor": f"operator:{sam.id}"}

    engine = make_engine(api.settings)
    story = await read_story(engine, ada.id)
    await engine.dispose()
    assert [cause["by"] for step in story.steps for cause in step.causes] == [f"operator:{sam.id}"]

    api.rows("update billing.notifications set status = 'sent'")
    await api.client.post(path, headers=as_user(sam, "ticket-7"))

    shown = (await api.client.get(of(ada, "letters"), headers=as_user(sam))).json()["letters"]
    assert [(one["id"], one["status"]) for one in shown] == [(str(letter), "sent")], "the same key sends nothing twice"


async def test_a_letter_of_another_users_is_not_there(
    api: Api, sam: SignedInUser, bob: SignedInUser, letter: UUID
) -> None:
    answer = await api.client.post(of(bob, f"letters/{letter}/resend"), headers=as_user(sam))

    assert_problem(answer, 404, "not_found")
    assert api.rows("select * from billing.operations") == []


async def test_a_supporter_changes_nothing(api: Api, sam: SignedInUser, ada: SignedInUser) -> None:
    for path in ("refunds", "trial"):
        answer = await api.client.post(of(ada, path), json={"ends_at": None}, headers=as_user(sam))
        assert_problem(answer, 403, "forbidden")
    assert api.door.carried_out == []


@pytest.mark.parametrize("what", ["subscription", "timeline", "letters"])
@pytest.mark.parametrize("role", ["user", "supporter", "adm", None])
async def test_users_are_told_403(api: Api, sam: SignedInUser, ada: SignedInUser, what: str, role: str | None) -> None:
    api.rows('update "user" set role = %s where id = %s', role, sam.id)

    assert_problem(await api.client.get(of(ada, what), headers=as_user(sam)), 403, "forbidden")
    assert_problem(await api.client.get(of(ada, what)), 401, "not_signed_in")
