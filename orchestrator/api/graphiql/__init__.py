"""GraphiQL, from the service's own files: a cluster has no internet.

`static` is built from `graphql/graphiql` by `npm ci && npm run build` there; a test compares the two. The examples are open in
tabs of their own when the page is shown for the first time.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

from graphql import OperationDefinitionNode, parse

_ROOM = Path(__file__).parent
STATIC = _ROOM / "static"

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
"""Everything is the service's own; what the page is given, such as an answer, can neither run nor be sent elsewhere."""

_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{what} {where}" for what, where in _POLICY.items()),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


_CLOSED = """# This service answers no introspection, so nothing is completed here and there is no documentation.
# The schema is in its repository, as graphql/schema.graphql.

"""

_LISTED = """# This service answers only the documents of its list (COUNCIL_DOCUMENTS); the examples are not on it.

"""


def page(*, introspection: bool, any_document: bool) -> HTMLResponse:
    """Return the page, which expects to be shown where GraphQL is answered, and says what is not answered there."""
    said = ("" if introspection else _CLOSED) + ("" if any_document else _LISTED)
    return HTMLResponse(_page(said), headers=_HEADERS)


@cache
def _page(said: str) -> str:
    tabs = [_tab(said + path.read_text(encoding="utf-8")) for path in examples()]
    # Within a script element, nothing else can end it.
    shown = json.dumps(tabs).replace("<", "\\u003c")
    return Template((_ROOM / "page.html").read_text(encoding="utf-8")).substitute(examples=shown)


def examples() -> list[Path]:
    """The documents of the examples, in order of the tabs."""
    return sorted((_ROOM / "examples").glob("*.graphql"))


def _tab(document: str) -> dict[str, str]:
    """A document, and an object with each of its variables to be filled in."""
    names = [
        variable.variable.name.value
        for operation in parse(document).definitions
        if isinstance(operation, OperationDefinitionNode)
        for variable in operation.variable_definitions or ()
    ]
    return {"query": document, "variables": json.dumps(dict.fromkeys(names, ""), indent=2)}
