"""KPIs, declared as data: a ratio of two sums over outcomes or people. How the sums are made: udfs/outcomes/count_kpis.py."""

from typing import Final, Literal, NamedTuple

KpiUnit = Literal["share", "money", "pages", "ms", "score"]
Better = Literal["more", "less", "neither"]
Measure = Literal[
    "shown", "clicked", "dismissed", "carted_of", "visits", "bounced", "pages", "length_ms", "bought_visits",
    "orders", "revenue", "returned", "opinions", "opinion", "people", "first_ms", "first_orders", "repeat_ms",
    "repeat_orders", "newcomers", "came_again", "paid", "paid_squares",
]  # fmt: skip
"""What is added up: of outcomes, or (OF_PEOPLE) of people; `paid` is revenue less what is given back, by the hour, with the squares of its amounts."""
OF_PEOPLE: Final[frozenset[Measure]] = frozenset(
    {"people", "first_ms", "first_orders", "repeat_ms", "repeat_orders", "newcomers", "came_again"}
)


class Kpi(NamedTuple):
    """`numerator` / `denominator`; `window` says over what time an outcome is looked for. A guardrail is what must not get worse."""

    name: str
    says: str
    numerator: Measure
    denominator: Measure
    unit: KpiUnit
    better: Better
    window: str
    is_guardrail: bool = False


DAY_WINDOW: Final = "the day of the event"
REWARD: Final = "the reward window of the policy"
KPIS: Final = (
    Kpi("click_rate", "clicks on decisions that were seen", "clicked", "shown", "share", "more", REWARD),
    Kpi("dismissal_rate", "dismissals of decisions that were seen", "dismissed", "shown", "share", "less", REWARD, True),
    Kpi("cart_rate", "items put into the cart from a decision that was seen", "carted_of", "shown", "share", "more", REWARD),
    Kpi("revenue_per_visit", "what is paid, a visit", "revenue", "visits", "money", "more", DAY_WINDOW),
    Kpi("revenue_per_person", "what is paid, a person", "revenue", "people", "money", "more", DAY_WINDOW),
    Kpi("conversion", "visits in which something is bought", "bought_visits", "visits", "share", "more", DAY_WINDOW),
    Kpi("order_value", "what is paid, an order", "revenue", "orders", "money", "more", DAY_WINDOW),
    Kpi("bounce", "visits of one page without doing anything", "bounced", "visits", "share", "less", DAY_WINDOW, True),
    Kpi("pages", "pages a visit", "pages", "visits", "pages", "more", DAY_WINDOW),
    Kpi("visit_length", "time a visit", "length_ms", "visits", "ms", "more", DAY_WINDOW),
    Kpi("return_rate", "of what is paid, what is given back", "returned", "revenue", "share", "less", "100 days after the order", True),
    Kpi("time_to_conversion", "from the first that is known of a person to their first order", "first_ms", "first_orders", "ms", "less", "all that was read"),
    Kpi("time_to_repeat", "from an order to the next", "repeat_ms", "repeat_orders", "ms", "less", "all that was read"),
    Kpi("retention", "people who come again on one of the seven days after their first", "came_again", "newcomers", "share", "more", "7 days after the first"),
    Kpi("satisfaction", "opinions, from -1 to 1", "opinion", "opinions", "score", "more", DAY_WINDOW),
)  # fmt: skip
"""In the order in which they are shown."""
