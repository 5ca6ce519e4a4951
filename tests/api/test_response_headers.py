"""What every answer tells browsers; the page to try the API still works under its own policy."""

import json

import httpx
import pytest
from playwright.async_api import Route, async_playwright, expect

from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user
from tests.fixtures.browsers import installed_browser

SWAGGER = """
window.SwaggerUIBundle = (options) => { fetch(options.url).then(r => r.json()).then(d => { document.title = d.info.title }); };
window.SwaggerUIBundle.presets = {};
"""  # noqa: E501


def assert_shielded(response: httpx.Response) -> None:
    headers = response.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


async def test_every_answer_is_shielded_and_personal_ones_are_not_kept(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id)
    api.door.says = ValueError("a bug")
    answers = [
        await api.client.get("/billing/subscriptions/me", headers=as_user(ada)),
        await api.client.get("/billing/export", headers=as_user(ada)),
        await api.client.get("/billing/subscriptions/me"),
        await api.client.get("/billing/nothing"),
        await api.client.put("/billing/plans"),
        await api.client.post("/billing/subscriptions/resume", headers=as_user(ada)),
        await api.client.post("/billing/webhooks/stripe", content=b"{}"),
    ]

    assert [one.status_code for one in answers] == [200, 200, 401, 404, 405, 500, 400]
    for one in answers:
        assert_shielded(one)
        if "plans" not in str(one.url):
            assert one.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/billing/plans", "/docs", "/openapi.json"])
async def test_what_is_the_same_for_everybody_may_be_kept(shared_api: Api, path: str) -> None:
    response = await shared_api.client.get(path)

    assert_shielded(response)
    assert "no-store" not in response.headers.get("cache-control", "")


async def test_the_page_to_try_the_api_runs_its_script_and_reads_the_document(shared_api: Api) -> None:
    async def stand_in(route: Route) -> None:
        kind = "text/javascript" if route.request.url.endswith(".js") else "text/css"
        await route.fulfill(body=SWAGGER if kind.endswith("javascript") else "", content_type=kind)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed_browser(), args=["--no-sandbox"])
        page = await browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        await page.route("https://cdn.jsdelivr.net/**", stand_in)
        await page.route("https://fastapi.tiangolo.com/**", stand_in)
        await page.goto(f"{shared_api.url}/docs")
        await expect(page).to_have_title("Perennial", timeout=20_000)

        await page.evaluate(
            "() => { const s = document.createElement('script'); s.text = 'window.evil = 1'; document.body.append(s) }"
        )
        assert await page.evaluate("window.evil") is None
        await browser.close()
    policy = [text for text in complaints if "Content Security Policy" in text]
    assert len(policy) == 1, json.dumps(complaints)
