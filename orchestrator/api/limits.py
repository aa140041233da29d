"""How much one operation may ask for, and how it is told where it asks for more.

What one value may be, such as a page or a text, is told by its field (`domain.limits`, `domain.pages`).
"""

from __future__ import annotations

from graphql.validation.rules import overlapping_fields_can_be_merged as comparing

from graphql import GraphQLError, GraphQLSyntaxError, Lexer, Source, TokenKind

MOST_CHARACTERS = 100_000
"""Of a document; longer texts, such as a task's, go as variables."""
MOST_LINES = 10_000
"""To say in which line a mistake is, all before it is looked through, once a mistake."""
MOST_TOKENS = 2_000
"""With comments, of which each is kept like any other token."""
MOST_NESTING = 64
"""Brackets within brackets, and selections within selections, those of fragments among them: whatever reads a document goes down as far."""
MOST_DEPTH = 18
"""Fields within fields."""
MOST_SELECTIONS = 2_000
MOST_ALIASES = 100
"""Without an alias a field is carried out once."""
MOST_DIRECTIVES = 100
MOST_COMPARING = 50_000
"""Steps of validation: it compares each field with each of the same name in the same place. All of what the package's own client sends
together takes 500."""
MOST_COST = 100_000
"""Fields that the answer may have."""
MOST_ANSWERED = 10_000_000
"""Characters of an answer, see `projection.run.extent`: fields are few where each is a task's whole context under a hundred aliases."""

# It is looked up there whenever a validation begins.
comparing.MAX_COMPLEXITY_BUDGET = MOST_COMPARING

_OPENING = frozenset({TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L})
_CLOSING = frozenset({TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R})


class LimitError(GraphQLError):
    """More was asked for than may be."""

    def __init__(self, name: str, value: float, bound: float, message: str) -> None:
        """`name` says which limit, for programs; the message has all three."""
        self.limit: dict[str, object] = {"name": name, "value": value, "bound": bound}
        super().__init__(message)


class TooLargeError(LimitError):
    """The answer would be larger than one may be."""

    def __init__(self, extent: int, then: str) -> None:
        """`extent` is as far as was counted, and `then` says what follows from it."""
        super().__init__(
            "answer",
            extent,
            MOST_ANSWERED,
            f"the answer has {extent} characters or more, and may have {MOST_ANSWERED} at most: {then}",
        )


class ClosedError(GraphQLError):
    """The service is set not to answer this, whoever asks."""


class TooManyError(LimitError):
    """There is as much under way as may be at once; what is over makes room."""

    def __init__(self, whose: str, what: str, bound: int) -> None:
        """`what` is the word for many of them, and `whose` the word for whoever may have so many."""
        value = bound + 1
        super().__init__(
            f"{whose}{what.capitalize()}",
            value,
            bound,
            f"with this one the {whose} has {value} {what} at once, and may have {bound} at most",
        )


def check_text(text: str) -> None:
    """Look at a document before it is parsed.

    Raises:
        LimitError: only to read it takes too long, or goes deeper than what reads it can.
    """
    if (characters := len(text)) > MOST_CHARACTERS:
        raise LimitError(
            "characters",
            characters,
            MOST_CHARACTERS,
            f"the document has {characters} characters, and may have {MOST_CHARACTERS} at most; long values go as variables",
        )
    if (lines := text.count("\n") + text.count("\r") - text.count("\r\n") + 1) > MOST_LINES:
        raise LimitError(
            "lines",
            lines,
            MOST_LINES,
            f"the document has {lines} lines, and may have {MOST_LINES} at most; long values go as variables",
        )
    tokens, nesting = _extent(text)
    if tokens > MOST_TOKENS:
        raise LimitError(
            "tokens",
            tokens,
            MOST_TOKENS,
            f"the document has {tokens} tokens or more, and may have {MOST_TOKENS} at most",
        )
    check_nesting(nesting)


def check_nesting(nesting: int) -> None:
    """Raise LimitError where there are too many brackets, or selections, within each other."""
    if nesting > MOST_NESTING:
        raise LimitError(
            "nesting",
            nesting,
            MOST_NESTING,
            f"the document is nested {nesting} deep or more, and may be {MOST_NESTING} at most",
        )


def too_much_comparing() -> LimitError:
    """Say that validation gave up a document, with nothing wrong in it so far."""
    value = MOST_COMPARING + 1
    return LimitError(
        "comparing",
        value,
        MOST_COMPARING,
        f"to compare the document's fields of the same name with each other takes {value} steps or more, and may take {MOST_COMPARING} at most: ask for each field once",
    )


def check_answer(extent: int, then: str = "ask for less at once") -> None:
    """Raise TooLargeError where an answer has too many characters; `then` says what follows from it."""
    if extent > MOST_ANSWERED:
        raise TooLargeError(extent, then)


def _extent(text: str) -> tuple[int, int]:
    """Count tokens, comments among them, up to where there are too many, and say how deep brackets are nested.

    What is no token ends the count: whoever parses the text will say so.
    """
    lexer = Lexer(Source(text))
    tokens = depth = deepest = end = 0
    try:
        while tokens <= MOST_TOKENS:
            token = lexer.read_next_token(end)
            kind, end = token.kind, token.end
            if kind is TokenKind.EOF:
                break
            tokens += 1
            if kind in _OPENING:
                depth += 1
                deepest = max(deepest, depth)
            elif kind in _CLOSING:
                depth -= 1
    except GraphQLSyntaxError:
        pass
    return tokens, deepest
