"""A condition's text as a tree, with the place of what is wrong; the grammar is in grammar.lark."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final, NoReturn

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken

from udfs.policy.conditions import ConditionError, cut

GRAMMAR: Final = Lark.open("grammar.lark", rel_to=__file__, parser="lalr", propagate_positions=True)
WORD: Final = re.compile(r"\w+|.", re.DOTALL)
NOT_BEFORE: Final = re.compile(r"\b(?i:not)\s+\Z")
ADVICE: Final = {
    "=": "equality is `==`",
    "&": "`and` is `&&`",
    "|": "`or` is `||`",
    "and": "`and` is `&&`",
    "or": "`or` is `||`",
    "not": "`not` is `!`",
    "null": "null is not supported; has(x) asks whether x is there",
    '"': "this string does not end",
    "'": "this string does not end",
    "{": "maps cannot be written out",
}
"""What to write instead of what another language has."""
ESCAPE: Final = re.compile(
    r"""\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|)"""
)
ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse(text: str) -> Tree[Token]:
    """The tree of a text; ConditionError where the text does not follow the grammar."""
    try:
        return GRAMMAR.parse(text)
    except UnexpectedInput as error:
        message, at = _what_is_wrong(text, error)
        raise ConditionError(message, *_place(text, at)) from error


def _what_is_wrong(text: str, error: UnexpectedInput) -> tuple[str, int]:
    """What to tell about a syntax error, and its offset in the text."""
    at = error.pos_in_stream
    if at is None or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        return ("it ends too soon" if text.strip() else "it is empty"), len(text.rstrip())
    before = NOT_BEFORE.search(text, 0, at)
    if before:
        return ADVICE["not"], before.start()
    [word] = WORD.findall(text, at)[:1]
    return ADVICE.get(word.lower(), f"`{cut(word)}` does not fit here"), at


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def unescaped(token: Token) -> str:
    """What a string literal stands for; ConditionError at an unknown escape."""

    def replace(escape: re.Match[str]) -> str:
        plain, *codes, octal = escape.groups()
        if plain:
            return ESCAPED.get(plain, plain)
        digits = next(filter(None, codes), None)
        code = int(digits, 16) if digits else int(octal, 8) if octal else -1
        if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            place = (token.line or 1, (token.column or 1) + 1 + escape.start())
            raise ConditionError("`\\` is not followed by a known escape", *place)
        return chr(code)

    return ESCAPE.sub(replace, token[1:-1])


def refuse(at: Tree[Token] | Token, message: str) -> NoReturn:
    """Raises ConditionError with the place of a tree or token."""
    place = at if isinstance(at, Token) else at.meta
    raise ConditionError(message, place.line or 1, place.column or 1)


def suggested(near: list[str], otherwise: str) -> str:
    """What to add to a message about a name that is not there; `otherwise`: where none is near it."""
    return f"; did you mean {' or '.join(near[:3])}?" if near else f"; {otherwise}"


def refuse_unknown(name: Token, what: str, names: Iterable[str]) -> NoReturn:
    """Raises ConditionError: there is no such function or method; what is like it, or what there is, is suggested."""
    known = sorted(names)
    near = get_close_matches(name, known)
    refuse(name, f"unknown {what} {cut(name)}{suggested(near, 'there are ' + ', '.join(known))}")


def trees(tree: Tree[Token]) -> list[Tree[Token]]:
    """The expressions in an expression."""
    return [child for child in tree.children if isinstance(child, Tree)]


def token(tree: Tree[Token]) -> Token:
    """The sign, name or literal that an expression is written with."""
    return next(child for child in tree.children if isinstance(child, Token))


def arguments(tree: Tree[Token], count: int) -> list[Tree[Token]]:
    """What a function or method is given; ConditionError unless it is this many."""
    found = trees(trees(tree)[-1])
    if len(found) != count:
        name = token(tree)
        refuse(
            name, f"{name} expects {count or 'no'} argument{'s'[count == 1 :]}; found {len(found)}"
        )
    return found
