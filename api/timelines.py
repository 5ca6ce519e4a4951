"""A timeline page by page, as its customer or as operators read it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncEngine

from api.views import TimelineView, view_entry
from database.reading import read_timeline

Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,4}$", description="From `next_cursor`.")]
Limit = Annotated[int, Query(ge=1, le=100)]
NewestFirst = Annotated[bool, Query(description="Otherwise the oldest come first.")]


@dataclass(frozen=True)
class Page:
    """Which page: beyond which place, how long, in which order."""

    cursor: str | None
    limit: int
    newest_first: bool


async def read_page(engine: AsyncEngine, user_id: str, page: Page, *, in_full: bool = False) -> TimelineView:
    """One page of what happened to a user."""
    seq, _, position = (page.cursor or "").partition("-")
    rows = await read_timeline(
        engine,
        user_id,
        beyond=(int(seq), int(position)) if page.cursor else None,
        newest_first=page.newest_first,
        limit=page.limit + 1,
        in_full=in_full,
    )
    shown = rows[: page.limit]
    more = f"{shown[-1]['seq']}-{shown[-1]['position']}" if len(rows) > page.limit else None
    return TimelineView(entries=[view_entry(dict(row), in_full=in_full) for row in shown], next_cursor=more)
