"""What the rehearsal model says: a function of the prompt, so that the turns of a council can be followed.

It understands nothing. It finds the words of the task and of the seat's persona, proposes steps for
some of the points that the task makes, misses in others' proposals what they left out, takes over what
a critique names, and ranks by how many of the points a proposal speaks of. Each answer says that it is
a rehearsal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

MARK: Final = "(rehearsal)"

_BLOCK: Final = re.compile(
    r'<data name="(?P<name>[^"]*)" key="(?P<key>[^"]*)">\n(?P<text>.*?)\n</data key="(?P=key)">',
    re.DOTALL,
)
_WORD: Final = re.compile(r"\w[\w'-]{2,}")
_CLAUSE: Final = re.compile(r"[.;:!?\n]+\s*|,\s+(?=\w+\s+\w+\s+\w+)")
_CONCERN: Final = re.compile(r"[.;:!?,\n]+|\b(?:and|or)\b")
_JOINING: Final = re.compile(r"^(?:and|or|but|then)\s+", re.IGNORECASE)
_QUOTED: Final = re.compile(r"“([^”]+)”")
_STEP: Final = re.compile(r"^\d+\.\s+(.*)$", re.MULTILINE)

_EMPTY_WORDS: Final = frozenset(
    """
    about above across after again against agent agents all also always and another any are ask asks because been before
    being best better between both but can care cares council could careful does doing each engineer every
    everything experienced few find first for from get give good had has have help her here him his how into
    its just keep knows last like likes look looks make makes many may member might more most much must need
    needs never new not nothing now off one only other others our out over own people please prefer prefers
    role same see seen senior shall she should since small some such sure take than that the their them then
    there these they thing things think this those through too under until upon use used value values very want wants was
    way well were what when where which while who whole whom why will with without word words work works would
    write yes yet you your
    """.split()  # noqa: SIM905 - a list would be a column of 190 lines
)

_MOST_POINTS: Final = 8
_MOST_CONCERNS: Final = 6
_POINT_WORDS: Final = 12
_CONCERN_WORDS: Final = 4
_QUOTE_WORDS: Final = 10
_LONGEST_REASON: Final = 280

_OPENINGS: Final = (
    "begin with the smallest version of it that can be tried",
    "write down what must hold, and a test that fails without it",
    "do it in one place, behind a name that says what it is",
    "make it work for one case from end to end, then for the rest",
    "decide it first: what comes later depends on it",
    "measure how it is today, then change it, then measure again",
)

_VIEWS: Final = (
    "with {concern} in mind",
    "and keep an eye on {concern} while doing so",
    "measured by {concern}",
    "and stop where it costs {concern}",
)

_DONE: Final = "Done when a stranger can check each point and has no question about"


@dataclass(frozen=True, slots=True)
class Heard:
    """A prompt, taken apart; `points` are what the task asks for, in its own words."""

    task: str
    points: tuple[str, ...]
    persona: str
    blocks: tuple[tuple[str, str], ...]
    chance: str

    @property
    def concerns(self) -> tuple[str, ...]:
        """What the persona talks about: the ends of its clauses, in its own words and order."""
        found = (_concern(clause) for clause in _CONCERN.split(self.persona))
        return tuple(dict.fromkeys(filter(None, found)))[:_MOST_CONCERNS] or ("clarity",)

    @property
    def subject(self) -> str:
        """The beginning of the task."""
        return _points(self.task, ())[0]

    def texts(self, name: str) -> list[str]:
        """Return the blocks of the question that bear a name."""
        return [text for named, text in self.blocks if named == name]

    def pick(self, choices: Sequence[str], salt: str) -> str:
        """Choose, always the same for the same prompt."""
        return choices[self.number(salt) % len(choices)]

    def number(self, salt: str) -> int:
        """Return a number that only the prompt and `salt` decide."""
        return int.from_bytes(sha256(f"{self.chance}/{salt}".encode(errors="replace")).digest()[:4])


def answer(
    messages: Sequence[Mapping[str, Any]], temperature: float, schema: Mapping[str, Any] | None
) -> str:
    """Say what the seat would say.

    Raises:
        ValueError: a schema was given that is not a ballot's.
    """
    heard = hear(messages, temperature)
    if schema is not None:
        return _ballot(heard, schema)
    if heard.texts("critique"):
        return _revision(heard)
    if heard.texts("proposal"):
        return _critique(heard)
    return _proposal(heard)


def hear(messages: Sequence[Mapping[str, Any]], temperature: float) -> Heard:
    """Take a prompt apart: the shared task, and the question with its blocks and the persona after it."""
    texts = [str(message.get("content") or "") for message in messages]
    shared = "\n\n".join(texts[:-1])
    question = texts[-1] if texts else ""
    task_blocks = _blocks(shared)
    task = next((text for name, text in task_blocks if name == "task"), shared or question)
    requirements = [text for name, text in task_blocks if name == "requirement"]
    ends = [match.end() for match in _BLOCK.finditer(question)]
    persona = question[ends[-1] :] if ends else question.partition("\n\n")[2]
    # Seats without a persona, or with the same one, still differ in their temperature.
    chance = sha256(f"{temperature}/{persona}".encode(errors="replace")).hexdigest()
    return Heard(
        task=task,
        points=_points(task, requirements),
        persona=persona.strip(),
        blocks=tuple(_blocks(question)),
        chance=chance,
    )


def _proposal(heard: Heard) -> str:
    covered = [point for point in heard.points if heard.number(point) % 3] or [
        heard.pick(heard.points, "only")
    ]
    first, second = heard.concerns[0], heard.concerns[-1]
    lines = [
        f"{MARK} With {_both(first, second)} in mind, a proposal for “{heard.subject}”.",
        *(
            f"{place}. For {_step(heard, point, place)}"
            for place, point in enumerate(covered, start=1)
        ),
        f"{_DONE} {second}.",
    ]
    return "\n".join(lines)


def _critique(heard: Heard) -> str:
    proposal = heard.texts("proposal")[0]
    quote = _short(heard.pick(_sentences(proposal), "quote"), _QUOTE_WORDS).rstrip(".,:;")
    left_out = [point for point in heard.points if not _speaks_of(proposal, point)]
    unseen = [concern for concern in heard.concerns if not _speaks_of(proposal, concern)]
    lines = [
        f"{MARK} Critique. The proposal says “{quote}”, and does not say how anybody would notice that it failed."
    ]
    if left_out:
        point = heard.pick(left_out, "left out")
        lines.append(f"What is missing: “{point}” is asked for, and no step speaks of it.")
    if unseen:
        concern = heard.pick(unseen, "unseen")
        lines.append(f"Nothing in it speaks of “{concern}”, which is what I look for first.")
    if not left_out and not unseen:
        lines.append(
            f"It speaks of every point of the task; what it says about {heard.concerns[0]} stays general."
        )
    lines.append(
        "It would be better with a step for each thing named here, and a test of the quoted one."
    )
    return "\n".join(lines)


def _revision(heard: Heard) -> str:
    own = heard.texts("proposal")[0] if heard.texts("proposal") else ""
    kept = _without_heading(own)
    body = "\n".join(line for line in kept.splitlines() if not line.startswith(_DONE))
    number = len(_STEP.findall(body))
    taken: list[str] = []
    lines: list[str] = []
    for critique in heard.texts("critique"):
        for point in _QUOTED.findall(critique) or [_short(critique, _POINT_WORDS)]:
            if point not in taken and not _speaks_of(own, point):
                taken.append(point)
                place = number + len(taken)
                lines.append(f"{place}. Taken over, for {_step(heard, point, place)}")
    said = (
        "taking over from the critique: " + ", ".join(f"“{point}”" for point in taken)
        if taken
        else "in which the critique changed nothing, for what it names is there"
    )
    heading = f"{MARK} Revised, {said}: a proposal for “{heard.subject}”."
    end = f"{_DONE} {heard.concerns[-1]}."
    return "\n".join([heading, *filter(None, [body]), *lines, end])


def _ballot(heard: Heard, schema: Mapping[str, Any]) -> str:
    choices = {
        name.removeprefix("proposal "): text
        for name, text in heard.blocks
        if name.startswith("proposal ")
    }
    asked = schema.get("properties")
    if not choices or not isinstance(asked, Mapping) or "ranking" not in asked:
        raise ValueError("the rehearsal model follows no schema but a ballot's")

    def merit(letter: str) -> tuple[float, int]:
        text = choices[letter]
        points = sum(_speaks_of(text, point) for point in heard.points) / len(heard.points)
        concerns = sum(_speaks_of(text, concern) for concern in heard.concerns)
        return points + concerns / (2 * len(heard.concerns)), heard.number(text)

    order = sorted(choices, key=merit, reverse=True)
    best, last = choices[order[0]], choices[order[-1]]
    count = sum(_speaks_of(best, point) for point in heard.points)
    named = [concern for concern in heard.concerns if _speaks_of(best, concern)]
    missed = [point for point in heard.points if not _speaks_of(last, point)]
    reason = f"{MARK} {order[0]} speaks of {count} of the task's {len(heard.points)} points"
    reason += f" and of {_both(*named[:2])}." if named else "."
    if len(order) > 1 and missed:
        reason += f" {order[-1]} leaves out “{_short(missed[0], _QUOTE_WORDS)}”."
    return json.dumps(
        {"ranking": " > ".join(order), "reason": reason[:_LONGEST_REASON]}, ensure_ascii=False
    )


def _step(heard: Heard, point: str, place: int) -> str:
    """Say how to do what a point asks for; steps in a row differ."""
    turn = heard.number("steps") + place
    opening = _OPENINGS[turn % len(_OPENINGS)]
    view = _VIEWS[turn % len(_VIEWS)].format(
        concern=f"“{heard.concerns[turn % len(heard.concerns)]}”"
    )
    return f"“{point}”: {opening}, {view}."


def _points(task: str, requirements: Sequence[str]) -> tuple[str, ...]:
    """Return what the task asks for: its requirements, then its clauses, each short and once."""
    found: dict[str, None] = {}
    for text in (*requirements, *_CLAUSE.split(task)):
        # Points are quoted in what is said, and found again by their quotes.
        point = _short(re.sub("[“”]", "", text), _POINT_WORDS).strip(" -*#")
        point = _JOINING.sub("", point)
        if _WORD.search(point):
            found.setdefault(point)
    return tuple(found)[:_MOST_POINTS] or (_short(task, _POINT_WORDS) or "the task",)


def _speaks_of(text: str, point: str) -> bool:
    """Whether most of a point's words are in a text."""
    words = _content_words(point) or (point,)
    there = sum(word.lower() in text.lower() for word in words)
    return there * 3 >= len(words) * 2


