"""06_read_verdict.py ID: prints the winning proposal, the ranking, and who said what."""

import asyncio
import sys

from connecting import connect

from orchestrator.client import models


async def main() -> None:
    async with connect() as client:
        transcript = await client.transcript(sys.argv[1])
    if transcript is None or transcript.deliberation.verdict is None:
        return
    ranking = transcript.deliberation.verdict.ranking
    print(ranking[0].proposal.content)
    for place in ranking:
        print(f"{place.rank}. {place.proposal.agent.name} {place.score:g}")
    for turn in transcript.turns:
        said = turn.absence or turn.content
        if isinstance(turn, models.Ballot):
            said = " > ".join(choice.agent.name for choice in turn.choices)
        print(f"{turn.kind} of {turn.agent.name}: {said}")


asyncio.run(main())
