"""What a person is told, by reason and language: another language is one more text in each line."""

from typing import Final

SENTENCES: Final[dict[str, dict[str, str]]] = {
    "silence": {
        "en": "Nothing suits you better than silence",
        "de": "Nichts passt gerade besser als Ruhe",
    },
    "objected": {
        "en": "The same for everybody: you object to profiling",
        "de": "Für alle gleich: Sie widersprechen dem Profiling",
    },
    "in_cart": {"en": "You had this in your cart", "de": "Das hatten Sie im Warenkorb"},
    "viewed": {"en": "You looked at this recently", "de": "Das haben Sie sich kürzlich angesehen"},
    "because_item": {"en": "Because you viewed {what}", "de": "Weil Sie {what} angesehen haben"},
    "because_category": {
        "en": "Because you looked at {what}",
        "de": "Weil Sie sich für {what} interessiert haben",
    },
    "caller": {"en": "From your list", "de": "Aus Ihrer Liste"},
    "pinned": {"en": "Recommended by our team", "de": "Von unserer Redaktion empfohlen"},
    "search": {"en": "Matches your search", "de": "Passt zu Ihrer Suche"},
    "nearest_sessions": {
        "en": "People on a visit like yours looked at this",
        "de": "Andere mit einem ähnlichen Besuch haben sich das angesehen",
    },
    "alike": {
        "en": "Like what you looked at",
        "de": "Ähnlich wie das, was Sie angesehen haben",
    },
    "viewed_next": {"en": "Often looked at next", "de": "Wird oft als Nächstes angesehen"},
    "viewed_together": {"en": "Often looked at together", "de": "Wird oft zusammen angesehen"},
    "bought_together": {"en": "Often bought together", "de": "Wird oft zusammen gekauft"},
    "trending_category": {"en": "Popular with other people", "de": "Beliebt bei anderen"},
    "trending": {"en": "Popular with other people", "de": "Beliebt bei anderen"},
    "new": {"en": "New in our catalogue", "de": "Neu in unserem Sortiment"},
    "last_slate": {"en": "Still in your list", "de": "Noch in Ihrer Liste"},
    "stated": {
        "en": "Because you said you like {what}",
        "de": "Weil Sie gesagt haben, dass Sie {what} mögen",
    },
    "stated_price": {
        "en": "Because you said: price level {what}",
        "de": "Weil Sie gesagt haben: Preislage {what}",
    },
    "other": {"en": "From our catalogue", "de": "Aus unserem Sortiment"},
}
"""Reasons; those named as a source of candidates say what that source alone knows of an item."""
LANGUAGES: Final = tuple(SENTENCES["other"])


def say(reason: str, what: str, language: str) -> str:
    """The sentence for a reason (an unknown one is `other`), in English where the language is not there."""
    texts = SENTENCES.get(reason, SENTENCES["other"])
    return texts.get(language, texts["en"]).replace("{what}", what)
