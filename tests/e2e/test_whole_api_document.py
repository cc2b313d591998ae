"""Property-based tests of the API from its own OpenAPI document: no 5xx, nothing that it does not say.

The last of this folder: the strange ids that it sends stay in the engine.
"""

from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.channels.operations import OPERATIONS, Operation
from tests.e2e.homes import Engine, wait_for

pytestmark = pytest.mark.e2e
EXAMPLES: Final = 20
"""Of each operation and kind."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
HEAD_TOO_LARGE: Final = 431


@pytest.fixture(scope="module")
def document(engine: Engine) -> Any:
    address = f"http://{engine.home.json('status', '--json')['api']['address']}"
    wait_for(lambda: httpx.get(f"{address}/readyz").status_code == 200)
    return schemathesis.openapi.from_url(f"{address}/openapi.json")


def can_be_wrong(one: Operation) -> bool:
    """Whether it takes more than ids in its address, which are any text."""
    asked = one.told.get("parameters", ())
    return "requestBody" in one.told or any(each["in"] == "query" for each in asked)


CASES: Final = [
    (one, mode)
    for one in OPERATIONS
    for mode in GenerationMode
    if not one.is_endless
    if mode is GenerationMode.POSITIVE or can_be_wrong(one)
]


@pytest.mark.parametrize(
    ("told", "mode"),
    CASES,
    ids=[f"{one.method} {one.path} {mode.value}" for one, mode in CASES],
)
def test_the_api_does_what_its_document_says(
    document: Any, told: Operation, mode: GenerationMode
) -> None:
    operation = document[told.path][told.method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        answer = case.call()
        if answer.status_code != HEAD_TOO_LARGE:  # a refusal that the checks do not know
            case.validate_response(answer, checks=CHECKS)

    holds()
