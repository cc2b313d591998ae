"""A mapping's file: YAML, read into its rules."""

import re
from pathlib import Path
from typing import Any, Final

from schemas.errors import ConfigError
from schemas.mappings.mapping_rules import Compiled, compile_mapping
from schemas.marked_yaml import Listing, Node, Scalar, Unreadable, read_tree

FILE_BYTES_MAX: Final = 1_000_000
WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
PARTED: Final = re.compile(r"[+-]?\d{1,18}\.\d{1,18}", re.ASCII)
WORDS: Final[dict[str, Any]] = {"": None, "~": None, "null": None, "true": True, "false": False}


def read_mapping(path: Path) -> tuple[Compiled, ...]:
    """The rules of the mapping in a file; ConfigError says what is wrong in it, and where."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > FILE_BYTES_MAX:
        raise ConfigError(f"{path}: a mapping has at most {FILE_BYTES_MAX:,} bytes")
    try:
        return mapping_of(content.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8") from error


def mapping_of(text: str, place: str) -> tuple[Compiled, ...]:
    """The rules of a mapping's text; ConfigError says what is wrong in it, and that it stands at `place`."""
    try:
        root, faults = read_tree(text)
    except Unreadable as error:
        raise ConfigError(f"{place}, {error}") from error
    if faults:
        raise ConfigError(f"{place}, line {faults[0].line}: {faults[0].message}")
    try:
        return compile_mapping(_plain(root))
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error


def _plain(node: Node) -> Any:
    """The tree as YAML 1.2 means it: texts without quotes may be numbers, true, false or nothing."""
    if isinstance(node, Listing):
        return [_plain(one) for one in node.items]
    if not isinstance(node, Scalar):
        return {name: _plain(one) for name, (_, one) in node.fields.items()}
    if not node.is_plain:
        return node.text
    if node.text in WORDS:
        return WORDS[node.text]
    if WHOLE.fullmatch(node.text):
        return int(node.text)
    return float(node.text) if PARTED.fullmatch(node.text) else node.text
