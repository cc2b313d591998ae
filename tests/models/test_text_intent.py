"""What a query or message is after: the committed model, and how it is trained."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text_intent import (
    CHANCE_MIN,
    INTENTS,
    OTHER,
    PHRASES_PATH,
    TOKEN_LENGTH_MAX,
    TOKENS_MAX,
    TextIntent,
    Weights,
    read_phrases,
    read_weights,
    tokens_of,
    train_text_intent,
    write_weights,
)

HELD_OUT = read_phrases(Path(__file__).parent / "text_intent_held_out.json")
PHRASES = read_phrases()
MODEL = TextIntent(read_weights())


@pytest.fixture(scope="module")
def retrained() -> TextIntent:
    return train_text_intent(PHRASES)


def right(model: TextIntent, phrases: dict[str, list[str]]) -> float:
    """The share of phrases whose intent the model finds."""
    found = [
        model.classify(one).intent == intent for intent, some in phrases.items() for one in some
    ]
    return sum(found) / len(found)


def test_phrases_that_it_never_saw_are_mostly_understood() -> None:
    seen = {one.lower() for some in PHRASES.values() for one in some}
    assert not seen & {one.lower() for some in HELD_OUT.values() for one in some}
    assert set(HELD_OUT) == set(PHRASES) == set(INTENTS)
    assert sum(map(len, HELD_OUT.values())) >= 60
    assert right(MODEL, HELD_OUT) >= 0.75
    for intent, phrases in HELD_OUT.items():
        assert right(MODEL, {intent: phrases}) >= 0.6, intent


def test_the_committed_model_is_what_its_phrases_make(retrained: TextIntent) -> None:
    """Else `write_weights` was forgotten. Sums of other machines may round otherwise, by a step or two."""
    assert retrained.weights.intents == MODEL.weights.intents
    assert abs(retrained.weights.step / MODEL.weights.step - 1.0) < 0.02
    assert abs(retrained.matrix - MODEL.matrix).max() <= 2
    texts = [one for some in (*PHRASES.values(), *HELD_OUT.values()) for one in some]
    same = [retrained.classify(one).intent == MODEL.classify(one).intent for one in texts]
    assert sum(same) / len(same) >= 0.99


def test_what_is_written_is_read_again(tmp_path: Path, retrained: TextIntent) -> None:
    write_weights(tmp_path / "weights.json")
    assert read_weights(tmp_path / "weights.json") == retrained.weights


def test_training_twice_gives_the_same_bytes() -> None:
    some = {intent: phrases[:8] for intent, phrases in PHRASES.items()}
    assert train_text_intent(some).weights == train_text_intent(some).weights


def test_it_learns_what_it_is_told() -> None:
    """With the phrases of two intents changed, so are the answers."""
    twisted = PHRASES | {"returning": PHRASES["other"], "other": PHRASES["returning"]}
    model = train_text_intent(twisted)
    assert model.classify("refund please").intent == "other"
    assert MODEL.classify("refund please").intent == "returning"


@pytest.mark.parametrize("text", ["", " ", "!", "...", "\U0001f45f", "___"])
def test_a_text_without_words_is_after_nothing(text: str) -> None:
    assert MODEL.classify(text) == (OTHER, 1.0)


def test_what_the_model_does_not_know_is_other() -> None:
    guess = MODEL.classify("xyzzy qwfpg zzkrt vbnmq jjjkl")
    assert guess.intent == OTHER
    unsure = TextIntent(Weights(INTENTS, 1e-9, (9, 0, 0, 0, 0, 0), read_weights().weights))
    intent, chance = unsure.classify("refund please")
    assert intent == OTHER
    assert 1 / len(INTENTS) <= chance < CHANCE_MIN


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Under 50 €?", ["under", "0", "€", "?"]),
        ("1,000+ pieces", ["0", "0", "pieces"]),
        ("GRÖSSE 42", ["grösse", "0"]),
        ("a_b", ["a", "b"]),
        ("x" * 40, ["x" * TOKEN_LENGTH_MAX]),
        ("go " * 1_000, ["go"] * TOKENS_MAX),
    ],
)
def test_a_text_is_read_as_its_first_words(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_case_and_spacing_make_no_difference() -> None:
    assert MODEL.classify("  WHERE is\tmy\norder ") == MODEL.classify("where is my order")


@given(st.text(max_size=2_048))
def test_any_text_has_an_intent_with_a_chance(text: str) -> None:
    intent, chance = MODEL.classify(text)
    assert intent in INTENTS
    assert 0.0 < chance <= 1.0
    assert MODEL.classify(text) == (intent, chance)


def test_the_phrases_are_in_two_languages_and_none_twice() -> None:
    for intent, phrases in PHRASES.items():
        lowered = [one.lower() for one in phrases]
        assert len(set(lowered)) == len(lowered) >= 50, intent
    assert PHRASES_PATH.stat().st_size < 100_000
