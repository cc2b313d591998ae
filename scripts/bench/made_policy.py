"""A policy of any size, made up: conditions most of which differ, rules that hardly ever forbid, and what is known of its actions."""

import random
from typing import Final, NamedTuple

from models.response import ActionWeights, ResponseModel, Responses
from schemas import CODE_VERSION
from schemas.actions import Action, ActionKind, Budget, Limits, Requirement, Rule, Stage, Treatment
from schemas.knowledge import (
    ActionKnowledge,
    EpochEnd,
    action_key,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import DAY_MS
from schemas.policy import (
    RECOMMEND_ITEMS,
    ContextWeight,
    Exploration,
    Holdout,
    Placement,
    Policy,
    Segment,
)
from scripts.bench.made_knowledge import NOW_MS
from scripts.bench.setting import CANDIDATES
from scripts.bench.workload import CATEGORIES
from udfs.actions.respond import RESPONSE_SPACE
from udfs.knowledge.knowledge import Knowledge
from udfs.language.sense_intent import INTENTS

PLACEMENT: Final = "bench"
CHANNEL: Final = "web"
KINDS: Final[tuple[ActionKind, ...]] = ("content", "offer", "assistance")
STAGES: Final[tuple[Stage, ...]] = ("eligibility", "applicability", "suitability")
COUNTRIES: Final = ("DE", "AT", "CH", "FR", "NL", "BE", "PL")
DEVICES: Final = ("desktop", "mobile", "tablet")
MODEL_EVERY: Final = 5
"""Each fifth action has a model of responses, the others counts."""
BUDGET_EVERY: Final = 10


class Size(NamedTuple):
    """How many actions and rules the policy has, and whether a slate competes too."""

    actions: int
    rules: int
    has_slate: bool


def make_policy(size: Size) -> Policy:
    """Actions with two requirements of their own, limits and texts; rules for all of them or those of a kind."""
    return Policy(
        placements=(
            Placement(
                PLACEMENT, event_types=("product_viewed",), candidates=CANDIDATES, channel=CHANNEL,
                actions=(RECOMMEND_ITEMS,) if size.has_slate else (),
            ),
        ),
        actions=tuple(_action(number) for number in range(size.actions)),
        rules=tuple(_rule(number) for number in range(size.rules)),
        segments=(
            Segment("full_cart", "session.cart_value >= 150.0 && person.purchases_30d == 0"),
        ),
        context_weights=(
            ContextWeight("on_a_phone", 'context.device == "mobile"', 0.8),
            ContextWeight("in_the_evening", "context.hour >= 18", 1.2),
        ),
        exploration=Exploration("epsilon_greedy", 0.05),
        holdout=Holdout(share=0.0),
    )  # fmt: skip


def _action(number: int) -> Action:
    budget = Budget(per_day=1e6) if number % BUDGET_EVERY == 0 else None
    return Action(
        f"action-{number}",
        KINDS[number % 3],
        placements=(PLACEMENT,),
        treatments=(
            Treatment("email", channel="email"),
            Treatment(
                "banner", channel=CHANNEL,
                content={
                    "title": {"en": f"Offer {number} for {{session.last_item_name}}"},
                    "text": {"en": "Only today, and only for you: see what goes with it."},
                    "link": {"en": f"/offers/{number}"},
                },
            ),
        ),
        applicability=(Requirement(f"now-{number}", _now(number)),),
        suitability=(Requirement(f"good-{number}", _good(number)),),
        value=1.0 + number % 7,
        limits=Limits(times=3, within_ms=30 * DAY_MS, never_after_dismissal=True),
        budget=budget,
        reason={"en": "Because you looked at {session.last_item_name}"},
    )  # fmt: skip


def _now(number: int) -> str:
    """A condition that holds for about half of the people; each number's is another one."""
    device, sizes = DEVICES[number % 3], ", ".join(f'"{(number + one) % 10}"' for one in range(4))
    return (
        f"session.price_mean > {60 + number / 12.5:.2f}",
        f'session.cart_size >= 1 && session.events > {number / 100:.2f} && context.device != "{device}"',
        f"session.cart_value < {20 + number / 5:.2f} || segment.full_cart",
        f'session.categories.exists(c, c.endsWith("{number % 4}")) || session.price_max > {150 + number / 25:.2f}',
        f'context.device in ["mobile", "{device}"] && session.item_count > {number / 100:.2f}',
        f"session.filters.size in [{sizes}] && session.number < {number + 2}",
    )[number % 6]


def _good(number: int) -> str:
    """A condition that holds for about two in three people; each number's is another one."""
    countries = ", ".join(f'"{COUNTRIES[(number + one) % 7]}"' for one in range(4))
    return (
        f"context.country in [{countries}] && session.struggle < {0.5 + number / 2_000:.4f}",
        f"person.purchases_30d <= {number} && session.price_mean < {90 + number / 20:.2f}",
        f'person.top_category != "Shop/Category {number % CATEGORIES}" && session.cart_value < {100 + number / 5:.2f}',
        f'context.hour >= {number % 8} && context.country != "{COUNTRIES[number % 7]}" && person.days_known < {number + 1}.0',
    )[number % 4]


def _rule(number: int) -> Rule:
    """A rule as it is in life: it hardly ever forbids anything, and is looked at each time."""
    when = (
        f"session.events < {50_000 + number}",
        f"session.cart_value < {20_000 + number}.0 && session.struggle <= 1.0",
        f'!("Shop/Blocked {number}" in session.categories)',
        f'context.country != "X{number}" && context.device != "bot"',
        f"person.purchases_30d < {100 + number}",
        f'!session.help_pages.exists(page, page.contains("complaint-{number}"))',
    )[number % 6]
    kinds = () if number % 2 else (KINDS[number // 2 % 3],)
    return Rule(
        f"rule-{number}", when, STAGES[number % 3], kinds=kinds, is_compliance=number % 5 == 0
    )


def teach_actions(knowledge: Knowledge, actions: int) -> None:
    """What the stream has counted of each action: everywhere, and in each context of the placement."""
    epoch = epoch_of(NOW_MS - DAY_MS)
    from_ms, at_ms = effective_from_ms(epoch), epoch_end_ms(epoch)
    for number in range(actions):
        name = f"action-{number}"
        for key in (name, *(action_key(name, PLACEMENT, intent) for intent in INTENTS)):
            clicks = 5.0 + number % 40
            knowledge.learn(
                ActionKnowledge("action", key, epoch, from_ms, at_ms, at_ms, at_ms, 500.0, clicks)
            )
    knowledge.learn(EpochEnd("0", epoch, from_ms, actions * (1 + len(INTENTS))))
    knowledge.advance(from_ms)


def responses_to(actions: int) -> ResponseModel:
    """A model of responses to some of the actions, with made-up weights."""
    chance = random.Random(6)
    weights = {
        f"action-{number}": ActionWeights(
            -3.0, tuple(chance.gauss(0.0, 0.1) for _ in RESPONSE_SPACE.names), 500, 25
        )
        for number in range(0, actions, MODEL_EVERY)
    }
    responses = Responses(
        feature_set=RESPONSE_SPACE.digest, feature_names=RESPONSE_SPACE.names,
        code_version=CODE_VERSION, from_ms=0, to_ms=0, means=(0.0,) * RESPONSE_SPACE.count,
        scales=(10.0,) * RESPONSE_SPACE.count, actions=weights,
    )  # fmt: skip
    return ResponseModel("bench", responses)
