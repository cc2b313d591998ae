"""The types that attributes have, under the names by which rooms declare them."""

from typing import Final

from udfs.policy.conditions import BOOL, DOUBLE, INT, STRING, Type, list_of, map_of

__all__ = ["BOOL", "COUNTS", "DOUBLE", "INT", "STRING", "STRINGS", "TEXTS", "Type"]

STRINGS: Final = list_of(STRING)
TEXTS: Final = map_of(STRING)
COUNTS: Final = map_of(INT)
