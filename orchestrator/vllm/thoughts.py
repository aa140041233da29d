"""What a model thought, told apart from what it says where its server does not do that."""

from __future__ import annotations

from typing import Final

_BEGIN: Final = "<think>"
_END: Final = "</think>"


def told_apart(content: str, reasoning: str) -> tuple[str, str]:
    """Return an answer's content without the thoughts that it begins with, and its reasoning with them.

    Of thoughts that do not end, nothing is content.
    """
    said = content.lstrip()
    if not said.startswith(_BEGIN):
        return content, reasoning
    thoughts, _, rest = said.removeprefix(_BEGIN).partition(_END)
    return rest.lstrip(), "\n".join(filter(None, (reasoning, thoughts.strip())))
