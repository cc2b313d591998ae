"""Clients of Kafka and the store come from `log/` alone: one that is opened elsewhere knows no password and no TLS."""

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = {"Consumer", "Producer", "AdminClient", "Redis", "RedisCluster"}


def opened_in(path: Path) -> list[str]:
    """Where a module opens a client itself."""
    calls = (one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Call))
    return [
        f"{path.relative_to(ROOT)}:{call.lineno} {call.func.id}"
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in CLIENTS
    ]


def test_no_client_is_opened_outside_log() -> None:
    folders = ("schemas", "models", "udfs", "jobs", "channels", "scripts")
    modules = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(modules) > 200
    assert [place for path in modules for place in opened_in(path)] == []
    assert opened_in(ROOT / "log" / "clients.py"), "the check sees one where there is one"
