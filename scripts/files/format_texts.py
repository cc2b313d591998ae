"""The part of docs/what-we-accept.md on formats of others: ten lines each, and tables of their names made from the code."""

from collections.abc import Mapping
from typing import Final

from schemas.formats.cloudevents import WITHIN
from schemas.formats.foreign_json import PERSONAL, PERSONAL_WORDS, ROOM
from schemas.formats.ga4_hit import CONSENT, EVENTS_MAX, PRIVACY
from schemas.formats.ga4_names import NAMES
from schemas.formats.segment_names import ACTIVITY, CATEGORIES, TRACKED
from schemas.formats.snowplow import ACTIONS, EVENT_NAMES
from schemas.limits import (
    SCHEMA_BYTES_MAX,
    SCHEMA_DEPTH_MAX,
    SCHEMA_RETRY_MAX_MS,
    SCHEMA_RETRY_MS,
    SCHEMA_UNKNOWN_MS,
    SCHEMA_WAIT_MS,
    SCHEMAS_KEPT_MAX,
    SECOND_MS,
    STRING_LENGTH_MAX,
)

SNOWPLOW_TYPES: Final = dict(EVENT_NAMES) | {
    name: kind for name, kind in ACTIONS.items() if name is not None
}
HEAD: Final = f"""\
## Formats of others

| format | a record is | in files | on the topic `events` |
| --- | --- | --- | --- |
| `kairos-avro` | ours | no | Avro, `schemas/avro/` |
| `json` | ours | JSON Lines (also `convert`ed from the others) | JSON of the same names |
| `kairos` | ours | as `json` | as `kairos-avro` |
| `confluent-avro` | anybody's Avro, by a schema registry | no | yes, with `KAIROS_SCHEMA_REGISTRY` |
| `json-schema` | JSON behind the id of its schema | no | yes |
| `segment` | a call of Segment's or RudderStack's | yes | yes |
| `ga4` | a hit of Google Analytics 4 | yes | yes |
| `cloudevents` | an envelope of CloudEvents 1.0 | yes | yes |
| `snowplow` | an enriched event | TSV, CSV or JSON, with `--app-id` | TSV or JSON; within `cloudevents` |
| `trivago` | a row of the RecSys Challenge 2019 | Parquet | no |

`import`, `convert` and `try` take `--format`; `train` and `evaluate` read what `convert` writes. Files may be arrays or lines, packed or not, as above.
For the topic it is `KAIROS_FORMAT`; **the key of a record is its session** (below, how that is named), or it is `wrong_key`: a topic with other keys comes by [`import --topic`](#from-a-topic-of-others). What Kairos itself adds to such a topic
is our Avro, which begins as nothing of theirs does.

A record is an event or a reason that names the field (`properties.price: '19,99' is no number`). Numbers may be written as text, with one point; times as above. Of the address of a
page only the path is kept, of a referrer the host; a user agent says device, system, browser and whether it is a bot. IP addresses and traits are not taken over, nor properties that say who somebody is:
{", ".join(f"`{one}`" for one in sorted(PERSONAL))}, and names with the word {", ".join(f"`{one}`" for one in sorted(PERSONAL_WORDS))}. Of other properties those that are texts, numbers or booleans become ours, {ROOM} at most, each of at most {STRING_LENGTH_MAX:,} characters;
the others are left out. In Segment's calls, GA4's hits and Snowplow's self-describing events any other name than those below is one of the sender's own (`Level Completed` is `level_completed`), with all that it says: what
it means, the [policy](policy.md#namedevent) says. A Snowplow event of another name that describes nothing is `unknown_event_type`, with the nearest that is known. What says only that somebody is there counts as `{ACTIVITY}` without a value.

Consent that names some purposes and not `personalisation`: where all of them are granted, the event says nothing of consent (`KAIROS_CONSENT` and `--consent` hold); where one is denied, what is named and granted
is granted and nothing else. Who agrees later says it by an event that names `personalisation`.

"""
EVOLUTION: Final = """\
### When a format changes

| what changes | Avro (`kairos-avro`) | our JSON, `json-schema`, `confluent-avro` | Segment, GA4, CloudEvents, Snowplow, a mapping |
| --- | --- | --- | --- |
| a field more | read where it has a default, once the schema lies in `schemas/avro` | not read, and told with the nearest of ours | becomes a property, if it is a text, number or boolean |
| a field less | its default | as if it were null; one that every event needs: `invalid_value` | likewise; a mapping names the path |
| renamed | read with an alias; an engine of before needs a default | an alias of ours is read; else not read, and told | `dead-letters repair --rename` mends what could not be used |
| wider (int, long, double) | read; an engine of before does not read it | read | read, as text, too |
| another name of an event | any: activity, until the policy says what it means | likewise | likewise |

`kairos schemas check NEW.avsc [--against OLD.avsc]` says field by field which side still reads what the other writes, and ends with code 1 where one does not: readers first, then
writers.

"""
MAPPING: Final = """\
### Any other JSON: a mapping

What has no format here, rows of CSV and Parquet among it, is read by a mapping, a YAML file. Rules are tried in their order, and the first whose `when` holds makes the event:

```yaml
fields:                                        # of every event
  event_id: id
  event_time_ms: {path: at, unit: s}           # s, ms, us, ns; without a unit as above
  session_id: [run, player.id]                 # the first that says something
  anonymous_id: player.id
rules:
  - when: {what: [ping, pong]}                 # one of several; null = not there
    skip: true                                 # passed over, and counted
  - when: {what: bought}
    event_type: purchase_completed
    fields:
      item_ids: cart[].sku                     # of each; cart[0].sku of the first
      value_amount: {path: sum, number: "1.299,00"}
      currency: {value: EUR}
  - fields:
      event_type: {path: what, map: {saw: product_viewed, read: content_read}, otherwise: page_viewed}
      item_ids: {path: skus, split: ","}
      context.country: player.country
    properties: [level, player.rank]           # kept under their last names
```

```
./kairos infer events.jsonl --out game.yaml    # proposes one, by names and by what stands there: look at each line
./kairos mapping check game.yaml               # what is wrong, and what may not be meant
./kairos mapping try game.yaml events.jsonl    # how many become what, and which of their fields no rule reads
./kairos import events.jsonl --mapping game.yaml
```

`convert`, `try` and `dead-letters repair|replay` take `--mapping`, too. A record is an event, or a reason that names its path; an amount that could be another one (`19.99` where `1.299,00` is written) is refused. Nothing is
taken over but what the mapping names, so nothing personal comes along unseen. Of the topic `events` it is `KAIROS_MAPPING=game.yaml`, with `KAIROS_FORMAT` `json`, `json-schema` or `confluent-avro`: the
job reads it when it starts, all its operators have the same one, `dead-letters repair|replay` read by it, and what it passes over is counted (`passed_over`). Restart the job to change it; a replay reads the whole log by the one that is set, and
refuses to go on with another. What Kairos itself adds to such a topic is our Avro.

One that is ready: [Shopify's orders](mappings/shopify-orders.yaml), webhooks of orders and refunds as purchases and refunds, in the visit that ordered where the shop hands its ids over.

"""
SEGMENT: Final = """\
### Segment and RudderStack

Calls as their sources write them and their Kafka destinations send them: [Segment's specification](https://segment.com/docs/connections/spec/), [e-commerce](https://segment.com/docs/connections/spec/ecommerce/v2/),
[RudderStack's](https://www.rudderstack.com/docs/event-spec/standard-events/). Examples: `tests/schemas/formats/examples/segment.jsonl`.

- `page` and `screen` are `page_viewed`; `identify`, and `alias` of an anonymous id, `identified`; `group` is `profile_updated` (`attribute` = `group`). `track` by its name, below, in any form
  (`Product Viewed`, `product_viewed`); the names of our own types are read, too, with `attribute`, `value`, `query`, `decision_id`, `request_id` and `placements` among their properties.
- Ids: `messageId` (without one, a hash of the call), `anonymousId` (of a server's call `userId`), `userId`. Somebody signs in by `identify` alone: call it in each visit.
- Session: `context.sessionId` or `session_id`; a number (RudderStack's) becomes `ANONYMOUS_ID.NUMBER`, because two visitors may share one. Without one it is the anonymous id, which the engine cuts at 30 minutes of silence: so a
  topic with `anonymousId` as its key needs nothing.
- Time: `timestamp`; else `receivedAt` - (`sentAt` - `originalTimestamp`), so that a wrong clock of the browser does no harm.
- Items: `products`, else the properties themselves: `product_id` or `sku`, `price`, `quantity`, `category`. An order is worth `total`, else `revenue`, else `value`.
- Of the filters of `Product List Filtered` the last one counts: all that hold are sent each time.
- Context: user agent, `device.type`, `os.name`, `timezone`, `location`, `page.referrer`, `campaign` (`name`; the rest as `utm_…`), `locale`.
- Consent: `context.consent.categoryPreferences`, where a category is called {categories}. Others name no purpose.

{table}
"""
GA4: Final = """\
### Google Analytics 4

Rows of the [BigQuery export](https://support.google.com/analytics/answer/7029846) as JSON (`bq extract --destination_format NEWLINE_DELIMITED_JSON`, whole numbers as text or not), and bodies of the
[Measurement Protocol](https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference). Examples: `tests/schemas/formats/examples/ga4.jsonl`.

- A body with several events, {most} at most: a file may have it, and it is as many events; on a topic a record is one event, and a body with more is refused.
- Ids: Google gives none, so the id is a hash of what the hit says; two equal hits are one. `user_pseudo_id`, `client_id` or `app_instance_id` is the anonymous id.
- Who signs in: `login` or `sign_up` with a `user_id`; without one they are refused.
- Session: `VISITOR.GA_SESSION_ID` (of the protocol `session_id`), as Google tells to build it; without one, the visitor.
- Time: `event_timestamp` or `timestamp_micros`, in microseconds; a hit without one is refused.
- Items: `items` with `item_id`, `price`, `quantity`; `item_category` to `item_category5` make the category's path. An order is worth `ecommerce.purchase_revenue`, else the parameter `value`.
- Parameters: those of the names below; others become properties. `(not set)` is as if it were not there.
- Context: `device`, `geo` or `user_location`, `page_referrer`, `campaign` or `collected_traffic_source.manual_campaign_name`; never `gclid` and its like.
- Consent: `privacy_info` ({privacy}); of the protocol `consent` ({consent}) and `non_personalized_ads`.

{table}
"""
CLOUDEVENTS: Final = """\
### CloudEvents

Envelopes of [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md), structured mode, in JSON. Examples: `tests/schemas/formats/examples/cloudevents.jsonl`.

- The last part of `type` says what `data` is: {within}. Of any other type it is our JSON.
- Of our JSON the last part of `type` is also the event's type where `data` has none: `com.example.shop.product_viewed`.
- `id` is the event's id where it has none itself, `time` its time; ids that would be made of what a hit says give way to `id`.
- `source` becomes the property `source`, where there is none: of `consent_changed` that is who told it.
- `data_base64` may hold the same as JSON, or our Avro. A text in `data` is read as JSON.
- `specversion`, `id`, `source` and `type` are needed. The key of a record is the session of the event within; write it as `partitionkey`.
- Binary mode (attributes in headers of Kafka) is not read.

"""


