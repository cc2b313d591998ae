"""Every bound in one place, with what happens at it. Sizes in bytes, times in milliseconds."""

from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

# --- an event; beyond any of these it is a dead letter ---------------------------------------
EVENT_BYTES_MAX: Final = 1_000_000
EVENT_WRITTEN_BYTES_MAX: Final = 990_000
"""What we write of one, in bytes of its value: with its key less than a producer takes."""
ID_LENGTH_MAX: Final = 256
STRING_LENGTH_MAX: Final = 2_048
ITEMS_PER_EVENT_MAX: Final = 200
CANDIDATES_PER_EVENT_MAX: Final = 1_000
FEATURES_PER_CANDIDATE_MAX: Final = 32
PLACEMENTS_PER_EVENT_MAX: Final = 16
PROPERTIES_PER_EVENT_MAX: Final = 64
EVENT_TIME_MIN_MS: Final = 946_684_800_000  # 2000-01-01
EVENT_TIME_MAX_MS: Final = 4_102_444_800_000  # 2100-01-01
EVENT_NAME_LENGTH_MAX: Final = 100
"""Of the name of an event's type, which may be any."""
QUANTITY_MAX: Final = 1_000_000
AMOUNT_MAX: Final = 1e12
WHOLE_MAX: Final = 2**53
"""Any other whole number: what JSON carries exactly and Avro's long takes."""
FLOAT_MAX: Final = 1.7976931348623157e308
"""Any other number: the largest that is finite. It is there to refuse infinity and NaN, which meets no bound."""
TIME_MAX_MS: Final = EVENT_TIME_MAX_MS + 1_000 * DAY_MS
"""The end of what holds for a while after an event (a decision, an epoch)."""
AHEAD_OF_LOG_MAX_MS: Final = 10 * MINUTE_MS
"""An event may lie this far ahead of its own record's timestamp; further is `ahead_of_log`."""

LATITUDE_MAX: Final = 90.0
LONGITUDE_MAX: Final = 180.0
"""Degrees, to the north and east; as many to the south and west."""
DEGREE_DIGITS: Final = 2
"""Places behind the point of the degrees of whoever an event is of, some 1.1 km; the rest is cut off by rounding and kept nowhere."""

# --- what is written, in bytes of key and value ----------------------------------------------
RECORD_BYTES_MAX: Final = 1_000_000
"""A record that a job writes; less where the broker or the topic takes less (`max.message.bytes`). Beyond it a
trace leaves out its features, then actions and candidates, and says so; a decision becomes a dead letter
(`decision_too_large`); the raw bytes of a dead letter are cut."""
RECORD_OVERHEAD_BYTES: Final = 1_000
"""Kafka's own, of a batch with one record."""
RECORD_BYTES_MIN: Final = 20_000
"""A topic that takes less is refused when a job starts."""
RECORD_TEXT_MAX: Final = 1_000_000

# --- other records; beyond these a publisher is refused ---------------------------------------
ITEM_BYTES_MAX: Final = 100_000
REGIONS_PER_ITEM_MAX: Final = 300
"""Countries, and parts of them, to which an item is delivered: there are 249 countries, and who delivers to more says none."""
DATES_PER_ITEM_MAX: Final = 400
"""Ranges of days on which an item is to be had: a year in which every other day is taken has 183."""
EMBEDDING_MAX: Final = 256
"""Numbers of an item's embedding."""
FLOAT32_MAX: Final = 3.4028234663852886e38
"""Any of these: the largest of 32 bits that is finite."""
NOTE_LENGTH_MAX: Final = 300
DRAFTS_MAX: Final = 200
"""Drafts of policies in one home; one more is refused."""
CONTROL_BYTES_MAX: Final = 1_000_000
CURRENCIES_MAX: Final = 300
"""Currencies in a table of rates: ISO 4217 has some 180."""
RATE_MIN: Final = 1e-9
RATE_MAX: Final = 1e9
"""What one unit of a currency may be worth of another."""
SIGNATURE_BYTES_MAX: Final = 64
ARTEFACT_BYTES_MAX: Final = 512 * 1024 * 1024
ARTEFACT_S_MAX: Final = 60
"""An artefact that was not read and tried within so many seconds is refused."""
VECTORS_MAX: Final = 100_000
"""Items that have a vector of their own: those that were touched most. Others lie where what is said of them lies."""
DEAD_LETTER_RAW_BYTES_MAX: Final = 950_000
"""A dead letter keeps at most so many raw bytes (Kafka takes 1 MB), fewer where the topic takes less; the message
says if it cut."""
DEAD_LETTER_MESSAGE_MAX: Final = 500

