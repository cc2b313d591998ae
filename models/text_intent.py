"""Text intent: what a query or a support message is after, by a small trained linear model.

A text becomes words, pairs of words and the letter n-grams of its words, each hashed to one of BUCKETS; the
weights of these are whole numbers, so their sums are the same on every machine.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp, sqrt
from pathlib import Path
from typing import Final, NamedTuple
from zlib import compress, crc32, decompress

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from schemas.thread_safe_types import prepared

INTENTS: Final = (
    "price_sensitive", "feature_comparing", "needs_help", "ready_to_buy", "returning", "other",
)  # fmt: skip
OTHER: Final = "other"
BUCKETS: Final = 8_192
NGRAMS: Final = (3, 4, 5)
TOKENS_MAX: Final = 24
"""The first words of a text say what it is after; a support message may go on for pages."""
TOKEN_LENGTH_MAX: Final = 24
CHANCE_MIN: Final = 0.45
"""Below that the model is not sure, and the text is OTHER: most queries just name what is wanted."""
REGULARISATION: Final = 1e-4
STEPS: Final = 300
WEIGHT_MAX: Final = 127
TOKEN: Final = re.compile(r"[^\W\d_]+|\d+|[€$£%?]")
FOLDER: Final = Path(__file__).parent
PHRASES_PATH: Final = FOLDER / "text_intent_phrases.json"
WEIGHTS_PATH: Final = FOLDER / "text_intent.json"

Floats = NDArray[np.float64]


class Guess(NamedTuple):
    """An intent of INTENTS and the model's chance of it."""

    intent: str
    chance: float


class Weights(Struct, frozen=True, forbid_unknown_fields=True):
    """The model in its file.

    `weights` is base64 of zlib of int8 (BUCKETS, intents), `bias` one whole number per intent; both count in
    steps of `step`.
    """

    intents: tuple[str, ...]
    step: float
    bias: tuple[int, ...]
    weights: str


prepared(Weights)


class TextIntent:
    """A trained classifier; the same text always gives the same guess."""

    def __init__(self, weights: Weights) -> None:
        raw = np.frombuffer(decompress(b64decode(weights.weights)), np.int8)
        self.weights = weights
        self.matrix = raw.reshape(BUCKETS, len(weights.intents)).astype(np.int64)

    def classify(self, text: str) -> Guess:
        """The intent of `text` (its first TOKENS_MAX words); OTHER where the model is not sure."""
        buckets = buckets_of(text)
        if not buckets:
            return Guess(OTHER, 1.0)
        scale = 1.0 / sqrt(len(buckets))
        sums: list[int] = np.add.reduce(self.matrix[buckets]).tolist()
        scores = [
            self.weights.step * (scale * one + bias)
            for one, bias in zip(sums, self.weights.bias, strict=True)
        ]
        best = max(scores)
        chance = 1.0 / sum(exp(score - best) for score in scores)
        intent = self.weights.intents[scores.index(best)]
        return Guess(intent if chance >= CHANCE_MIN else OTHER, chance)


def tokens_of(text: str) -> list[str]:
    """Words in lower case, signs of money, `?`, and `0` for any number; at most TOKENS_MAX."""
    start = text[: TOKENS_MAX * TOKEN_LENGTH_MAX].lower()
    found = TOKEN.findall(start)[:TOKENS_MAX]
    return ["0" if one[0].isdigit() else one[:TOKEN_LENGTH_MAX] for one in found]


def buckets_of(text: str) -> list[int]:
    """The bucket of each word, of the n-grams of its bytes with marks at its ends, and of each pair of words."""
    tokens = tokens_of(text)
    marked = [f"<{token}>".encode() for token in tokens]
    features = [b"w " + word for word in marked]
    features += [b"p " + one + other for one, other in pairwise(marked)]
    for word in marked:
        for length in NGRAMS:
            features += [word[at : at + length] for at in range(len(word) - length + 1)]
    return [crc32(feature) % BUCKETS for feature in features]


def train_text_intent(examples: Mapping[str, Sequence[str]]) -> TextIntent:
    """Fits phrases by intent (all of INTENTS): multinomial logistic regression with L2, deterministic.

    A row is the counts of a text's buckets over the root of their sum, as `classify` has it.
    """
    pairs = [(intent, text) for intent in INTENTS for text in examples[intent]]
    rows = csr_matrix(_rows([text for _, text in pairs]))
    labels = np.array([[one == intent for one in INTENTS] for intent, _ in pairs], dtype=np.float64)
    fitted = _fit(rows, labels)
    step = float(np.abs(fitted).max()) / WEIGHT_MAX
    whole = np.rint(fitted / step).astype(np.int8)
    packed = b64encode(compress(whole[:-1].tobytes(), 9)).decode()
    return TextIntent(Weights(INTENTS, step, tuple(whole[-1].tolist()), packed))


def read_weights(path: Path = WEIGHTS_PATH) -> Weights:
    """The committed model."""
    return msgspec.json.decode(path.read_bytes(), type=Weights)


def write_weights(path: Path = WEIGHTS_PATH) -> None:
    """Trains on the committed phrases and writes the model: to be called where these have changed."""
    trained = train_text_intent(read_phrases()).weights
    path.write_bytes(msgspec.json.format(msgspec.json.encode(trained), indent=1) + b"\n")


def read_phrases(path: Path = PHRASES_PATH) -> dict[str, list[str]]:
    """Phrases by intent; those it was trained on unless told otherwise."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]])


def _rows(texts: Sequence[str]) -> Floats:
    rows = np.zeros((len(texts), BUCKETS))
    for at, text in enumerate(texts):
        buckets = buckets_of(text)
        np.add.at(rows[at], buckets, 1.0 / sqrt(max(1, len(buckets))))
    return rows


def _fit(rows: csr_matrix, labels: Floats) -> Floats:
    """(BUCKETS + 1, intents), the bias last: the gradient's descent with Nesterov's momentum.

    The steps are 1 over a bound of the loss's curvature, so that they never overshoot; plain sums keep
    the result the same wherever it is trained, but for rounding.
    """
    curvature = (float(rows.multiply(rows).sum(axis=1).max()) + 1.0) / 2.0
    fitted = ahead = np.zeros((rows.shape[1] + 1, labels.shape[1]))
    for step in range(STEPS):
        before, fitted = fitted, ahead - _gradient(ahead, rows, labels) / curvature
        ahead = fitted + step / (step + 3.0) * (fitted - before)
    return fitted


def _gradient(fitted: Floats, rows: csr_matrix, labels: Floats) -> Floats:
    """Of the mean cross-entropy with the weights' squares; the bias is free."""
    weights = fitted[:-1]
    scores = rows @ weights + fitted[-1]
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    error = (chances - labels) / len(labels)
    return np.vstack((rows.T @ error + REGULARISATION * weights, error.sum(axis=0)))
