"""Bodies are JSON and say so."""

from fastapi import Request

from api.problems import Problem


async def json_only(request: Request) -> None:
    """Refuse a body of another kind before anybody looks for fields in it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and await request.body():
        raise Problem(
            "unsupported_media_type", "Send the body as application/json.", headers={"Accept": "application/json"}
        )