# --- schemas of others, from a registry; a record whose schema is beyond these is `schema_invalid` ------------
SCHEMA_BYTES_MAX: Final = 500_000
"""Of an answer of the registry, and of a schema with all that it refers to."""
SCHEMA_TYPES_MAX: Final = 10_000
SCHEMA_DEPTH_MAX: Final = 32
"""Types within types. A type within itself is refused: how deep a record goes, its bytes would say."""
SCHEMA_REFERENCES_MAX: Final = 32
DECIMAL_BYTES_MAX: Final = 32
"""A longer amount is `invalid_value`: to read one of a megabyte takes minutes."""
SCHEMAS_KEPT_MAX: Final = 1_000
"""Schemas by their ids in a process; at the bound the one that was read longest ago goes, and is asked for again."""
SCHEMA_WAIT_MS: Final = 2_000
"""A record waits so long for its schema, then it is `schema_unavailable`; an answer that comes later is kept."""
SCHEMA_ANSWER_MS: Final = 30_000
"""An answer that took so long is given up."""
SCHEMA_RETRY_MS: Final = 5_000
SCHEMA_RETRY_MAX_MS: Final = 60_000
"""A registry that failed is left alone for so long, twice as long each time, to the most; records of unknown schemas do not wait meanwhile."""
SCHEMA_UNKNOWN_MS: Final = 60_000
"""An id that the registry does not know (`unknown_schema`) is not asked for again for so long."""

# --- time and order ---------------------------------------------------------------------------
LATENESS_MS: Final = 10 * MINUTE_MS
"""An event further behind the newest of its own session is `too_late` (a setting)."""
SESSION_GAP_MS: Final = 30 * MINUTE_MS
HISTORY_PAUSE_MS: Final = 20 * SECOND_MS
"""How long a session may pause whose events are older than the gap when they come, by their times of import or else the log's: history that is imported
into a live log. Its events come much faster than they happened: at a hundred times the speed a gap is 18 s.
"""
DEDUP_MS: Final = 7 * DAY_MS
"""An event id is known until its session sees an event so much newer than what it had seen when the id came; a silent
session's until the log has gone on by so much. Purchases and refunds are known longer (FACTS_KEPT_MS)."""
PERSON_EXPIRY_MS: Final = 400 * DAY_MS
"""A profile without any event for so long is forgotten, by event time."""

# --- a session's state ------------------------------------------------------------------------
SEEN_IDS_MAX: Final = 8_192
"""Event ids remembered per session key, 12 bytes each; at the bound the oldest goes (counted)."""
SESSION_EVENTS_MAX: Final = 100_000
"""Events of one session; the ones after are dead letters (`session_full`): a robot, not a person."""
SESSION_FACTS_MAX: Final = 64
"""Purchases and refunds whose ids move with an open session to who signs in; at the bound the oldest stays behind."""
SESSION_ITEMS_MAX: Final = 64
"""Items remembered in detail per session; at the bound the one touched longest ago goes."""
SESSION_NAMES_MAX: Final = 32
"""Categories, queries, filters remembered per session; at the bound new ones are only counted."""
SESSION_CART_MAX: Final = 64
"""Lines of a session's cart; at the bound the oldest line goes."""
PERSON_CART_MAX: Final = 64
"""Lines of a person's cart, likewise."""
PERSON_CART_KEPT_MS: Final = 30 * DAY_MS
"""A person's cart that nobody has touched for so long is forgotten."""
ATTENTION_MAX_MS: Final = 5 * MINUTE_MS
"""Longer than that between two events nobody looked at the item all the time."""
WINDOW_BUCKET_MS: Final = 10 * SECOND_MS
SESSION_TALLIES_MAX: Final = 64
"""From so many types of events in a visit on, further ones that are none of ours are not tallied by name."""
SESSION_TOPICS_MAX: Final = 48
"""Topics remembered per session; at the bound the one that came up longest ago goes."""
TOPIC_LENGTH_MAX: Final = 64
"""What is longer is a text, not the name of a topic or of a feature, and is not kept as one."""
SESSION_TIMES_MAX: Final = 8
"""Times kept of each kind of sign of struggle, the newest."""
TOUCHES_PER_DAY_MAX: Final = 20
"""Unproven events that count for one item on one day (UTC), of a session and of a person over all sessions (an anonymous id where
nobody has signed in): further ones teach nothing of it (counted)."""
TOUCHED_ITEMS_MAX: Final = 500
"""Items that unproven events count for on one day, likewise; further ones teach nothing (counted). 5 kB of state each."""
SESSION_DECISIONS_MAX: Final = 64
DECISIONS_KNOWN_MAX: Final = 256
DECISIONS_KNOWN_MS: Final = 30 * DAY_MS
"""Decisions, the newest, that an open session and its person are known to have asked for, 12 bytes each, and for how long of their own
time: what responds to another one is history, and spends nothing of a budget (counted)."""
SESSION_EVENTS_PER_S: Final = 20
SESSION_BURST: Final = 200
"""Events of a session beyond this (settings) are folded, not decided on, and counted. A page that is scrolled and clicked
in haste sends some five a second; history, whose times are whole seconds, stays below the burst."""

