"""Snowplow's enriched events as Enrich writes them: a line of 131 columns with tabs between, its entities as JSON in three of them.

The order of the columns is that of the canonical event: https://docs.snowplow.io/docs/fundamentals/canonical-event/understanding-the-enriched-tsv-format/
"""

import re
from typing import Any, Final

import msgspec

from schemas.errors import InvalidEvent
from schemas.formats.foreign_json import plain
from schemas.limits import EVENT_BYTES_MAX

COLUMNS: Final = tuple(
    """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker v_collector v_etl user_id
    user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country geo_region geo_city geo_zipcode geo_latitude
    geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost
    page_urlport page_urlpath page_urlquery page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery
    refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action
    se_label se_property se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid
    ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name br_family
    br_version br_type br_renderengine br_lang br_features_pdf br_features_flash br_features_java br_features_director br_features_quicktime
    br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth
    br_viewheight os_name os_family os_manufacturer os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset
    doc_width doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone
    mkt_clickid mkt_network etl_tags dvce_sent_tstamp refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp
    event_vendor event_name event_format event_version event_fingerprint true_tstamp
    """.split()  # noqa: SIM905 - 131 quoted names would be less to read
)
CONTEXTS: Final = ("contexts", "derived_contexts")
UNSTRUCT: Final = "unstruct_event"
SCHEMA: Final = re.compile(
    r"iglu:([\w.-]{1,200})/([\w-]{1,200})/jsonschema/(\d{1,9})-\d+-\d+", re.ASCII
)
ENTITIES_MAX: Final = 1_000

Row = dict[str, Any]


def is_enriched(data: bytes) -> bool:
    """Whether it is such a line, and no JSON."""
    return data.count(b"\t") == len(COLUMNS) - 1 and not data.startswith(b"{")


def row_of_enriched(data: bytes) -> Row:
    """What a line says by its columns, with a column for each kind of entity, as Snowplow's own tools name them; raises InvalidEvent."""
    if len(data) > EVENT_BYTES_MAX:
        raise InvalidEvent("too_large", f"{len(data)} bytes, at most {EVENT_BYTES_MAX}")
    try:
        values = data.decode().rstrip("\r\n").split("\t")
    except UnicodeDecodeError as error:
        raise InvalidEvent("malformed", str(error)) from error
    if len(values) != len(COLUMNS):
        raise InvalidEvent("malformed", f"{len(values)} columns, {len(COLUMNS)} wanted")
    return unfolded({name: value for name, value in zip(COLUMNS, values, strict=True) if value})


def unfolded(row: Row) -> Row:
    """The row whose self-describing JSON (contexts, derived_contexts, unstruct_event) stands in a column for each kind; raises InvalidEvent."""
    if UNSTRUCT not in row and not any(name in row for name in CONTEXTS):
        return row
    found = {
        name: value for name, value in row.items() if name != UNSTRUCT and name not in CONTEXTS
    }
    for name in CONTEXTS:
        said = _data(name, row.get(name))
        for one in (said if isinstance(said, list) else [])[:ENTITIES_MAX]:
            column, entity = _kind("contexts", name, one)
            found.setdefault(column, []).append(entity)
    said = _data(UNSTRUCT, row.get(UNSTRUCT))
    if said is not None:
        column, entity = _kind(UNSTRUCT, UNSTRUCT, said)
        found[column] = entity
    return found


def _data(name: str, value: object) -> object:
    """What an envelope holds; an empty column holds nothing."""
    if isinstance(value, str) and value.strip():
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidEvent("malformed", f"{name}: {error}") from error
    if value is None or value == "":
        return None
    if not isinstance(value, dict):
        raise InvalidEvent("malformed", f"{name}: self-describing JSON is wanted")
    return value.get("data")


def _kind(prefix: str, name: str, said: object) -> tuple[str, Any]:
    """The column of an entity's kind (vendor, name and version of its schema), and what it says."""
    schema = said.get("schema") if isinstance(said, dict) else None
    match = SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    if match is None or not isinstance(said, dict):
        raise InvalidEvent("malformed", f"{name}: an entity with its schema is wanted")
    vendor, kind, version = match.groups()
    return (
        f"{prefix}_{vendor.replace('.', '_').replace('-', '_').lower()}_{plain(kind)}_{version}",
        said.get("data"),
    )
