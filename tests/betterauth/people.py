"""Users of a real Better-Auth, over its own HTTP interface."""

from dataclasses import dataclass
from typing import Any

import httpx

PASSWORD = "correct horse battery staple"


@dataclass
class User:
    """Who signed in, and everything that Better-Auth handed out."""

    url: str
    id: str
    email: str
    token: str
    signed: str
    """The header ``set-auth-token`` of the bearer plugin."""
    cookie: str
    """``name=value`` of the session cookie."""

    @property
    def credentials(self) -> dict[str, dict[str, str]]:
        """The ways in which a client presents this session."""
        return {
            "cookie": {"Cookie": self.cookie},
            "signed bearer": {"Authorization": f"Bearer {self.signed}"},
            "raw bearer": {"Authorization": f"Bearer {self.token}"},
        }

    async def jwt(self) -> dict[str, str]:
        """A JWT of this session, as headers."""
        return {"Authorization": f"Bearer {(await self.get('token'))['token']}"}

    async def get(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as client:
            answer = await client.get(f"/api/auth/{path}", headers={"Cookie": self.cookie})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as client:
            headers = {"Cookie": self.cookie, "Origin": self.url}
            answer = await client.post(f"/api/auth/{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer


async def sign_up(url: str, name: str) -> User:
    """A new user with a first session."""
    body = {"name": name, "email": f"{name.lower()}@example.com", "password": PASSWORD}
    return await _enter(url, "sign-up/email", body)


async def sign_in(url: str, email: str) -> User:
    """Another session of a user."""
    return await _enter(url, "sign-in/email", {"email": email, "password": PASSWORD})


def session_cookie(answer: httpx.Response) -> str:
    """``name=value`` of the session cookie that an answer sets."""
    (cookie,) = [
        line.partition(";")[0]
        for line in answer.headers.get_list("set-cookie")
        if ".session_token=" in line and "Max-Age=0" not in line
    ]
    return cookie


async def _enter(url: str, path: str, body: dict[str, str]) -> User:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post(f"/api/auth/{path}", json=body, headers={"Origin": url})
    assert answer.status_code == 200, answer.text
    entered = answer.json()
    return User(
        url=url,
        id=entered["user"]["id"],
        email=body["email"],
        token=entered["token"],
        signed=answer.headers.get("set-auth-token", ""),
        cookie=session_cookie(answer),
    )