# --- a person's state -------------------------------------------------------------------------
AFFINITIES_MAX: Final = 16
"""Per kind of affinity; at the bound the weakest goes."""
RECENT_ITEMS_MAX: Final = 24
TAKEN_ITEMS_MAX: Final = 16
PURCHASES_MAX: Final = 24
EXPOSURES_MAX: Final = 24
DISMISSALS_MAX: Final = 48
"""Oldest goes first in each of these."""
FACT_IDS_MAX: Final = 512
"""Purchases and refunds whose ids a person keeps, 12 bytes each; at the bound the oldest goes (counted)."""
ERASED_KEPT_MS: Final = DAY_MS
"""So long it is known of who was erased that they were, where no list says so: what is late does not bring them back."""
ERASED_IDS_MAX: Final = 1_000_000
"""On the list of who was erased; beyond it jobs do not start."""
FACTS_KEPT_MS: Final = PERSON_EXPIRY_MS
"""So far may the person's newest event be ahead of what it was when the id came; an older one is forgotten."""
ACTIONS_REMEMBERED_MAX: Final = 64
"""Actions with limits whose history a person keeps; the oldest goes, those dismissed or clicked last."""
GRANTS_MAX: Final = 32
"""Grants of one action that are remembered, so the most that a limit can count to."""
SLATES_REMEMBERED_MAX: Final = 8
"""Placements of a person whose newest list is remembered for as long as its visit lasts; the oldest goes."""
OFFERED_MAX: Final = 32
"""Decisions whose action is remembered, so that a click or dismissal finds it; the oldest goes."""
CONTACTS_MAX: Final = 128
"""Contacts of a person that are remembered, some 80 bytes each, so the most that a limit can count to. At the bound what was never shown goes, then
what no limit counts any more; where all of them count, there is no further contact until one of them is over (`contact_memory`).
"""
CONTACT_LIMITS_MAX: Final = 32
"""Limits of a policy over all actions, and channels or groups that one of them names; with more it is refused when it is checked."""
CONVERTED_WITHIN_MS: Final = 7 * DAY_MS
"""Who buys within this time of a click on an action was converted by it."""
REFUSED_MAX: Final = 32
"""Categories, and actions, that a person does not want; at the bound the one told longest ago goes."""
PARTS_MAX: Final = 64
"""Transfers that are merged into one person's state within MERGES_KEPT_MS; of further ones only what holds without personalisation is (counted)."""
MERGES_KEPT_MS: Final = 30 * DAY_MS
"""How long of event time it is remembered what was merged, and who signed in on a device."""
UNMERGE_KEPT: Final = 2
"""States that a visitor gave, and of a person before a join, that are kept to split them again, the newest, for MERGES_KEPT_MS; what is older is split
no more (counted)."""
GIFTS_NOTED_MAX: Final = 16
"""Gifts of which a visitor knows that there were any; the oldest goes."""
CLAIMANTS_MAX: Final = 5
"""People who may take what a device's visitors did, within MERGES_KEPT_MS; a further one takes only what holds without personalisation (counted)."""
STATEMENTS_MAX: Final = 32
"""Facts that a profile states, and preferences; at the bound the one told longest ago goes."""
STATEMENT_LENGTH_MAX: Final = 256
"""The rest of a longer value is cut off."""
CONSENT_TEXT_MAX: Final = 64
"""Of the version of a consent's text, and of who told it: the rest is cut off."""
DECLARED_MAX: Final = 32
"""Facts that a policy declares, so what is kept of them of a visit, and of a person; with more it is refused when it is checked."""
DECLARED_PARTS: Final = 24
"""Parts of a declared fact's window that are counted apart: it is that much too short at most."""
NIGHTS_MAX: Final = 366
"""Of the days that a visit is about; longer stays are none."""
FEATURES_MAX: Final = 32
"""Features of a product that a person opened; at the bound the one opened longest ago goes."""

