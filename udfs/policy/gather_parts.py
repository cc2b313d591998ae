"""What a policy is compiled with: its distinct conditions, its texts, and every mistake, each with its place."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from schemas.actions import Sentence
from schemas.links import is_link_name
from schemas.policy import Policy
from udfs.facts.attributes import ATTRIBUTE_TYPES, ITEM_ATTRIBUTE_TYPES
from udfs.language.render_texts import Template, TextError, link_template_fault, parse_text
from udfs.policy.compile_condition import compile_condition
from udfs.policy.compiled_events import fact_types
from udfs.policy.compiled_policy import Mistake, Path
from udfs.policy.conditions import BOOL, Condition, ConditionError, Type
from udfs.session.drop_sensitive import names_declared

SHOWN_MAX: Final = 12
"""Names that are told where one is unknown."""


class Gathered:
    """The distinct conditions and all mistakes of one policy, as they are found."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.mistakes: list[Mistake] = []
        self._conditions: list[Condition | None] = []
        self._places: dict[tuple[str, str], int] = {}
        segments = {f"segment.{one.name}": BOOL for one in policy.segments}
        facts = fact_types(policy.facts)
        self.own_types: dict[str, Type] = {**ATTRIBUTE_TYPES, **facts}
        """Those that are read of a moment: all but segments, which are made of them."""
        self.types: dict[str, Type] = {**self.own_types, **segments}
        self.item_types: dict[str, Type] = {**self.types, **ITEM_ATTRIBUTE_TYPES}

    def wrong(self, path: Path, message: str) -> None:
        """Notes a mistake."""
        self.mistakes.append(Mistake(path, message))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The distinct ones of each stage, in the order of their places."""
        return tuple(one for one in self._conditions if one is not None)

    def reads(self, at: int) -> frozenset[str]:
        """The attributes that a condition names; none of a wrong one."""
        condition = self._conditions[at]
        return condition.reads if condition else frozenset()

    def reserve(self, text: str, stage: str = "") -> int:
        """The place of a condition, the next one where it has none yet."""
        if (stage, text) not in self._places:
            self._places[stage, text] = len(self._conditions)
            self._conditions.append(None)
        return self._places[stage, text]

    def place(self, text: str | None, path: Path, stage: str = "") -> int | None:
        """Where the condition stands, compiled; None where there is none, or a wrong one."""
        if text is None:
            return None
        at = self.reserve(text, stage)
        if self._conditions[at] is None:
            self._conditions[at] = self.condition(text, path, self.types)
        return at if self._conditions[at] is not None else None

    def condition(
        self, text: str | None, path: Path, types: Mapping[str, Type]
    ) -> Condition | None:
        """The condition, compiled for itself; None where there is none, or a wrong one."""
        if text is None:
            return None
        try:
            condition = compile_condition(text, types)
        except ConditionError as error:
            place = f"line {error.line}, column {error.column}"
            self.wrong(path, f"{place}: {error.message}")
            return None
        self.refuse_sensitive(condition.paths, path)
        return condition

    def texts(self, sentence: Sentence, path: Path, has_item: bool) -> dict[str, Template]:
        """A text's templates by language."""
        types = self.item_types if has_item else self.types
        found: dict[str, Template] = {}
        for language, text in sentence.items():
            try:
                found[language] = template = parse_text(text, types)
            except TextError as error:
                self.wrong((*path, language), str(error))
            else:
                names = zip(template.names, template.keys, strict=True)
                self.refuse_sensitive(names, (*path, language))
        if sentence and self.policy.language not in sentence:
            self.wrong(path, f"there is no text in the policy's language {self.policy.language!r}")
        return found

    def content(
        self, name: str, sentence: Sentence, path: Path, has_item: bool
    ) -> dict[str, Template]:
        """A text under a name of the channel's; where that is a link's, it may be followed."""
        found = self.texts(sentence, path, has_item)
        for language, template in found.items():
            if is_link_name(name) and (fault := link_template_fault(template)):
                self.wrong((*path, language), fault)
        return found

    def known(self, name: str, names: Iterable[str], what: str, path: Path) -> None:
        """Notes a mistake where `name` is not among `names`."""
        names = set(names)
        if name not in names:
            self.wrong(path, f"there is no {what} {name!r}{_suggestion(name, names)}")

    def refuse_sensitive(self, read: Iterable[Sequence[str]], path: Path) -> None:
        """Notes a mistake where a rule or a text reads what the policy declares sensitive."""
        declared = self.policy.sensitive_attributes
        for one in read if declared else ():
            if name := names_declared(declared, one):
                self.wrong(
                    path, f"{name!r} is one of `sensitive_attributes`, which nothing may read"
                )


def _suggestion(name: str, names: Iterable[str]) -> str:
    """What was probably meant; where nothing is near, what there is."""
    known = sorted(names)
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f": did you mean {' or '.join(map(repr, near))}?"
    shown = ", ".join(map(repr, known[:SHOWN_MAX]))
    more = f" and {len(known) - SHOWN_MAX} more" if len(known) > SHOWN_MAX else ""
    return f": there are {shown}{more}" if known else ": there are none"
