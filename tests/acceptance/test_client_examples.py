"""The examples of clients, as docs/api.md shows them, each in three languages, against one service that asks for tokens."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from neo4j import AsyncDriver
from starlette.responses import JSONResponse, Response

from orchestrator.graph.driver import Graph
from tests.acceptance.node import installed
from tests.support import answers
from tests.support.cutting import Cutting
from tests.support.neo4j import Neo4jServer, wipe
from tests.support.ports import free_port
from tests.support.service_process import COMMAND, ServiceProcess, clean_environment
from tests.support.tiny_api import TinyApi, no_graphql
from tests.support.waiting import eventually

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]

_ROOT = Path(__file__).parents[2]
_EXAMPLES = Path("examples/clients")
_CURL = _ROOT / _EXAMPLES / "curl"

_TRANSCRIPT = """query ($id: ID!) { deliberation(id: $id) {
  verdict { winner { content } ranking { rank score proposal { agent { name } } } }
  turns(first: 100) { edges { node { sequence kind agent { name } } } } } }"""
_DELIBERATE = """mutation ($key: String!) { deliberate(input: {
  council: { role: "DATA" } task: { description: "What is a lake?" } rounds: 8 idempotencyKey: $key
}) { deliberation { id } } }"""
_VERSION = '{ council(by: { role: "QA" }) { id version } }'
_UPDATE = """mutation ($id: ID!) { updateCouncil(input: { id: $id, rounds: 3 }) {
  council { version } } }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A service, and the token of a caller who may do everything."""

    service: ServiceProcess
    token: str

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(
            base_url=self.service.url, headers=headers, timeout=60
        ) as client:
            sent = {"query": document, "variables": variables}
            told: dict[str, Any] = (await client.post("/graphql", json=sent)).json()
        assert "errors" not in told
        return told["data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """How an example is run, before its name and arguments."""

    command: tuple[str, ...]
    folder: Path
    suffix: str
    place: Place

    async def run(self, example: str, *arguments: str, url: str | None = None) -> list[str]:
        """Return the lines that an example prints."""
        code, out, err = await self.ended(example, *arguments, url=url)
        assert code == 0, err
        return out.splitlines()

    async def ended(
        self, example: str, *arguments: str, url: str | None = None, token: str | None = None
    ) -> tuple[int | None, str, str]:
        """Return how an example ends, and what it prints to the one and to the other; one that goes on for a minute does not end."""
        process = await asyncio.create_subprocess_exec(
            *self.command,
            self.folder / f"{example}{self.suffix}",
            *arguments,
            env={
                **clean_environment(),
                "COUNCIL_URL": self.place.service.url if url is None else url,
                "COUNCIL_TOKEN": self.place.token if token is None else token,
            },
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            async with asyncio.timeout(60):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode, out.decode(), err.decode()


@pytest.fixture(scope="module")
async def place(
    neo4j_server: Neo4jServer,
    migrated_graph: Graph,
    driver: AsyncDriver,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Place]:
    """A service with five seeded councils."""
    await wipe(driver, migrated_graph.database)
    made = await asyncio.create_subprocess_exec(
        *(COMMAND, "token", "create", "examples", "--scope", "manage", "--json"),
        env=clean_environment(),
        stdout=PIPE,
    )
    out, _ = await made.communicate()
    told: dict[str, str] = json.loads(out)
    environment = {**neo4j_server.environment, "COUNCIL_TOKENS": told["entry"]}
    home = tmp_path_factory.mktemp("service")
    async with ServiceProcess(home=home, environment=environment) as service:
        await service.ready()
        yield Place(service=service, token=told["token"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What TypeScript compiles to, by the types that graphql-codegen makes of the schema."""
    root = tmp_path_factory.mktemp("typescript")
    (root / "graphql").mkdir()
    shutil.copy(_ROOT / "graphql/schema.graphql", root / "graphql")
    project = _EXAMPLES / "typescript"
    folder = installed(_ROOT / project, root / project)
    for step in ("generate", "build"):
        done = subprocess.run(
            ["npm", "run", step], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "built"


@pytest.fixture(scope="module", params=["curl", "python", "typescript"])
def language(request: pytest.FixtureRequest, place: Place) -> Language:
    """One of the three, where this machine has it."""
    folder = _ROOT / _EXAMPLES / request.param
    match request.param:
        case "curl":
            missing = [tool for tool in ("bash", "curl", "jq") if shutil.which(tool) is None]
            if missing:
                pytest.skip(f"{' and '.join(missing)} is not here, which the example needs")
            return Language(command=("bash",), folder=folder, suffix=".sh", place=place)
        case "python":
            return Language(command=(sys.executable,), folder=folder, suffix=".py", place=place)
        case _:
            folder = request.getfixturevalue("built")
            return Language(command=("node",), folder=folder, suffix=".js", place=place)


@pytest.fixture(scope="module")
async def asked(language: Language) -> str:
    """The deliberation that the example asks for: the same in each language, by its key."""
    (accepted,) = await language.run("03_ask")
    return accepted


async def test_councils_are_listed_page_by_page(language: Language) -> None:
    councils = await language.run("01_list_councils")

    assert councils == [
        f"{role} {role.lower()}-council-1" for role in ("DATA", "DEVOPS", "ARCHITECT", "QA", "DEV")
    ]


async def test_what_is_asked_twice_is_deliberated_once(language: Language, asked: str) -> None:
    assert await language.run("03_ask") == [asked]


async def test_a_deliberation_is_followed_across_connections_that_break_off(
    place: Place, language: Language, asked: str
) -> None:
    cutting = Cutting(place.service.url, cuts=1, after=1_500)
    async with cutting as url:
        told = await language.run("04_follow", asked, url=url)

    turns = (await place.ask(_TRANSCRIPT, id=asked))["deliberation"]["turns"]["edges"]
    assert len(turns) == 12
    assert told == [
        *(
            f"{turn['sequence']} {turn['kind']} {turn['agent']['name']}"
            for turn in (edge["node"] for edge in turns)
        ),
        "DECIDED",
    ]
    assert cutting.cut == 1


@pytest.mark.parametrize("language", ["curl", "typescript"], indirect=True)
async def test_a_stream_that_breaks_off_before_its_first_event_is_asked_for_again(
    language: Language,
) -> None:
    begun = Response(
        ":\r\n\r\n", media_type="text/event-stream", headers={"content-length": "1000"}
    )
    async with TinyApi().serve() as api:
        api.instead = [begun, _streamed({"data": {"deliberationEvents": answers.ended(2)}})]
        told = await language.run("04_follow", answers.DELIBERATION, url=api.url)

    assert told == ["DECIDED"]


@pytest.mark.parametrize("language", ["curl", "typescript"], indirect=True)
async def test_a_service_that_lacks_its_graph_is_asked_for_the_events_again_when_it_says(
    language: Language,
) -> None:
    ended = {"deliberationEvents": answers.ended(2)}
    async with TinyApi().serve() as api:
        api.instead = [
            _streamed({"data": None, "errors": [_unavailable(retryAfter=0.01)]}),
            _streamed({"data": ended}),
        ]
        told = await language.run("04_follow", answers.DELIBERATION, url=api.url)

    assert told == ["DECIDED"]


@pytest.mark.parametrize("language", ["curl", "typescript"], indirect=True)
async def test_of_what_was_pruned_nothing_is_waited_for(language: Language) -> None:
    async with TinyApi().serve() as api:
        api.instead = [_streamed(), no_graphql(404)]
        told = await language.run("04_follow", answers.DELIBERATION, url=api.url)

    assert told == []
    assert len(api.asked) == 1


async def test_nothing_is_followed_where_the_caller_is_not_let_in(
    language: Language, asked: str
) -> None:
    code, out, err = await language.ended("04_follow", asked, token="wrong")

    assert (code, out) == (1, "")
    assert re.search("401|the token is none", err)


@pytest.mark.parametrize("language", ["curl", "typescript"], indirect=True)
async def test_nothing_is_followed_where_another_service_answers(language: Language) -> None:
    async with TinyApi().serve() as api:
        api.instead = [no_graphql(404)]
        code, out, err = await language.ended("04_follow", answers.DELIBERATION, url=api.url)

    assert (code, out) == (1, "")
    assert "404" in err


@pytest.mark.parametrize("language", ["python", "typescript"], indirect=True)
async def test_nothing_is_followed_where_no_service_ever_was(language: Language) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, out, _ = await language.ended("04_follow", answers.DELIBERATION, url=url)

    assert (code, out) == (1, "")


@pytest.mark.parametrize("language", ["curl"], indirect=True)
async def test_however_many_events_there_are_no_process_is_started_for_each(
    language: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    counting = tmp_path / "bin" / "jq"
    counting.parent.mkdir()
    counting.write_text(f'#!/bin/sh\necho >> {started}\nexec {shutil.which("jq")} "$@"\n')
    counting.chmod(0o700)
    monkeypatch.setenv("PATH", str(counting.parent), prepend=":")
    spoken: answers.Json = {"__typename": "TokensSpoken", "sequence": 1}
    events = [*[spoken] * 50, answers.ended(2)]
    async with TinyApi().serve() as api:
        api.instead = [_streamed(*({"data": {"deliberationEvents": one}} for one in events))]
        told = await language.run("04_follow", answers.DELIBERATION, url=api.url)

    assert told == ["DECIDED"]
    # One that writes what is asked, and one that reads what comes.
    assert len(started.read_text().splitlines()) == 2


@pytest.mark.parametrize("language", ["curl"], indirect=True)
async def test_nothing_is_followed_without_an_id(language: Language) -> None:
    code, out, err = await language.ended("04_follow")

    assert (code, out) == (1, "")
    assert "$1" in err


async def test_its_end_is_waited_for(language: Language, asked: str) -> None:
    assert await language.run("05_wait", asked) == ["DECIDED"]


async def test_a_council_is_read_with_its_last_deliberations(
    language: Language, asked: str
) -> None:
    name, *seats, last = await language.run("02_read_council")

    assert name == "dev-council-1"
    assert [seat.partition(" speaks with ")[0] for seat in seats] == [
        f"seat {number}: dev-agent-{number}" for number in (1, 2, 3)
    ]
    assert last == f"{asked} DECIDED"


async def test_a_verdict_is_read_with_its_transcript(
    place: Place, language: Language, asked: str
) -> None:
    told = await language.run("06_read_verdict", asked)

    deliberation = (await place.ask(_TRANSCRIPT, id=asked))["deliberation"]
    winner: str = deliberation["verdict"]["winner"]["content"]
    assert "\n".join(told).startswith(winner)
    ranking = [
        f"{one['rank']}. {one['proposal']['agent']['name']} {one['score']:g}"
        for one in deliberation["verdict"]["ranking"]
    ]
    assert [line for line in told if line in ranking] == ranking
    turns = [edge["node"] for edge in deliberation["turns"]["edges"]]
    heads = [f"{turn['kind']} of {turn['agent']['name']}: " for turn in turns]
    assert [
        line.partition(": ")[0] + ": " for line in told if line.startswith(tuple(heads))
    ] == heads


@pytest.mark.parametrize("language", ["curl"], indirect=True)
@pytest.mark.parametrize("example", ["05_wait", "06_read_verdict"])
async def test_of_what_is_not_there_the_answer_is_shown(language: Language, example: str) -> None:
    code, out, err = await language.ended(example, "dlb_0193500000007000800000000000000a")

    assert (code, out) == (1, "")
    assert json.loads(err)["data"] == {"deliberation": None}


@pytest.mark.parametrize("language", ["curl"], indirect=True)
@pytest.mark.parametrize("example", sorted(path.stem for path in _CURL.glob("[0-9]*.sh")))
async def test_of_what_is_refused_it_is_shown_why(language: Language, example: str) -> None:
    code, out, err = await language.ended(example, "1", token="wrong")

    assert (code, out) == (1, "")
    assert "the token is none that is known here" in err


async def test_what_was_cancelled_is_asked_again(place: Place, language: Language) -> None:
    accepted = await place.ask(_DELIBERATE, key=f"lake{language.suffix}")
    id_: str = accepted["deliberate"]["deliberation"]["id"]

    status, again = await language.run("07_cancel_and_retry", id_)

    assert status == "CANCELLED"
    assert again.startswith("dlb_")
    assert again.endswith(f" retries {id_}")


async def test_a_task_is_found_by_a_word_of_it(language: Language, asked: str) -> None:
    task = f"Task tsk_{asked.partition('_')[2]}: "

    async def found() -> list[str]:
        return [line for line in await language.run("08_search", "webhook") if task in line]

    # What was just written is found within a second or so.
    (line,) = await eventually(found, bool, 30)
    assert line == f"{task}Propose a retry policy for our <mark>webhook</mark> handler."


async def test_a_change_of_what_somebody_else_has_changed_is_decided_anew(
    place: Place, language: Language
) -> None:
    council = (await place.ask(_VERSION))["council"]
    updated = await place.ask(_UPDATE, id=council["id"])
    version: int = updated["updateCouncil"]["council"]["version"]
    assert version > council["version"]

    told = await language.run("09_change_council", str(council["version"]))

    assert told == [
        f"it has come to version {version} meanwhile",
        f"version {version + 1}, rounds 2",
    ]


@pytest.mark.parametrize("arguments", [(), ("three",)], ids=["none", "no number"])
async def test_without_the_version_that_was_read_nothing_is_changed(
    place: Place, language: Language, arguments: tuple[str, ...]
) -> None:
    before = await place.ask(_VERSION)

    code, out, _ = await language.ended("09_change_council", *arguments)

    assert code != 0
    assert out == ""
    assert await place.ask(_VERSION) == before


async def test_what_is_unavailable_is_asked_for_again_when_the_service_says(
    language: Language,
) -> None:
    refusal = {"errors": [_unavailable(retryAfter=0.01)]}
    async with TinyApi(root={"council": answers.council()}).serve() as api:
        api.instead = [JSONResponse(refusal, 503) for _ in range(2)]
        told = await language.run("10_try_again", url=api.url)

    assert {*told[:-1]} == {"unavailable; again in 0.01 s"}
    assert told[-1] == "dev-council-1"


async def test_what_may_have_been_carried_out_is_not_asked_for_again(language: Language) -> None:
    async with TinyApi(root={"council": answers.council()}).serve() as api:
        api.instead = [JSONResponse({"errors": [_unavailable()]}, 503)]
        code, out, err = await language.ended("10_try_again", url=api.url)

    assert (code, out) == (1, "")
    assert "Neo4j is away" in err
    assert len(api.asked) == 1


def _unavailable(**more: float) -> answers.Json:
    extensions: answers.Json = {"code": "UNAVAILABLE", "path": [], "correlationId": "c", **more}
    return {"message": "Neo4j is away", "extensions": extensions}


def _streamed(*told: answers.Json) -> Response:
    events = [("next", json.dumps(answer)) for answer in told] + [("complete", "")]
    written = (f"event: {name}\r\ndata: {data}\r\n\r\n" for name, data in events)
    return Response("".join(written), media_type="text/event-stream")