SNOWPLOW: Final = """\
### Snowplow

Enriched events: the [lines](https://docs.snowplow.io/docs/fundamentals/canonical-event/understanding-the-enriched-tsv-format/) of 131 columns that Enrich writes, in files and on the topic; [atomic columns](https://docs.snowplow.io/docs/fundamentals/canonical-event/) as CSV, in a folder with the tables of entities; or JSON, as Snowplow's own tools
make it of those lines. With the [e-commerce](https://docs.snowplow.io/docs/events/ootb-data/e-commerce-events/) action and
entities. Examples: `tests/schemas/formats/snowplow/enriched.tsv`, `scripts/demo_data/snowplow`, `tests/schemas/formats/visit/snowplow.jsonl`.

- On a topic the key is `domain_sessionid`: Enrich writes it with `partitionKey = "domain_sessionid"`. What has another key comes by `kairos import --topic` (below).
- `event_id`; `domain_userid` is the anonymous id, `domain_sessionid` the session (of an app, those of its client session). The time is `derived_tstamp`, UTC where it names no zone.
- The shop's own user id becomes the property `shop_user_id`, unless it is an address: nobody signs in by it. Say `identified` beside it.
- A self-describing event of a schema of your own (`unstruct_event_com_acme_level_completed_1`) is an event of that name (`level_completed`), with its texts, numbers and booleans as properties.
- `site_search` is a search for its `terms`. Actions of e-commerce by their `type`:

{table}
"""


