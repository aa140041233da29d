"""The parts of a running orchestrator, joined and closed in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta

import uuid_utils

from orchestrator.api.ports import Ports
from orchestrator.domain.councils import DEFAULT_KEY_VARIABLE, Endpoint
from orchestrator.domain.ids import Prefix, with_prefix
from orchestrator.engine.changes import Changes
from orchestrator.engine.desk import Capacity, Desk
from orchestrator.engine.following import Board
from orchestrator.engine.lookout import Lookout
from orchestrator.engine.patience import Patience
from orchestrator.engine.presence import Presence
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.news import GraphNews
from orchestrator.graph.records import GraphRecords
from orchestrator.identity.means import Means
from orchestrator.service.callers import doorkeeper_of
from orchestrator.service.graph import graph_to_reach
from orchestrator.service.life import Service
from orchestrator.settings import Settings
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections
from orchestrator.vllm.rehearsal import Rehearsal
from orchestrator.vllm.watch import Watch

_SHOWN_AT_ONCE = 48
"""Transactions for callers, reads and writes, of the 64 connections: however much is asked for, the lease is renewed and turns are recorded."""


@contextlib.asynccontextmanager
async def joined(
    settings: Settings, means: Means, on_step: Callable[[str], None]
) -> AsyncGenerator[tuple[Service, Ports, tuple[asyncio.Task[None], ...]]]:
    """Join the parts, and close them in the opposite order; the tasks watch the endpoints, the graph and the door."""
    presence = Presence(settings.home)
    presence.prepare()
    environment = dict(os.environ)
    if settings.vllm_api_key is not None:
        environment[DEFAULT_KEY_VARIABLE] = settings.vllm_api_key.get_secret_value()
    async with (
        graph_to_reach(settings) as graph,
        Connections(
            environment=environment,
            calls_per_endpoint=settings.calls_per_endpoint,
            allow_link_local=settings.allow_link_local,
        ) as connections,
        Rehearsal() as rehearsal,
        doorkeeper_of(means) as doorkeeper,
    ):
        shown = graph.with_room_for(_SHOWN_AT_ONCE)
        councils = Councils(shown)

        async def note_served(endpoint: Endpoint, models: tuple[str, ...]) -> None:
            await councils.note_served(endpoint.id, models)

        watch = Watch(
            endpoints=councils.endpoints,
            connections=connections,
            on_models=note_served,
        )
        news = GraphNews(graph)
        changes = Changes(news)
        board = Board(on_change=changes.look_at_deliberations)
        desk = Desk(
            process=with_prefix(Prefix.PROCESS, uuid_utils.uuid7().hex),
            host=socket.gethostname(),
            deliberations=GraphDeliberations(graph, callers=shown),
            models=ModelClient(connections=connections, watch=watch, rehearsal=rehearsal),
            presence=presence,
            board=board,
            capacity=Capacity(
                concurrency=settings.concurrency,
                lease=timedelta(seconds=settings.lease_seconds),
                patience=Patience(endpoint=timedelta(seconds=settings.endpoint_wait_seconds)),
            ),
        )
        service = Service(graph=graph, shown=shown, desk=desk, settings=settings, on_step=on_step)
        ports = Ports(
            councils=councils,
            records=GraphRecords(shown),
            docket=desk,
            changes=changes,
            watch=watch,
            service=service,
            doorkeeper=doorkeeper,
            allow_link_local=settings.allow_link_local,
            introspection=settings.introspection,
        )
        watching = (
            asyncio.create_task(watch.run(), name="watch"),
            asyncio.create_task(Lookout(board, news).run(), name="lookout"),
            asyncio.create_task(changes.run(), name="changes"),
            asyncio.create_task(doorkeeper.run(), name="doorkeeper"),
        )
        try:
            yield service, ports, watching
        finally:
            for task in watching:
                task.cancel()
            await asyncio.wait(watching)
