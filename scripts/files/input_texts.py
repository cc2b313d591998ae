"""The words of docs/what-we-accept.md between its tables; the figures in them are filled in by `input_docs.py`."""

from typing import Final

from schemas.limits import EVENT_BYTES_MAX, ITEM_BYTES_MAX

HEAD: Final = """\
# What we accept

Written by `kairos accepts --write` from the tables that every door reads (`schemas/events.py`, `schemas/items.py`,
`schemas/formats/field_names.py`, `schemas/times.py`, `schemas/doors.py`, `schemas/limits.py`); do not edit.

Nothing is lost in silence. What cannot be read is refused where it comes in, by its place and in words; what could be read only after it
was in the log is a dead letter with the reason, its bytes and where it lies.

| door | what is refused comes back as |
| --- | --- |
| `import` | a dead letter `import:FILE` with the line's number; counted, the first is named; exit code 1 where nothing or most is refused |
| `train`, `evaluate`, `try`, `convert` | left out, counted, the first is named by file and line; exit code 1 where nothing or most is refused |
| `--items` of any of these | a mistake ends the command before its work; `import --partial` leaves such lines out and says which was the first |
| `/v1/events`, `/v1/decisions`, `/api/recommendations` | `rejected`, by the event's index, with the reason; the others of the request are taken |
| the topic `events` (other programs write it) | a dead letter with topic, partition, offset and reason |

What was read of a file is what became of it: lines read = events written + there twice + dead letters, in the summary of `import` and in its `--json`.

"""
FILES: Final = """\
## Files and bodies

- JSON Lines, one array, or JSON over several lines; `\\n`, `\\r\\n` and `\\r` end a line; a BOM is passed over; UTF-8.
- Packed by {codecs}, told by the first bytes and not by the name. Bodies of requests: gzip; other codings are 415.
- Values in a line count by their lines from 1, those of an array by their places from 1.
- Of a line beyond {line:,} bytes only the beginning is held: it is one bad line. An array, or JSON over several lines, may have {whole:,} bytes, unpacked.
- Snowplow's tables are CSV (RFC 4180), a folder with its side tables, or JSON Lines. A row that cannot be read costs itself: reading goes on at the next
  line that parses; a quoted field goes over at most {rows} lines and {chars:,} characters.
- Tables (CSV, TSV, Parquet) are items (below) or, with `--mapping`, events: a row is a record. What parts the columns (`,` `;` tab `|`) is found in the header, which is wanted;
  UTF-8, UTF-16 with its mark, or Windows-1252 where nothing else fits, which is told. Lines count from 1, so the header is line 1; rows of Parquet count from 1. Two columns of one name,
  and a first line that is no header, are refused; a row of another width, or with bytes that are no text, costs itself. Of Parquet NaN is what is missing; infinity is refused.
- Files given together are one log. `import` puts it in order of time; what is not in order already is held, up to {run} MiB in
  memory, the rest in sorted runs in a temporary folder.

What is something else is said at once, before anything is done: {kinds}; UTF-16; what holds NUL bytes.

"""
TIMES: Final = """\
## Times

`event_time_ms` and `--from`, `--to`, `--at`, `--effective-from` are read alike. Between {least} and {most}; a number that looks like another unit is told and
not guessed.

| written | read as |
| --- | --- |
"""
AFTER_TIMES: Final = """
An event further than {ahead} minutes ahead of the door's clock (in the log: of its own record's time) is `ahead_of_log`. One further than {late} minutes
behind the newest of its own session (`KAIROS_LATENESS_MS`) is `too_late`, but for {facts}. At `/api/recommendations` one
event whose time lies ahead is moved to now, alone; where no time of a request can be right, all are moved so that the newest is now.

"""
IDS: Final = """\
## Ids

Texts of 1 to {length} characters, of any letters; a whole number where an item's id is wanted becomes text. In paths they are percent-encoded.

- `identified` needs a `person_id`, and none of these, in any case and with blanks around: {nobody}. All such visitors would share one profile.
- In files (`import`, `try`, `train`, `evaluate`) a line may go without `event_id`: it gets one from a hash of what it says and its number among the equal lines
  of its file, `{made}HASH-NUMBER`, and that is told. So the same file imported again changes nothing; of two files that overlap, what both have counts once.
- The same `event_id` in the same session counts once for {days} days of event time, measured against the newest that the session has seen, and of the log, however
  old the event: history that is imported again counts once.
- A purchase or refund counts once for its person, whatever the session: the newest {facts} of them, for {fact_days} days of the person's own time.
- An item that no catalogue has is not recommended where there is a catalogue (`KAIROS_UNCATALOGUED`).

"""
VALUES: Final = """\
## Values

- `null` is as if the field were not there, everywhere. An empty list is not: `candidates: []` has nothing to rank, and gets an empty answer.
- In `properties` and `value` numbers and booleans become text: `10` of 10.0, `true`.
- Whole numbers to 2^53, so what JSON carries exactly; no infinity and no NaN (`1e999` is refused); texts that are cut inside a character (`"\\ud83d"`) are refused.
- Money: `currency` of an item or event is a code of ISO 4217. Once `kairos rates set EUR=1 USD=1.08` has said what currencies are worth, every amount is taken in the first of them, by the rates of the event's time: prices of items, of candidates and
  of events, carts, purchases. An amount that names no currency is in that of the item that it is of, else in the first. What has no rate is missing, and counted (`amounts_without_rate`); it is never compared with amounts of another
  currency. Carts and purchases stay what they were worth when they were told, so keep the first currency. Values, costs and budgets of a policy are in its own `currency`, which should be the first. Without rates amounts are compared as they stand, which `items import` tells where they are in several currencies.
- Place: `context.latitude` and `longitude` are kept to two places of a degree, some 1.1 km, whatever was sent. `check_in` and `check_out` among the properties of any event (`2026-07-01`) say which nights the visit is about: from the one to before the other.
- Unknown fields are passed over and told, with the name that was probably meant: `warnings` of a request, the summary of a command. `--strict` and `?strict=true` refuse them.

"""
ITEM_FILES: Final = """\
### Items from elsewhere

`kairos items import FILE` and `--items FILE` everywhere take these; which it is shows in the file, and `items import --format` says it where that is not enough:

| format | a file is |
| --- | --- |
| `kairos` | JSON with the names above |
| `table` | rows of CSV, TSV, Parquet (or JSON): columns under our names, or those that above are *told to be meant*, in any writing (`Product ID`, `productId`) |
| `shopify` | [`products.json`](https://shopify.dev/docs/api/admin-rest/latest/resources/product) or the [CSV export of products](https://help.shopify.com/en/manual/products/import-export/using-csv) |
| `google` | a feed of [Google Merchant](https://support.google.com/merchants/answer/7052112): RSS 2.0, Atom or TSV |

- In tables any other column becomes an attribute, {attributes} at most, which is told; so does the second of two columns for one field (`sku` beside `id`). What finds no room is told, and refused by `--strict`.
- Amounts: `19.99`, `19,99`, `1.299,00`, `1 299,00 EUR`, `€5`. `1,299` could be two and is refused until `--number 1,299.00` or `--number 1.299,00` says which. `$` and `¥` name no currency.
- `stock`: a number (below none is none), or `in stock`, `out of stock` and the like: what is there in an unknown number has none. Tags are parted by `|`, else `,`, else `;`; "Home > Dresses" is the
  category "Home/Dresses".
- Place: `latitude` (or `lat`) and `longitude` (`lon`, `lng`), in degrees with a point; a column `place` of anything else stays an attribute. `regions`: `DE, US-CA`. `available_dates`:
  `2026-07-01/2026-07-14, 2026-08-01`, both ends included. `embedding`: `[0.12, -0.5]`, also without brackets; its numbers are kept with 32 bits.
- Shopify: an item is a product, not a variant: its price is the cheapest variant's, its stock that of all, its options are attributes (`size` = `41,42`). JSON has ids, the CSV only handles, so
  these are the ids there. Drafts, archived and unpublished products are gone. Neither says the currency.
- Google: `sale_price` is the price, where it has times (`sale_price_effective_date`) between them, as of the import. XML with a DTD is refused; parts of parts (`shipping`) are left out.
- `items import --complete` takes out every item that the file does not hold, from whichever file it came; more than half of all only with `--force`. It wants the whole file, so not `--partial`.

"""
TOPICS: Final = """\
### From a topic of others

`kairos import --topic NAME` puts the events of another team's topic on the same Kafka into ours, `kairos items import --topic NAME` items, and `kairos import --profiles --topic NAME` people (the rows above, as JSON): from where
they stopped the last time to its end, or with `--follow` until they are stopped. **So a topic keyed in somebody else's way works**: what lies in `events` is keyed by the session, whatever key it had.

- Events: our JSON or Avro, a format (`--format segment`) or a mapping (`--mapping`). JSON without an `event_id` has one of its record's place, without a time that of the record. A record that is none is a dead letter of that topic
  (`dead-letters list --of NAME`), mended and sent like any other. Records that are read again after a crash are repeats, and count once.
- How far they have come lies in Kafka, as offsets of the consumer group `kairos-PREFIXevents-NAME`, `…items-NAME` or `…profiles-NAME`, which nobody joins; a batch counts as read once what came of it is written. To read all
  again, delete that group. What the topic does not hold any more is passed over.
- Items: `--format table` unless another is said (`kairos`, `shopify`, `google`: one product a record); what is as it was writes nothing; a null value takes out the item that is its key. An item that says no time holds from now on.
- Profiles: since the record's own time where the row says none; the key and null values say nothing. Of who was erased nothing of before is taken.
- JSON may stand behind the id of a schema, as Confluent's serializers write it; with `KAIROS_SCHEMA_REGISTRY` such a record is Avro, and while the registry does not answer the command ends: it goes on there the next time.
- A record that is none is left out and counted, and the first is named by its place; exit code 1 where that is most of them. A topic of ours is refused.

"""
PROFILES: Final = """\
### People from elsewhere

`kairos import --profiles FILE...` takes rows of a CRM or a warehouse (CSV, TSV, Parquet, JSON). Each becomes a `profile_updated` event at the time since when it holds, and its columns facts of the person,
`person.profile.lifecycle` (and `person.loyalty_tier`, `.industry`, …); what is declared of such events (`facts` of the policy) as well, for models.

- Whom it is of: the first of these columns: {people}. Since when: {times}; rows without one hold `--from TIME`. `--rename OLD=NEW` reads a column under another name.
- What is empty says nothing. A person has at most {facts} facts, of at most {length} characters, the names in one form (`Loyalty Tier` is `loyalty_tier`). Columns that say who somebody is are left out
  and told: those above under *Formats of others*.
- Nobody was there: such an event opens no visit, counts as no activity and asks for nothing; its session is the person's own (`profile/` and a hash). `POST /v1/events` with a server's key takes it, too; from a page it is
  an event as any other.
- Of each fact what was said last **by its own time** holds, in whatever order it comes, so a row is never too late. What was decided before it came rests on what was known; a replay has it from its time on. A time
  that lies ahead is refused. Of somebody of whom nothing else is known a profile is forgotten {expiry} days after its time, as any other.
- The same row is the same event, so the same file twice changes nothing. A bad row ends the command before anything is written, or is left out with `--partial`.
- Facts of people are kept and used for `personalisation` only: of who did not agree nothing is kept. Rows say nothing of consent, so what the person said, `--consent`, or KAIROS_CONSENT holds. Of before
  a person was erased nothing is taken.

"""
REASONS: Final[dict[str, str]] = {
    "too_large": f"more than {EVENT_BYTES_MAX:,} bytes of an event, {ITEM_BYTES_MAX:,} of an item",
    "not_single_object": "no Avro single object and no JSON, where the topic's format wants one",
    "unknown_schema": "Avro of a schema that is none of ours, or an id that the schema registry does not know",
    "schema_unavailable": "the schema registry gave no answer, or not in time: send it again (`kairos dead-letters replay`) when it does",
    "schema_invalid": "a schema of the registry that is no Avro, or beyond the bounds of one that is read",
    "malformed": "no JSON object, or Avro that ends too soon",
    "trailing_bytes": "something behind the record",
    "invalid_value": "a field that is missing, of another type, or beyond its bounds: the message names it",
    "not_finite": "infinity or NaN",
    "unknown_event_type": "a name that neither we nor the policy know, where the policy is strict (`strict_events`), or one that the record's format does not have",
    "wrong_key": "the record's key is not its session",
    "ahead_of_log": "too far ahead in time",
    "too_late": "too far behind its session",
    "session_full": "a session of more events than a person makes",
    "decision_too_large": "a decision that no record can hold",
}
"""What the reason of a refusal or a dead letter means."""

LOOKED_UP: Final = """In JSON `user_agent` and `ip` may stand there, too: device, system, browser and (where there is a database, KAIROS_PLACES) country, region, city, point and offset are made of them
at the door, and neither is kept. A `page` of an event that is a whole address becomes its path; its campaign (`utm_…`) is kept, and nothing else of its query. Which category a page is of, a policy says (`page_categories`).

"""
