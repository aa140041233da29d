"""Full-text search over tasks and last revisions."""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Annotated

import strawberry

from orchestrator.api.context import Context, Info
from orchestrator.api.pages import PageInfo, cursor, page_request
from orchestrator.api.selections import only_counted
from orchestrator.api.types.deliberations import table_of
from orchestrator.api.types.tasks import Task
from orchestrator.api.types.turns import Proposal, turn
from orchestrator.domain.errors import InvalidInput, RefusedError
from orchestrator.domain.ids import turn_named
from orchestrator.domain.searching import LONGEST_TEXT, MOST_HITS, Hit, highlights, words
from orchestrator.domain.validation import text_mistake

SearchHit = Annotated[
    Task | Proposal,
    strawberry.union("SearchHit", description="What a search finds: a task, or a last revision."),
]

_KEY = re.compile(r"(?P<score>\d{1,9}\.\d{1,20}) (?P<id>(?:tsk|trn)_[0-9A-Za-z-]{1,200})")


async def _highlights_of(self: SearchEdge, info: Info) -> list[str]:
    """Look through the whole text, which may be long: once an operation, and only where somebody asks."""
    loaders = info.context.loaders
    known, sought = loaders.highlights, (self.node.id, self.wanted)
    async with loaders.looking_through:
        if sought not in known:
            known[sought] = _highlights(self.wanted, self.node)
            # All else has its turn before the next text.
            await asyncio.sleep(0)
    return known[sought]


@strawberry.type(description="One that was found, with its cursor.")
class SearchEdge:
    """A hit."""

    cursor: str = strawberry.field(description="Stays good while others are added and removed.")
    score: float = strawberry.field(
        description="How well it matches, by Lucene's measure; means something beside the others of this answer only."
    )

    highlights: list[str] = strawberry.field(
        resolver=_highlights_of,
        description="Passages that matched. As HTML: escaped, with what matched in `<mark>`; three at most, and none where it is not seen what matched.",
    )
    node: SearchHit = strawberry.field(description="What was found.")
    wanted: strawberry.Private[frozenset[str]]


@strawberry.type(description="A page of what was found, the best first.")
class SearchConnection:
    """A page of hits."""

    edges: list[SearchEdge] = strawberry.field(description="The page, in the list's order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(
        description=f"How many were found; a search finds the best {MOST_HITS}, and no more."
    )


async def found(info: Info, text: str, first: int | None, after: str | None) -> SearchConnection:
    """Search, and read what the page shows; raises RefusedError."""
    page = page_request(
        first, after, None, None, is_key=lambda key: _KEY.fullmatch(key) is not None
    )
    if mistake := _mistake(text):
        raise RefusedError(InvalidInput(message=f"text {mistake}", path=("text",)))
    hits = await info.context.ports.records.search(text)
    begin = _begin(hits, page.key)
    # Where only their number is asked for, none is read.
    end = min(begin + (0 if only_counted(info) else page.limit), len(hits))
    listed = hits[begin:end]
    nodes = await asyncio.gather(*(_node(info.context, hit.id) for hit in listed))
    wanted = words(text)
    edges = [
        SearchEdge(
            cursor=cursor(_key(hit)),
            score=hit.score,
            node=node,
            wanted=wanted,
        )
        for hit, node in zip(listed, nodes, strict=True)
        # One that was found may have been pruned since.
        if node is not None
    ]
    return SearchConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=end < len(hits),
            has_previous_page=begin > 0,
            # Of what was listed, be it gone since: the list goes on beyond it.
            start_cursor=cursor(_key(listed[0])) if listed else None,
            end_cursor=cursor(_key(listed[-1])) if listed else None,
        ),
        total_count=len(hits),
    )


def _mistake(text: str) -> str | None:
    if not text.strip():
        return "must not be blank"
    if len(text) > LONGEST_TEXT:
        return f"must have at most {LONGEST_TEXT} characters, and has {len(text)}"
    return text_mistake(text)


def _key(hit: Hit) -> str:
    return f"{hit.score:.9f} {hit.id}"


def _begin(hits: Sequence[Hit], key: str | None) -> int:
    """Where a page begins: after the hit of the key, wherever it stands now, or where it would stand."""
    match = None if key is None else _KEY.fullmatch(key)
    if match is None:
        return 0
    for place, hit in enumerate(hits):
        if hit.id == match["id"]:
            return place + 1
    gone = Hit(match["id"], float(match["score"]))
    return bisect_right(hits, gone.place, key=lambda hit: hit.place)


async def _node(context: Context, identifier: str) -> Task | Proposal | None:
    named = turn_named(identifier)
    if named is None:
        task = await context.loaders.tasks.load(identifier)
        return None if task is None else Task.of(task)
    deliberation = await context.loaders.deliberations.load(named[0])
    if deliberation is None:
        return None
    table = await table_of(context, deliberation)
    source = table.reading.turns.get(identifier)
    shown = None if source is None else turn(table, source)
    return shown if isinstance(shown, Proposal) else None


def _highlights(wanted: frozenset[str], node: Task | Proposal) -> list[str]:
    if isinstance(node, Task):
        return highlights(wanted, node.description, node.context)
    return highlights(wanted, node.content)