# --- an operator instance ---------------------------------------------------------------------
HELD_MAX: Final = 1_000
"""Inputs of one person that wait for a transfer; beyond them it goes on without, and decisions say so (`is_merging`)."""
BUSY_KEYS_MAX: Final = 4_096
"""Keys whose decoded state is kept beside Flink's; the one changed longest ago is read again."""

# --- a decision -------------------------------------------------------------------------------
RETRIEVED_MAX: Final = 100
"""Candidates of our own per decision (a placement may ask for fewer)."""
SLATE_MAX: Final = 1_000
STEADINESS_MAX: Final = 100.0
"""Standard deviations by which something new has to be better; nothing among 1,000 candidates is by so many."""
PLACEMENTS_PER_POLICY_MAX: Final = 100
ACTIONS_PER_POLICY_MAX: Final = 1_000
IGNORED_MAX: Final = 32
NAMED_EVENTS_MAX: Final = 500
PAGE_CATEGORIES_MAX: Final = 32
"""Entries of a policy about names of events; with more it is refused when it is checked."""
RULES_PER_POLICY_MAX: Final = 1_000
"""Rules, segments or context weights. A policy beyond any of these bounds is refused when it is checked."""
SENSITIVE_MAX: Final = 100
"""Categories, and names of attributes, that a policy declares sensitive; with more it is refused when it is checked."""
NAME_LENGTH_MAX: Final = 100
"""Of placements, actions and treatments; a policy with a longer name is refused when it is checked."""
CONDITION_LENGTH_MAX: Final = 4_000
CONTEXT_WEIGHT_MAX: Final = 1e12
"""The product of all weights of an action is cut there, so that a priority is a number."""
CONTENT_FIELDS_MAX: Final = 32
RANKERS_MAX: Final = 16
"""Models that have names of their own, beside the one in force; one more is refused (`knowledge_refused`)."""
KNOWLEDGE_VERSIONS_MAX: Final = 100_000
"""Versions of one piece of knowledge (an item, the policy) kept for a replay; the oldest goes."""

# --- knowledge that the stream learns ---------------------------------------------------------
EPOCH_MS: Final = SECOND_MS
EPOCH_AHEAD_MS: Final = 3 * SECOND_MS
"""An epoch is in force so long after its end: live, its records have to arrive by then."""
EPOCH_MAX: Final = TIME_MAX_MS // EPOCH_MS
EPOCH_AHEAD_OF_LOG_MAX_MS: Final = MINUTE_MS
"""An epoch may end, and hold from EPOCH_AHEAD_MS after, this far ahead of its record's own timestamp: one that the
log has not reached is refused (`ahead_of_log`)."""
OPEN_EPOCHS_MAX: Final = 128
"""Epochs whose end marker is not there yet; at the bound the oldest goes (counted: `epochs_dropped`), in front of the
first marker but for the newest record of each key."""
EPOCHS_KEPT: Final = 20
"""Versions of an item's knowledge go back so many epochs, for persons whose events come a little late;
who comes later than that sees the oldest that is kept."""
EPOCH_RECORDS_MAX: Final = 500_000
"""Records of one epoch that wait for its end; those beyond are left out."""
ITEMS_KNOWN_MAX: Final = 500_000
"""Items with statistics in one operator; at the bound the one that changed longest ago is forgotten."""
KNOWLEDGE_BYTES_MAX: Final = 200_000
"""An item with full links whose ids are as long as they may be has 108 kB."""
LINKS_MAX: Final = 32
"""Next, seen-with and bought-with items kept per item; at the bound the weakest goes."""
PIECES_MAX: Final = 16
"""So many pieces of an item are looked after one by one; a larger stock is what the catalogue says."""
RESERVED_MAX_MS: Final = 1 * HOUR_MS
"""For no longer than that a piece in a cart may be kept from others."""
EXPOSURES_PER_EVENT_MAX: Final = 50
"""Places of one list that count as exposures; what lies further down was hardly seen."""
SESSION_MEMORY_ITEMS: Final = 20
SESSIONS_REMEMBERED_MAX: Final = 200_000
"""Past sessions kept for retrieval: at the bound the oldest goes."""
SESSIONS_PER_ITEM_MAX: Final = 1_000
"""Of them, so many newest are found through one item."""
BOARD_MAX: Final = 200
"""Places of a trending list; per category and overall."""
