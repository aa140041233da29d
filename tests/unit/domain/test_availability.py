"""Whether agents could answer, and what a deliberation waits for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator.domain.availability import AgentStatus, Holding, agent_status, waiting_for
from orchestrator.domain.councils import Endpoint, Model
from orchestrator.domain.deliberations import Status
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.domain.values import replace
from tests.support.samples import a_deliberation, an_agent

DEFAULT = Endpoint(id="end_d", name="default", url="http://d")
GPU = Endpoint(id="end_g", name="gpu", url="http://g")
OTHER = Endpoint(id="end_o", name="other", url="http://o")
UP = EndpointHealth(status=EndpointStatus.UP, served_models=("a-model",))
UNLISTED = EndpointHealth(status=EndpointStatus.UP)
LACKING = EndpointHealth(status=EndpointStatus.UP, served_models=("another-model",))
DOWN = EndpointHealth(status=EndpointStatus.DOWN, served_models=("a-model",))
UNKNOWN = EndpointHealth()
SINCE = EndpointHealth(status=EndpointStatus.DOWN, obstacle="endpoint gpu is down since then")
AGENT = replace(an_agent(2), endpoint=None)
REHEARSAL = Model(id="mdl_r", name="rehearsal", rehearsal=True)


@pytest.mark.parametrize(
    ("bound", "serving", "health", "rehearsal", "status"),
    [
        (None, (), {}, False, AgentStatus.OFFLINE),
        (None, (DEFAULT,), {"default": UP}, False, AgentStatus.READY),
        (None, (DEFAULT,), {"default": DOWN}, False, AgentStatus.OFFLINE),
        (None, (DEFAULT,), {"default": UNKNOWN}, False, AgentStatus.OFFLINE),
        # What lists no models is asked all the same; what lists others alone is not.
        (None, (DEFAULT,), {"default": UNLISTED}, False, AgentStatus.READY),
        (None, (DEFAULT,), {"default": LACKING}, False, AgentStatus.OFFLINE),
        (None, (DEFAULT, GPU), {"default": LACKING, "gpu": UNLISTED}, False, AgentStatus.READY),
        (None, (DEFAULT, GPU), {"default": DOWN, "gpu": UP}, False, AgentStatus.READY),
        # Who is bound is asked there and nowhere else.
        (GPU, (DEFAULT,), {"default": UP, "gpu": DOWN}, False, AgentStatus.OFFLINE),
        (GPU, (), {"gpu": UP}, False, AgentStatus.READY),
        # Without VLLM_URL, who is bound to no endpoint but `default`, and whose model no other serves, rehearses.
        (None, (), {}, True, AgentStatus.READY),
        (None, (DEFAULT,), {"default": DOWN}, True, AgentStatus.READY),
        (DEFAULT, (), {}, True, AgentStatus.READY),
        (DEFAULT, (DEFAULT,), {"default": DOWN}, True, AgentStatus.READY),
        (DEFAULT, (DEFAULT, GPU), {"default": DOWN, "gpu": UP}, True, AgentStatus.OFFLINE),
        (None, (DEFAULT, GPU), {"gpu": DOWN}, True, AgentStatus.OFFLINE),
        (GPU, (), {"gpu": DOWN}, True, AgentStatus.OFFLINE),
        (GPU, (), {"gpu": UP}, True, AgentStatus.READY),
    ],
)
def test_agent_is_ready_where_something_was_seen_to_answer_for_it(
    bound: Endpoint | None,
    serving: tuple[Endpoint, ...],
    health: dict[str, EndpointHealth],
    *,
    rehearsal: bool,
    status: AgentStatus,
) -> None:
    agent = replace(AGENT, endpoint=bound)

    found = agent_status(
        agent,
        serving,
        lambda e: health.get(e.name, UNKNOWN),
        busy=False,
        rehearsal=rehearsal,
    )
    assert found is status


def test_agent_that_is_retired_or_busy_is_that_first() -> None:
    def status(*, retired: bool) -> AgentStatus:
        agent = replace(AGENT, retired=retired)
        return agent_status(agent, (GPU,), lambda _: DOWN, busy=True, rehearsal=False)

    assert status(retired=True) is AgentStatus.RETIRED
    assert status(retired=False) is AgentStatus.BUSY


def test_agent_of_the_rehearsal_model_is_always_ready() -> None:
    agent = replace(AGENT, model=REHEARSAL)

    assert (
        agent_status(agent, (), lambda _: UNKNOWN, busy=False, rehearsal=False) is AgentStatus.READY
    )


def words_for(
    status: Status = Status.RUNNING,
    serving: tuple[Endpoint, ...] = (GPU,),
    health: EndpointHealth = UP,
    *,
    service: str | None = None,
    obstacles: tuple[str, ...] | None = None,
    holding: Holding | None = None,
) -> str | None:
    """What a deliberation waits for whose seats all speak with one model."""
    deliberation = a_deliberation(status=status)
    seats = tuple(replace(seat, endpoint=None) for seat in deliberation.seats)
    model = Model(id="mdl_1", name="a-model", endpoints=serving)
    return waiting_for(
        replace(deliberation, seats=seats),
        {model.id: model},
        lambda _: health,
        service_waits_for=service,
        obstacles=obstacles,
        holding=holding,
    )


@pytest.mark.parametrize(
    ("status", "serving", "health", "service", "words"),
    [
        (Status.DECIDED, (GPU,), DOWN, "Neo4j", None),
        (Status.RUNNING, (GPU,), UP, "Neo4j", "the service is not ready; it waits for Neo4j"),
        (
            Status.QUEUED,
            (GPU,),
            UP,
            None,
            "no process has had room for it yet, or another transaction of the graph locks it",
        ),
        (Status.RUNNING, (GPU,), UP, None, None),
        (Status.RUNNING, (GPU,), UNKNOWN, None, None),
        (Status.RUNNING, (), DOWN, None, None),
        (Status.RUNNING, (GPU,), DOWN, None, "endpoint gpu is down"),
        (Status.RUNNING, (GPU, OTHER), DOWN, None, "endpoint gpu is down; endpoint other is down"),
        (Status.RUNNING, (GPU,), SINCE, None, "endpoint gpu is down since then"),
    ],
)
def test_what_stands_in_the_way_is_said_in_words(
    status: Status,
    serving: tuple[Endpoint, ...],
    health: EndpointHealth,
    service: str | None,
    words: str | None,
) -> None:
    assert words_for(status, serving, health, service=service) == words


@pytest.mark.parametrize(
    ("obstacles", "words"),
    [
        ((), None),
        (("endpoint gpu is down since noon",), "endpoint gpu is down since noon"),
        (("one", "another"), "another; one"),
    ],
)
def test_of_its_own_deliberations_a_process_says_what_their_seats_wait_for(
    obstacles: tuple[str, ...], words: str | None
) -> None:
    assert words_for(health=DOWN, obstacles=obstacles) == words


@pytest.mark.parametrize(
    ("holding", "words"),
    [
        (Holding(process="prc_1", host="h"), None),
        (None, None),
        (
            Holding(),
            "it waits its turn: no process has had room for it since another left it",
        ),
        (
            Holding(process="prc_1", host="h", lapsed=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
            "process prc_1 on h has not renewed its lease, which ran until 2026-01-02T03:04:05Z; another will take it over",
        ),
    ],
)
def test_of_others_deliberations_it_says_what_the_graph_knows_of_their_holder(
    holding: Holding | None, words: str | None
) -> None:
    assert words_for(holding=holding) == words


def test_rehearsal_waits_for_no_endpoint() -> None:
    deliberation = a_deliberation()
    seats = tuple(replace(seat, model=REHEARSAL, endpoint=None) for seat in deliberation.seats)

    assert (
        waiting_for(
            replace(deliberation, seats=seats),
            {},
            lambda _: DOWN,
            service_waits_for=None,
            obstacles=None,
            holding=None,
        )
        is None
    )
