"""A policy's YAML file: read and checked, with every mistake told by line and field."""

import re
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from schemas.counted import counted
from schemas.errors import CheckFailed, ConfigError
from schemas.limits import CONTROL_BYTES_MAX
from schemas.marked_yaml import Node, Place, Scalar, Unreadable, node_at, read_tree
from schemas.policy import Policy
from scripts.policy.own_mistakes import own_mistakes
from scripts.policy.policy_reader import PolicyReader
from udfs.policy.compile_policy import compile_all
from udfs.policy.compiled_policy import dotted
from udfs.policy.name_mistakes import name_mistakes

FILE_BYTES_MAX: Final = CONTROL_BYTES_MAX
SHOWN_MAX: Final = 100
"""Mistakes that are told; of more, their number."""
IN_CONDITION: Final = re.compile(r"line (\d+), column (\d+): ")


class FileMistake(NamedTuple):
    """What is wrong, on which line (from 1) of the file, in which field (empty: the whole)."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (str(self.line), self.field, self.message)))


class PolicyMistakes(CheckFailed):
    """A policy file that cannot be used, with all that is wrong in it, by line."""

    def __init__(self, name: str, mistakes: list[FileMistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        shown = [f"{name}:{one}" for one in self.mistakes[:SHOWN_MAX]]
        more = len(self.mistakes) - len(shown)
        super().__init__("\n".join([*shown, f"… and {more:,} more"] if more else shown))


class PolicyFile(NamedTuple):
    """A policy without mistakes, what looks wrong in it all the same, what is published of it, and what
    holds because nothing else is written.
    """

    policy: Policy
    warnings: tuple[FileMistake, ...]
    payload: bytes
    notes: tuple[str, ...] = ()


class Read(NamedTuple):
    """A file's tree, and what its reader made of it; `policy` is None where that is nothing."""

    root: Node
    reader: PolicyReader
    policy: Policy | None


def read_policy(source: Path | str) -> Policy:
    """The policy in a file, or in a text; raises PolicyMistakes with all of its mistakes."""
    return check_policy(source).policy


def check_policy(source: Path | str, called: str = "policy") -> PolicyFile:
    """The policy with its warnings; raises PolicyMistakes, and ConfigError where there is no file.

    `called`: what mistakes call a text.
    """
    name = called if isinstance(source, str) else str(source)
    read = _read(source, name)
    mistakes = _mistakes_of(read.reader)
    if read.policy is None:
        raise PolicyMistakes(name, mistakes)
    payload = payload_of(read.policy)
    if len(payload) > CONTROL_BYTES_MAX:
        mistakes.append(_too_large("a policy as it is published", f"{len(payload):,}"))
    compiled, wrong = compile_all(read.policy, is_whole=not read.reader.has_gaps)
    found = [*wrong, *name_mistakes(compiled)]
    own = own_mistakes(read.root, read.reader, read.policy, found)
    mistakes += [_placed(read.root, *one) for one in own]
    if mistakes:
        raise PolicyMistakes(name, mistakes)
    warnings = sorted(_placed(read.root, *one) for one in compiled.warnings)
    return PolicyFile(read.policy, tuple(warnings), payload, _notes(read.root, read.policy))


def parse_policy(source: Path | str) -> Policy:
    """The policy as the file has it, its names and conditions unchecked; raises PolicyMistakes."""
    name = "policy" if isinstance(source, str) else str(source)
    read = _read(source, name)
    mistakes = _mistakes_of(read.reader)
    if read.policy is None or mistakes:
        raise PolicyMistakes(name, mistakes)
    return read.policy


def payload_of(policy: Policy) -> bytes:
    """The policy as it is published: JSON with every default, the same for equal policies."""
    return msgspec.json.encode(policy, order="deterministic")


def counts_of(policy: Policy) -> dict[str, int]:
    """How many of everything it has, actions also by kind."""
    groups = ("placements", "actions", "rules", "segments", "context_weights", "experiments")
    counts = {name: len(getattr(policy, name)) for name in groups}
    kinds = Counter(action.kind for action in policy.actions)
    return counts | {f"actions.{kind}": kinds[kind] for kind in sorted(kinds)}


def summary(policy: Policy) -> str:
    """The counts in one line."""
    counts = counts_of(policy)
    of_kinds = [f"{n} {name[8:]}" for name, n in counts.items() if name.startswith("actions.")]
    words = [
        counted(count, name.replace("_", " ").removesuffix("s"))
        + (f" ({', '.join(of_kinds)})" if name == "actions" and of_kinds else "")
        for name, count in counts.items()
        if "." not in name
    ]
    return ", ".join(words)


def _read(source: Path | str, name: str) -> Read:
    try:
        root, faults = read_tree(text_of(source, name))
    except Unreadable as error:
        raise PolicyMistakes(name, [_mistake(*error.fault)]) from error
    reader = PolicyReader(faults)
    document = reader.read(root)
    try:
        return Read(root, reader, msgspec.convert(document, Policy))
    except msgspec.ValidationError:
        if not reader.has_gaps:
            raise
        return Read(root, reader, None)


def _mistakes_of(reader: PolicyReader) -> list[FileMistake]:
    return [_mistake(*fault) for fault in reader.faults]


def _notes(root: Node, policy: Policy) -> tuple[str, ...]:
    """What holds by itself: people are held out though the file does not say so."""
    share = node_at(root, ("holdout", "share"))
    is_written = isinstance(share, Scalar) and share is not root
    if is_written or not policy.holdout.share:
        return ()
    said = f"{policy.holdout.share:.0%} of people are held out and get what is not personal"
    return (f"{said}, because `holdout` is not written: `holdout: {{share: 0}}` holds out nobody",)


def text_of(source: Path | str, name: str) -> str:
    """The text of a policy file; raises PolicyMistakes where it is too large or no UTF-8, ConfigError where it cannot be read."""
    if isinstance(source, str):
        content = source.encode()
    else:
        try:
            with source.open("rb") as file:
                content = file.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            raise ConfigError(f"{source} cannot be read: {error.strerror}") from error
    if len(content) > FILE_BYTES_MAX:
        raise PolicyMistakes(name, [_too_large("a policy's file", "more")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        mistake = FileMistake(line, "", f"expected UTF-8, found the byte 0x{byte:02x}")
        raise PolicyMistakes(name, [mistake]) from error


def _too_large(what: str, found: str) -> FileMistake:
    message = f"expected at most {CONTROL_BYTES_MAX:,} bytes of {what}, found {found}"
    return FileMistake(1, "", message)


def _mistake(line: int, path: Place, message: str) -> FileMistake:
    return FileMistake(line, dotted(path), message)


def _placed(root: Node, path: Place, message: str) -> FileMistake:
    """What was found in the policy, at its line in the file; that of a condition at the line within it."""
    node = node_at(root, path)
    place = IN_CONDITION.match(message)
    if place is None or not isinstance(node, Scalar):
        return _mistake(node.line, path, message)
    line, column = int(place[1]), int(place[2])
    has_lines = "\n" in node.text.strip()
    within = f"its line {line}, column {column}" if has_lines else f"column {column}"
    return _mistake(node.line_at(line, column), path, f"{within}: {message[place.end() :]}")
