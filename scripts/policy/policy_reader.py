"""From the nodes of a YAML file to the fields of a policy, by their definitions in schemas/policy.py; or of another struct."""

from difflib import get_close_matches
from typing import Any, Final

from msgspec import inspect

from schemas.marked_yaml import Fault, Listing, Mapping, Node, Place, Scalar
from schemas.policy import Policy
from scripts.policy.policy_values import (
    IN_MS,
    MOMENT,
    Unfit,
    check_bounds,
    check_text,
    given,
    length_of,
    moment_of,
    number_of,
    shortened,
    wanted,
)

POLICY: Final = inspect.type_info(Policy)


def fields_of(kind: inspect.Type, owner: str) -> dict[str, tuple[str, ...]]:
    """The names of the fields in which each field of a type, and of the types within it, stands."""
    found: dict[str, tuple[str, ...]] = {}
    match kind:
        case inspect.UnionType():
            return fields_of(given(kind), owner)
        case inspect.VarTupleType():
            return fields_of(kind.item_type, owner)
        case inspect.StructType():
            for field in kind.fields:
                name = field.name.removesuffix(IN_MS)
                inner = fields_of(field.type, name) | {name: (owner,)}
                for one, owners in inner.items():
                    found[one] = tuple(dict.fromkeys((*found.get(one, ()), *owners)))
    return found


EMPTY_TEXTS: Final = ("", "~", "null")
UNKNOWN_FIELD: Final = "unknown field"
NAMED_MAX: Final = 8
"""Fields that are named where a mapping of them is wanted."""
BROKEN: Final = object()
"""What stands for a value that could not be read; the fault is noted."""


class PolicyReader:
    """Turns nodes into what msgspec builds a Policy of, or of another `kind`, named `whole`; all that does not fit is in `faults`.

    The default stands for a value that does not fit, so that the rest can be looked at. `has_gaps`: something is
    left out that the rest may refer to, or that has no default; `kept` says of lists from which something is
    left out which of their places are there.
    """

    def __init__(
        self, faults: list[Fault], kind: inspect.Type = POLICY, whole: str = "the policy"
    ) -> None:
        self._kind, self._whole = kind, whole
        self.faults = list(faults)
        self.has_gaps = bool(faults)
        self.kept: dict[Place, list[int]] = {}

    def read(self, root: Node) -> Any:
        """The document, with what could be read of it; BROKEN where that is nothing."""
        return self._value(root, self._kind, (), is_part=False)

    def _value(self, node: Node, kind: inspect.Type, path: Place, is_part: bool) -> Any:
        """The value, or BROKEN; of a part (an arm's changes) as much as is given of it."""
        try:
            return self._fitting(node, kind, path, is_part)
        except Unfit as error:
            self._note(node.line, path, f"expected {error}, found {error.found or _found(node)}")
            self.has_gaps |= not path
            return BROKEN

    def _fitting(self, node: Node, kind: inspect.Type, path: Place, is_part: bool) -> Any:
        if _is_empty(node) and is_part:
            return None  # removes what the policy has there
        match kind, node:
            case inspect.UnionType(), _:
                return None if _is_empty(node) else self._fitting(node, given(kind), path, is_part)
            case inspect.StructType(), Mapping():
                return self._struct(node, kind, path, is_part)
            case inspect.VarTupleType(item_type=inspect.StructType() as item), Listing() if is_part:
                return self._changed_list(node, item, path)
            case inspect.VarTupleType(), Listing():
                return self._list(node, kind, path)
            case inspect.VarTupleType(item_type=inspect.StructType() as item), Mapping() if is_part:
                return self._changed(node, item, path)
            case inspect.DictType(value_type=inspect.AnyType()), Mapping():
                return self._value(node, POLICY, path, is_part=True)  # the changes of an arm
            case inspect.DictType(), Mapping():
                return self._dict(node, kind, path, is_part)
            case _, Scalar():
                return _scalar(node, kind)
            case _:
                raise Unfit(_shape(kind))

    def _struct(self, node: Mapping, kind: inspect.StructType, path: Place, is_part: bool) -> Any:
        fields = {field.name: field for field in kind.fields}
        found: dict[str, Any] = {}
        for name, (line, child) in node.fields.items():
            at = (*path, name)
            field = fields.get(name) or fields.get(name + IN_MS)
            if field is None:
                self._note(line, at, _unknown(name, list(fields)) + self._elsewhere(name, at))
                self.has_gaps = True
            elif field.name in found:
                self._note(line, at, f"{field.name} is given twice, with and without {IN_MS}")
            elif field.name != name:
                found[field.name] = self._time(child, field.type, at, is_part)
            else:
                found[field.name] = self._value(child, field.type, at, is_part)
        if not is_part:
            required = [field.name for field in kind.fields if field.required]
            missing = [name for name in required if name not in found]
            if missing:
                self._note(node.line, path, f"expected {' and '.join(missing)}, found none")
            if missing or any(found[name] is BROKEN for name in required):
                self.has_gaps = True
                return BROKEN
        return {name: value for name, value in found.items() if value is not BROKEN}

    def _list(self, node: Listing, kind: inspect.VarTupleType, path: Place) -> list[Any]:
        found = [
            self._value(one, kind.item_type, (*path, at), is_part=False)
            for at, one in enumerate(node.items)
        ]
        self._check_count(len(found), kind, node.line, path)
        kept = [at for at, one in enumerate(found) if one is not BROKEN]
        if len(kept) < len(found):
            self.has_gaps = True
            self.kept[path] = kept
        return [found[at] for at in kept]

    def _changed(self, node: Mapping, kind: inspect.StructType, path: Place) -> dict[str, Any]:
        """Changes of a list by the ids or names of what is in it."""
        found = {
            name: self._value(child, kind, (*path, name), is_part=True)
            for name, (_, child) in node.fields.items()
        }
        return {name: value for name, value in found.items() if value is not BROKEN}

    def _changed_list(self, node: Listing, kind: inspect.StructType, path: Place) -> dict[str, Any]:
        """The same, written as a list: each thing in it says which one it changes."""
        key = "id" if any(one.name == "id" for one in kind.fields) else "name"
        found: dict[str, Any] = {}
        for at, one in enumerate(node.items):
            place = (*path, at)
            fields = dict(one.fields) if isinstance(one, Mapping) else {}
            _, named = fields.pop(key, (0, None))
            if not isinstance(named, Scalar):
                self._note(one.line, place, f"expected a mapping with the {key} of what it changes")
                continue
            if named.text in found:
                self._note(one.line, place, f"{named.text!r} is changed twice")
            part = Mapping(one.line, fields)
            found[named.text] = self._value(part, kind, place, is_part=True)
        return {name: value for name, value in found.items() if value is not BROKEN}

    def _dict(self, node: Mapping, kind: inspect.DictType, path: Place, is_part: bool) -> Any:
        found = {}
        for name, (line, child) in node.fields.items():
            at = (*path, name)
            key = self._value(Scalar(line, name, False, name), kind.key_type, at, is_part=False)
            found[key] = self._value(child, kind.value_type, at, is_part)
        self._check_count(len(found), kind, node.line, path)
        return {key: value for key, value in found.items() if BROKEN not in (key, value)}

    def _check_count(
        self, count: int, kind: inspect.VarTupleType | inspect.DictType, line: int, path: Place
    ) -> None:
        bound = ""
        if kind.max_length is not None and count > kind.max_length:
            bound = f"at most {kind.max_length:,}"
        if kind.min_length is not None and count < kind.min_length:
            bound = f"at least {kind.min_length:,}"
        if bound:
            self._note(line, path, f"expected {wanted(kind)} of {bound}, found {count:,}")
            self.has_gaps = True

    def _time(self, node: Node, kind: inspect.Type, path: Place, is_part: bool) -> Any:
        """A field whose name ends in `_ms`, given without that ending."""
        number = given(kind)
        assert isinstance(number, inspect.IntType)
        if _is_empty(node) and (is_part or number is not kind):
            return None
        try:
            text = node.text if isinstance(node, Scalar) else ""
            if number == MOMENT:
                time_ms = moment_of(text)
                check_bounds(time_ms, number, "moment")
            else:
                time_ms = length_of(text)
                check_bounds(time_ms, number, "length")
        except Unfit as error:
            self._note(node.line, path, f"expected {error}, found {_found(node)}")
            return BROKEN
        return time_ms

    def _elsewhere(self, name: str, path: Place) -> str:
        """Where a field of that name belongs, which nobody knows at `path`."""
        if "." in name:
            return " (a field within another is written within it, not with a dot)"
        known = fields_of(self._kind, self._whole).get(name, ())
        owners = [one for one in known if one != _owner(path, self._whole)]
        return f" (`{name}` belongs to {' or '.join(owners)})" if owners else ""

    def _note(self, line: int, path: Place, message: str) -> None:
        self.faults.append(Fault(line, path, message))


