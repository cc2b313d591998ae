"""The feature vectors behind a decision: the matrix in its trace, or no more than its digest."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np

from models.scorer import Matrix
from schemas.decisions import DecisionTrace
from udfs.facts.features import FEATURE_SPACE

DIGEST_BYTES: Final = 16


def digest_of(names: Sequence[str], read: Matrix) -> bytes:
    """What tells the features that a scorer read, and (candidates, names) values of them, from any others."""
    said = "\n".join(names).encode() + b"\n" + read.tobytes()
    return blake2b(said, digest_size=DIGEST_BYTES).digest()


def matrix_of(trace: DecisionTrace) -> Matrix:
    """(candidates, features) float32: the feature vectors of a decision, whose trace must hold them."""
    return np.frombuffer(trace.features, dtype="<f4").reshape(-1, FEATURE_SPACE.count)


def has_vectors(trace: DecisionTrace) -> bool:
    """Whether it holds one vector of this feature set for each candidate."""
    size = 4 * FEATURE_SPACE.count * len(trace.candidates)
    return trace.feature_set == FEATURE_SPACE.digest and len(trace.features) == size


def is_withheld(trace: DecisionTrace) -> bool:
    """Whether it holds the digest of its vectors alone."""
    is_cut = trace.left_out is not None and trace.left_out.features > 0
    return bool(trace.matrix_digest) and not trace.features and not is_cut