REGISTRY: Final = """\
### With a schema registry

Records as [Confluent's serializers](https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format) frame them: a byte 0, the schema's id as four bytes, and what it
says. Any registry with that [API](https://docs.confluent.io/platform/current/schema-registry/develop/api.html) will do (Confluent's, Karapace, Redpanda's, Apicurio's under `/apis/ccompat/v7`).
Examples, a record a line in hexadecimal digits: `tests/schemas/formats/registered`.

- `KAIROS_FORMAT=confluent-avro` with `KAIROS_SCHEMA_REGISTRY=https://registry.example`; who asks, and certificates, stand in a file: [security.md](security.md#your-schema-registry).
- A record is read by its writer's schema and by nothing else, with the schemas that it refers to, and its fields by the names of our JSON, aliases too (below), or by a [mapping](#any-other-json-a-mapping): an older and a newer writer may share the topic, and what
  has no name of ours is not read. Times become milliseconds, dates texts, decimals numbers, bytes texts as in Avro's own JSON.
- Schemas stay in the memory of each process, {kept:,} of them. **A record whose schema is not known waits {wait:g} s at most**, then it is a dead letter, `schema_unavailable`, and no other waits until the registry has answered; one
  that failed is asked again after {retry:g} s, then after twice as long, up to {most:g} s. Records of known schemas go on all the while. An id that it does not know is `unknown_schema`, for {unknown:g} s.
- When the registry is back: `kairos dead-letters replay --reason schema_unavailable`. A replay of the log reads these records in their own places then, and what was sent again is a repeat of them.
- A schema is foreign, too: at most {size:,} bytes with all that it refers to, {depth} types within each other, none within itself, `null` in unions only, a union with a time, decimal or bytes in it of one type beside `null`; else
  `schema_invalid`.
- `json-schema` is our JSON behind the same header. It says itself what it says, so its schema is not asked for, and nothing has to be up.
- Names of fields are not in such a record, so dead letters mask `sensitive_attributes` in maps of it only.
- The id stands in front of the record; one in Kafka's headers is not read. Protobuf is not read. Files have no such framing.

"""


