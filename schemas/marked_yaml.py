"""YAML in which everything knows its line: a bounded tree of texts, lists and mappings.

What a text means (a number, a time, nothing) is for the reader to say, by what it expects there.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

NODES_MAX: Final = 200_000
"""Nodes with every alias written out, so that a small file cannot become a large tree."""
DEPTH_MAX: Final = 40
BEFORE_TEXT: Final = re.compile(r"^(?:[&!]\S*\s+)+")
"""An anchor or a tag in front of a text."""

REMEDIES: Final = {
    re.compile(r"^ *\t"): "indent with blanks, not with a tab",
    re.compile(r"(?:^|\s)(?://|/\*)"): "a comment begins with `#`",
    re.compile(r":\s*\S.*[^\s{,]: "): "a text with a colon in it stands in quotes",
}
"""By what stands in the line where YAML ends: what is to be done."""

Place = tuple[str | int, ...]
"""Where something is: names of fields and places in lists, from the top."""


class Fault(NamedTuple):
    """What is wrong in the file, where it stands, and the line (from 1)."""

    line: int
    path: Place
    message: str


class Scalar(NamedTuple):
    """A text; `written` is how it stands in the file, `is_plain` without quotes and not as a block."""

    line: int
    text: str
    is_plain: bool
    written: str

    def line_at(self, line: int, column: int) -> int:
        """The file's line of a place (both from 1) in the text, however it was folded.

        Folding changes white space only, so the other characters before the place are counted.
        """
        before = self.text.split("\n")[: line - 1]
        rest = "".join(self.text.split("\n")[line - 1 : line])[: column - 1]
        wanted = sum(map(_ink, before)) + _ink(rest) + 1
        begin, lines = 0, self.written
        if lines[:1] in ("|", ">"):
            begin, lines = 1, lines.partition("\n")[2]
        elif lines[:1] in ("'", '"'):
            lines = lines[1:]
        for at, one in enumerate(lines.split("\n")):
            wanted -= _ink(one)
            if wanted <= 0:
                return self.line + begin + at
        return self.line


class Listing(NamedTuple):
    """A list."""

    line: int
    items: tuple["Node", ...]


class Mapping(NamedTuple):
    """Named things, in the order of the file, with the line of each name."""

    line: int
    fields: dict[str, tuple[int, "Node"]]


Node = Scalar | Listing | Mapping


class Unreadable(Exception):
    """The text is no YAML, or none that is read here; nothing after the fault is known."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"line {fault.line}: {fault.message}")
        self.fault = fault


def read_tree(text: str) -> tuple[Node, list[Fault]]:
    """The tree, and what is wrong in it but does not hide the rest. Raises Unreadable."""
    builder = _Builder(text)
    try:
        return builder.document(), builder.faults
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_no_yaml(error, text)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable(Fault(line, (), f"this is no YAML: {error.reason}")) from error


def node_at(root: Node, path: Place) -> Node:
    """The node at `path`, or the nearest above it; a field `x_ms` may be there as `x`."""
    node = root
    for step in path:
        if isinstance(node, Mapping):
            names = (str(step), str(step).removesuffix("_ms"))
            found = next((node.fields[name][1] for name in names if name in node.fields), None)
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            found = node.items[step]
        else:
            found = None
        if found is None:
            return node
        node = found
    return node


class _Builder:
    """Turns the parser's events into nodes; anchors are known once their node is complete."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.CBaseLoader)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0

    def document(self) -> Node:
        """The one document of the file."""
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Scalar(1, "", True, "")
        root = self._node(next(self._events), ())
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._stop(after, (), "expected one document, found a second")
        return root

    def _node(self, event: Any, path: Place) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._nodes
        self._count(1, event, path)
        anchor = event.anchor
        if event.tag is not None:
            self._note(event, path, f"tags such as {event.tag[:60]!r} are not read here")
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Listing(_line(event), tuple(self._items(path)))
        else:
            node = Mapping(_line(event), self._fields(path))
        if anchor is not None:
            self._anchors[anchor] = node, self._nodes - before
        return node

    def _scalar(self, event: Any) -> Scalar:
        written = self._text[event.start_mark.index : event.end_mark.index]
        is_plain = event.style in (None, "")
        return Scalar(_line(event), event.value, is_plain, BEFORE_TEXT.sub("", written))

    def _alias(self, event: Any, path: Place) -> Node:
        if event.anchor not in self._anchors:
            self._stop(event, path, f"*{event.anchor} stands for nothing that is complete above it")
        node, nodes = self._anchors[event.anchor]
        self._count(nodes, event, path)
        return node

    def _items(self, path: Place) -> Iterator[Node]:
        at = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, (*path, at))
            at += 1

    def _fields(self, path: Place) -> dict[str, tuple[int, Node]]:
        fields: dict[str, tuple[int, Node]] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, (*path, ""))
            name = key.text if isinstance(key, Scalar) else ""
            node = self._node(next(self._events), (*path, name))
            if not isinstance(key, Scalar):
                self._note(event, path, "expected the name of a field, found a list or a mapping")
            elif name in fields:
                first = fields[name][0]
                self._note(event, (*path, name), f"given twice, first on line {first}")
            else:
                fields[name] = _line(event), node
        return fields

    def _count(self, nodes: int, event: Any, path: Place) -> None:
        self._nodes += nodes
        if self._nodes > NODES_MAX:
            self._stop(event, path, f"expected at most {NODES_MAX:,} values, aliases written out")
        if len(path) > DEPTH_MAX:
            self._stop(event, path[:3], f"nested more than {DEPTH_MAX} deep")

    def _note(self, event: Any, path: Place, message: str) -> None:
        self.faults.append(Fault(_line(event), path, message))

    def _stop(self, event: Any, path: Place, message: str) -> None:
        raise Unreadable(Fault(_line(event), path, message))


def _no_yaml(error: yaml.MarkedYAMLError, text: str) -> Fault:
    """The parser's complaint, where it is; of what is open at the text's end, where that begins."""
    mark = error.problem_mark
    if error.context_mark is not None and (mark is None or mark.index >= len(text.rstrip())):
        mark = error.context_mark
    line = mark.line if mark else 0
    written = text.split("\n")[line : line + 1]
    return Fault(line + 1, (), f"this is no YAML: {error.problem}{_remedy(written)}")


def _remedy(written: list[str]) -> str:
    """What helps where the parser's words do not: of the line with the fault."""
    for mark, remedy in REMEDIES.items():
        if any(mark.search(one) for one in written):
            return f": {remedy}"
    return ""


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _ink(text: str) -> int:
    """Characters that are not white space."""
    return len("".join(text.split()))