def _content_words(text: str) -> tuple[str, ...]:
    words: dict[str, str] = {}
    for word in _WORD.findall(text):
        if word.lower() not in _EMPTY_WORDS:
            words.setdefault(word.lower(), word)
    return tuple(words.values())


def _sentences(text: str) -> list[str]:
    """Return what can be quoted of a proposal: what its steps say of their points, or its lines."""
    plain = _without_heading(text)
    said = [step.partition("”: ")[2] or step for step in _STEP.findall(plain)]
    lines = [line.partition("“")[0].rpartition(", ")[0] or line for line in said]
    lines = lines or [line.strip() for line in plain.splitlines()]
    return [line for line in lines if line and "“" not in line] or [" ".join(plain.split()[:1])]


def _concern(clause: str) -> str:
    """Return what a clause of a persona ends in: “look for the smallest design that works” in “smallest design”."""
    words = _without_empty_ends(clause.split())
    if len(words) > _CONCERN_WORDS:
        words = _without_empty_ends(words[1 - _CONCERN_WORDS :])
    return " ".join(words)


def _without_empty_ends(words: list[str]) -> list[str]:
    full = [place for place, word in enumerate(words) if not _is_empty(word)]
    return words[full[0] : full[-1] + 1] if full else []


def _is_empty(word: str) -> bool:
    return word.lower() in _EMPTY_WORDS or not _WORD.fullmatch(word)


def _without_heading(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(lines[1:] if lines and lines[0].startswith(MARK) else lines)


def _short(text: str, most_words: int) -> str:
    words = text.split()
    return " ".join(words[:most_words])[:200]


def _both(*words: str) -> str:
    return " and ".join(f"“{word}”" for word in dict.fromkeys(words))


def _blocks(text: str) -> list[tuple[str, str]]:
    return [(match["name"], match["text"]) for match in _BLOCK.finditer(text)]
