"""What the console's page of dead letters sends: which of them are meant, and how they are mended."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.limits import STRING_LENGTH_MAX

EDITS_MAX: Final = 50
MAPPING_LENGTH_MAX: Final = 20_000

Name = Annotated[str, Meta(max_length=300)]
Edit = Annotated[str, Meta(max_length=STRING_LENGTH_MAX)]
Edits = Annotated[tuple[Edit, ...], Meta(max_length=EDITS_MAX)]


class LetterEdits(Struct, frozen=True, forbid_unknown_fields=True):
    """All letters of a reason and topic (empty = of any), and what is done to each before it is sent again.

    `renames` are `OLD=NEW`, `values` are `NAME=VALUE`, as `kairos dead-letters` takes them; `mapping` is the text of a mapping (YAML), empty = none.
    """

    reason: Name = ""
    topic: Name = ""
    renames: Edits = ()
    values: Edits = ()
    drops: Edits = ()
    mapping: Annotated[str, Meta(max_length=MAPPING_LENGTH_MAX)] = ""


LETTER_EDITS: Final = msgspec.json.Decoder(LetterEdits)