def formats() -> str:
    """The whole part."""
    return "".join(
        (
            HEAD,
            SEGMENT.format(categories=_listed(CATEGORIES), table=_table("track", TRACKED)),
            GA4.format(
                most=EVENTS_MAX,
                privacy=_pairs(PRIVACY),
                consent=_pairs(CONSENT),
                table=_table("event", NAMES),
            ),
            SNOWPLOW.format(table=_table("event", SNOWPLOW_TYPES)),
            CLOUDEVENTS.format(within=", ".join(f"`{one}`" for one in WITHIN)),
            REGISTRY.format(
                kept=SCHEMAS_KEPT_MAX,
                wait=SCHEMA_WAIT_MS / SECOND_MS,
                retry=SCHEMA_RETRY_MS / SECOND_MS,
                most=SCHEMA_RETRY_MAX_MS / SECOND_MS,
                unknown=SCHEMA_UNKNOWN_MS / SECOND_MS,
                size=SCHEMA_BYTES_MAX,
                depth=SCHEMA_DEPTH_MAX,
            ),
            MAPPING,
            EVOLUTION,
        )
    )


def _table(head: str, names: Mapping[str, str]) -> str:
    """A row for each type of ours with the names that become it."""
    kinds: dict[str, list[str]] = {}
    for name, kind in names.items():
        kinds.setdefault(kind, []).append(name)
    rows = "".join(f"| {_listed(theirs)} | `{kind}` |\n" for kind, theirs in kinds.items())
    return f"| {head} | becomes |\n| --- | --- |\n{rows}"


def _listed(names: Mapping[str, str] | list[str]) -> str:
    return ", ".join(f"`{one}`" for one in names)


def _pairs(names: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}`: {purpose}" for name, purpose in names.items())
