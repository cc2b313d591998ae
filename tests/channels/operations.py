"""The operations of the API's document, one by one."""

from typing import Any, Final, NamedTuple

from channels.api.openapi import document


class Operation(NamedTuple):
    """One of them; `told` is what the document says of it."""

    method: str
    path: str
    told: dict[str, Any]

    @property
    def is_endless(self) -> bool:
        """Whether the answer has no end."""
        return "text/event-stream" in self.told["responses"].get("200", {}).get("content", {})


OPERATIONS: Final = [
    Operation(method, path, told)
    for path, methods in document()["paths"].items()
    for method, told in methods.items()
]
