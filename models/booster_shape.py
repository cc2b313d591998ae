"""Whether the bytes of a booster are trees that point nowhere else than into themselves and the features.

XGBoost believes what a file says: an index beyond its array crashes the process that scores. So the arrays
are looked at before the library sees them. Only what our training writes is let through: `gbtree`, one
output, numerical splits, in UBJSON.
"""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ConfigError

NESTED_MAX: Final = 32
LEVELS_MAX: Final = 64
"""Levels of one tree: the library walks down by recursion where it explains a score."""
TREES_MAX: Final = 100_000
KEY_BYTES_MAX: Final = 256
_NUMBERS: Final = {
    b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8",
}  # fmt: skip
_SIZES: Final = {sign: np.dtype(kind).itemsize for sign, kind in _NUMBERS.items()}
_WHOLE: Final = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q"}
_FLOATS: Final = {b"d": ">f", b"D": ">d"}
Node = NDArray[Any]


class Broken(Exception):
    """The bytes are not what they should be: the message says where."""


def check_booster(version: str, booster: bytes, feature_count: int) -> list[int]:
    """The features that the trees split on, in order; raises ConfigError unless they are whole and split on no others."""
    try:
        model = _Reader(booster).document()
        return _check_model(model, feature_count)
    except (Broken, struct.error, UnicodeDecodeError, IndexError, TypeError) as error:
        raise ConfigError(f"model {version}: the booster is broken: {error}") from error