def _scalar(node: Scalar, kind: inspect.Type) -> Any:
    """The value of a text, by what is expected there: `no` is a text where a text may be."""
    if _is_empty(node):
        raise Unfit(_shape(kind))
    match kind:
        case inspect.StrType():
            check_text(node.text, kind)
            return node.text
        case inspect.LiteralType():
            if node.text in kind.values:
                return node.text
            near = get_close_matches(node.text, map(str, kind.values), 2, 0.7)
            raise Unfit(" or ".join(near) or wanted(kind))
        case inspect.BoolType() if node.is_plain and node.text in ("true", "false"):
            return node.text == "true"
        case inspect.IntType() | inspect.FloatType() if node.is_plain:
            number = number_of(node.text, kind)
            check_bounds(number, kind)
            return number
        case _:
            raise Unfit(_shape(kind))


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_plain and node.text in EMPTY_TEXTS


def _unknown(name: str, names: list[str]) -> str:
    known = [one.removesuffix(IN_MS) for one in names]
    near = get_close_matches(name, known, 2, 0.7)
    return f"{UNKNOWN_FIELD}, expected {' or '.join(near) or 'one of ' + ', '.join(known)}"


def _owner(path: Place, whole: str) -> str:
    """What a field stands in, as `fields_of` names it."""
    words = [str(step) for step in path[:-1] if not isinstance(step, int)]
    return words[-1] if words else whole


def _shape(kind: inspect.Type) -> str:
    """What a field takes whose value has another shape: a list or mapping, and of what."""
    match kind:
        case inspect.VarTupleType(item_type=inspect.StructType() as item):
            first = item.fields[0].name
            return f"a list, in which each begins with `- {first}:`"
        case inspect.StructType() if len(kind.fields) <= NAMED_MAX:
            return f"a mapping of {', '.join(one.name.removesuffix(IN_MS) for one in kind.fields)}"
        case inspect.DictType(value_type=inspect.AnyType()):
            return "a mapping of fields of the policy"
        case _:
            return wanted(kind)


def _found(node: Node) -> str:
    match node:
        case Mapping():
            return "a mapping"
        case Listing():
            return "a list"
        case _ if _is_empty(node):
            return "nothing"
        case _:
            return node.text if node.is_plain and _is_number(node.text) else shortened(node.text)


def _is_number(text: str) -> bool:
    return len(text) <= 20 and text.removeprefix("-").replace(".", "", 1).isdigit()
