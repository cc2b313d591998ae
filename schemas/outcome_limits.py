"""Bounds of what came of decisions, with what happens at each; the others stand in schemas/limits.py. Sizes in bytes, times in milliseconds."""

from typing import Final

from schemas.limits import DAY_MS, HOUR_MS, SECOND_MS

# --- what came of decisions -------------------------------------------------------------------
SEGMENTS_MAX: Final = 32
"""Segments that an outcome names; of a person who is in more the first by name."""
OUTCOME_MEASURES_MAX: Final = 16
OUTCOME_BYTES_MAX: Final = 200_000
"""A larger record of `outcomes` is refused by who reads it; 200 item ids as long as they may be have 52 kB."""
SHOWN_MAX: Final = 32
"""Decisions of a person whose outcome is open, the newest; at the bound the oldest is forgotten as it stands (counted: `outcomes_dropped`), and so is what it led to."""
SOLD_MAX: Final = 32
"""Carts and conversions of a person that may still be credited otherwise or given back, the newest; at the bound the oldest stays as it was told (counted: `outcomes_dropped`)."""
SOLD_KEPT_MS: Final = 100 * DAY_MS
"""A refund so long after its purchase finds it; a later one is counted (`refunds_unknown`) and takes nothing back."""
REFUNDS_MAX: Final = 8
"""Refunds of one purchase; a further one is counted (`refunds_unknown`)."""
DEEDS_EARLY_MAX: Final = 16
"""Refunds that wait for their purchase, in the order in which they came; at the bound the oldest goes (counted: `refunds_unknown`)."""
CONVERSIONS_MAX: Final = 16
"""Names of events that a policy counts as conversions, beside the purchase; with more it is refused when it is checked."""
OUTCOMES_OPEN_MS: Final = HOUR_MS
"""What is so much older than the newest of its person is corrected by nothing that comes late any more: an event that old is a dead letter, or counted (`outcomes_late`)."""
CLOCKS_MS: Final = 5 * SECOND_MS
"""The clocks of two channels may differ by so much: a purchase that much before its touch is after it."""
ALERT_PAST_MAX: Final = 16
"""Past weeks that an alert tells of."""
ALERT_BYTES_MAX: Final = 50_000
"""A larger record of `alerts` is refused by who reads it."""
KPI_CELLS_MAX: Final = 50_000
"""Cells (dimension, value, day) of KPIs that are added up; what would be one more is added to its dimension's `(others)`, and counted."""
KPI_BUCKETS: Final = 256
"""Parts, by hash, into which the people of a cell are put for its intervals."""
KPI_PEOPLE_MAX: Final = 200_000
"""People who are remembered for what is of people; with one more it is half of them, by hash, and what is counted is scaled."""
KPI_DAYS_MAX: Final = 400
KPI_ORDERS_MAX: Final = 100
"""Days and orders that are remembered of each; further ones add nothing to what is of people."""