class _Reader:
    """UBJSON as XGBoost writes it."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def document(self) -> Any:
        """The one value; nothing may follow it."""
        found = self._value(self._take(1), 0)
        if self._at != len(self._data):
            raise Broken("bytes after its end")
        return found

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self._at:
            raise Broken("it ends too early")
        found = self._data[self._at : self._at + count]
        self._at += count
        return found

    def _whole(self, sign: bytes) -> int:
        if sign not in _WHOLE:
            raise Broken(f"{sign!r} is no length")
        found: int = struct.unpack(_WHOLE[sign], self._take(_SIZES[sign]))[0]
        return found

    def _text(self, bytes_max: int) -> str:
        length = self._whole(self._take(1))
        if length > bytes_max:
            raise Broken("a name is too long")
        return self._take(length).decode()

    def _value(self, sign: bytes, depth: int) -> Any:
        if depth > NESTED_MAX:
            raise Broken("it is too deep")
        if sign == b"{":
            return self._object(depth)
        if sign == b"[":
            return self._array(depth)
        if sign == b"S":
            return self._text(len(self._data))
        if sign in _WHOLE:
            return self._whole(sign)
        if sign in _FLOATS:
            return struct.unpack(_FLOATS[sign], self._take(_SIZES[sign]))[0]
        if sign in (b"T", b"F", b"Z", b"N"):
            return sign == b"T"
        raise Broken(f"{sign!r} is no value")

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._data[self._at : self._at + 1] != b"}":
            name = self._text(KEY_BYTES_MAX)
            if name in found:
                raise Broken(f"{name!r} stands there twice")
            found[name] = self._value(self._take(1), depth + 1)
        self._at += 1
        return found

    def _array(self, depth: int) -> Any:
        kind = None
        if self._data[self._at : self._at + 1] == b"$":
            self._at += 1
            kind = self._take(1)
        if self._data[self._at : self._at + 1] == b"#":
            self._at += 1
            count = self._whole(self._take(1))
            if kind is not None:
                if kind not in _NUMBERS:
                    raise Broken(f"{kind!r} is no kind of number")
                return np.frombuffer(self._take(count * _SIZES[kind]), _NUMBERS[kind])
            if not 0 <= count <= len(self._data):
                raise Broken("a list is longer than the file")
            return [self._value(self._take(1), depth + 1) for _ in range(count)]
        if kind is not None:
            raise Broken("a list of a kind has no length")
        values = []
        while self._data[self._at : self._at + 1] != b"]":
            values.append(self._value(self._take(1), depth + 1))
        self._at += 1
        return values


def _check_model(model: Any, feature_count: int) -> list[int]:
    learner = _part(model, "learner", dict)
    parameters = _part(learner, "learner_model_param", dict)
    if _number(parameters, "num_feature") != feature_count:
        raise Broken(f"{parameters.get('num_feature')} features, not {feature_count}")
    if _number(parameters, "num_class") > 1 or _number(parameters, "num_target", 1) != 1:
        raise Broken("it has several outputs")
    booster = _part(learner, "gradient_booster", dict)
    if booster.get("name") != "gbtree":
        raise Broken(f"of kind {booster.get('name')!r:.40}, not 'gbtree'")
    ensemble = _part(booster, "model", dict)
    trees = _part(ensemble, "trees", list)
    count = _number(_part(ensemble, "gbtree_model_param", dict), "num_trees")
    if len(trees) != count or count > TREES_MAX:
        raise Broken(f"{len(trees)} trees, {count} are announced")
    if _number(_part(ensemble, "gbtree_model_param", dict), "num_parallel_tree", 1) != 1:
        raise Broken("its trees stand side by side")
    groups = _whole_numbers(ensemble, "tree_info", count)
    if groups.any():
        raise Broken("a tree belongs to no output")
    _check_rounds(ensemble, count)
    if any(len(one) for one in ensemble.get("cats", {}).values()):
        raise Broken("it splits on kinds, not on numbers")
    read: set[int] = set()
    for at, tree in enumerate(trees):
        try:
            read.update(_check_tree(tree, at, feature_count))
        except Broken as error:
            raise Broken(f"tree {at}: {error}") from error
    return sorted(read)


def _check_rounds(ensemble: dict[str, Any], count: int) -> None:
    if "iteration_indptr" not in ensemble:
        return
    rounds = _whole_numbers(ensemble, "iteration_indptr")
    if not len(rounds) or rounds[0] != 0 or rounds[-1] != count or (np.diff(rounds) < 0).any():
        raise Broken("its rounds are not those of its trees")


def _check_tree(tree: Any, at: int, feature_count: int) -> list[int]:
    """The features that it splits on."""
    parameters = _part(tree, "tree_param", dict)
    count = _number(parameters, "num_nodes")
    if count < 1 or _number(parameters, "size_leaf_vector", 1) > 1:
        raise Broken("no nodes, or leaves that are no number")
    if _number(parameters, "num_feature", feature_count) != feature_count:
        raise Broken("of other features")
    if "id" in tree and tree["id"] != at:
        raise Broken("it is not where it says")
    left = _whole_numbers(tree, "left_children", count)
    right = _whole_numbers(tree, "right_children", count)
    is_leaf = left == -1
    if not np.array_equal(is_leaf, right == -1):
        raise Broken("a node has one child")
    children = np.concatenate([left[~is_leaf], right[~is_leaf]])
    if (children < 1).any() or (children >= count).any():
        raise Broken("a child is none of its nodes")
    # each is the child of one at most, which has a smaller number: no way leads back
    nodes = np.flatnonzero(~is_leaf)
    is_back = (left[nodes] <= nodes).any() or (right[nodes] <= nodes).any()
    if is_back or len(np.unique(children)) != len(children):
        raise Broken("it goes in circles")
    _check_levels(left, right)
    parents = _whole_numbers(tree, "parents", count)
    if (parents[left[nodes]] != nodes).any() or (parents[right[nodes]] != nodes).any():
        raise Broken("a child has another parent")
    features = _whole_numbers(tree, "split_indices", count)
    if (features < 0).any() or (features >= feature_count).any():
        raise Broken("it splits on a feature that is none")
    _check_numbers(tree, count)
    found: list[int] = features[nodes].tolist()
    return found


def _check_levels(left: NDArray[np.int64], right: NDArray[np.int64]) -> None:
    level = np.zeros(1, dtype=np.int64)
    for _ in range(LEVELS_MAX):
        level = level[left[level] != -1]
        if not len(level):
            return
        level = np.concatenate([left[level], right[level]])
    raise Broken("it is too deep")


def _check_numbers(tree: dict[str, Any], count: int) -> None:
    for name in ("split_conditions", "base_weights", "loss_changes", "sum_hessian"):
        if not np.isfinite(_array(tree, name, count).astype(np.float64)).all():
            raise Broken(f"{name} are not finite")
    _array(tree, "default_left", count)
    if _whole_numbers(tree, "split_type", count).any():
        raise Broken("it splits on kinds, not on numbers")
    for name in ("categories", "categories_nodes", "categories_segments", "categories_sizes"):
        if name in tree and len(tree[name]):
            raise Broken("it splits on kinds, not on numbers")


def _part(whole: Any, name: str, kind: type) -> Any:
    found = whole.get(name) if isinstance(whole, dict) else None
    if not isinstance(found, kind):
        raise Broken(f"{name} is missing")
    return found


def _number(parameters: dict[str, Any], name: str, default: int | None = None) -> int:
    """Parameters are written as texts."""
    text = parameters.get(name, default)
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    raise Broken(f"{name} is no number")


def _array(whole: Any, name: str, count: int | None = None) -> Node:
    found = whole.get(name) if isinstance(whole, dict) else None
    if isinstance(found, list) and all(isinstance(one, int | float) for one in found):
        found = np.array(found)
    if not isinstance(found, np.ndarray) or (count is not None and len(found) != count):
        raise Broken(f"{name} are not {count}")
    return found


def _whole_numbers(whole: Any, name: str, count: int | None = None) -> NDArray[np.int64]:
    found = _array(whole, name, count)
    if len(found) and found.dtype.kind not in "iub":
        raise Broken(f"{name} are no whole numbers")
    return found.astype(np.int64)
