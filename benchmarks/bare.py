"""The yardstick: FastAPI routes with nothing around them, as lean as they can be written.

``python -m benchmarks.bare DATABASE_URL PORT`` serves them under the API's own uvicorn settings. They talk to psycopg
directly, without a log, ids, metrics, limits, checks of age or a second secret; a webhook is one row and one commit.
"""

import asyncio
import contextlib
import gc
import sys
from collections.abc import AsyncIterator

import orjson
import psycopg
import uvicorn
from fastapi import FastAPI, Request, Response
from psycopg.rows import dict_row
from stripe import WebhookSignature

from local.ports import HOST

SECRET = "whsec_benchmark"
POOL = 10

TABLE = "create table if not exists bare_events (id text primary key, type text not null, created bigint not null)"
INSERT = "insert into bare_events (id, type, created) values (%s, %s, %s) on conflict (id) do nothing"
SESSION = """
    select people.id
    from public.session
    join public."user" as people on people.id = session."userId"
    where session.token = %s
        and session."expiresAt" > now()
        and not (coalesce(people.banned, false) and (people."banExpires" is null or people."banExpires" > now()))
"""
SUBSCRIPTION = """
    select subscriptions.*, coalesce(customers.clock_offset_seconds, 0) as clock_offset_seconds
    from billing.subscriptions
    left join billing.customers using (user_id)
    where user_id = %s
"""
"""The statements of `database.reading`."""

Connection = psycopg.AsyncConnection[dict[str, object]]


def create_app(url: str) -> FastAPI:
    """Two routes over a handful of connections."""
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for _number in range(POOL):
            free.put_nowait(await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row))
        yield

    async def run(statement: str, *values: object) -> dict[str, object] | None:
        connection = await free.get()
        try:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchone() if cursor.description else None
        finally:
            free.put_nowait(connection)

    app = FastAPI(lifespan=lifespan)

    @app.post("/webhook")
    async def receive(request: Request) -> Response:
        body = await request.body()
        WebhookSignature.verify_header(body, request.headers["stripe-signature"], SECRET, 300)
        event = orjson.loads(body)
        await run(INSERT, event["id"], event["type"], event["created"])
        return Response(b'{"received":true}', media_type="application/json")

    @app.get("/me")
    async def read(request: Request) -> Response:
        session = await run(SESSION, request.headers["authorization"].removeprefix("Bearer "))
        if session is None:
            return Response(status_code=401)
        row = await run(SUBSCRIPTION, session["id"])
        return Response(orjson.dumps(row), media_type="application/json")

    return app


def main() -> None:
    url, port = sys.argv[1], int(sys.argv[2])
    with psycopg.connect(url) as connection:
        connection.execute(TABLE)
    app = create_app(url)
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=HOST,
        port=port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
