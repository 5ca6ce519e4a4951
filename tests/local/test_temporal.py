from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from local.temporal import NAMESPACE, SEARCH_ATTRIBUTES


async def test_operators_can_filter_by_our_search_attributes(temporal_server: str) -> None:
    client = await Client.connect(temporal_server, namespace=NAMESPACE)
    answer = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=NAMESPACE))
    kinds = {name: IndexedValueType.Name(kind) for name, kind in answer.custom_attributes.items()}
    assert {name: kinds[name] for name in SEARCH_ATTRIBUTES} == {
        name: f"INDEXED_VALUE_TYPE_{kind.upper()}" for name, kind in SEARCH_ATTRIBUTES.items()
    }
