"""How state is written into histories: as Pydantic writes it, without the fields that say nothing.

A history is kept for years and paid for by the byte; a third of a subscription's fields are None most of the time.
"""

from dataclasses import fields, is_dataclass, replace
from typing import Any

from pydantic_core import to_json
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

from settings import Settings
from workflows.encryption import Encryption


class _Compact(PydanticJSONPlainPayloadConverter):
    def to_payload(self, value: Any) -> Payload | None:
        return Payload(metadata={"encoding": self.encoding.encode()}, data=to_json(_filled(value)))


def _filled(value: Any) -> Any:
    """The same without the empty fields of dataclasses; `to_json` leaves out those of Pydantic's own models only."""
    if is_dataclass(value) and not isinstance(value, type):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _filled(content) for name, content in named if content is not None}
    if isinstance(value, dict):
        return {key: _filled(content) for key, content in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(content) for content in value]
    return value


_COMPACT = _Compact()
"""One for all: it keeps Pydantic's type adapters, 4 ms and some 100 kB each, that every workflow would make anew."""


class CompactPayloadConverter(CompositePayloadConverter):
    """Every field that may be None must have None as its default; then it reads back as it was."""

    def __init__(self) -> None:
        """Temporal makes one for each workflow."""
        super().__init__(
            *(
                _COMPACT if isinstance(converter, JSONPlainPayloadConverter) else converter
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


DATA_CONVERTER = replace(pydantic_data_converter, payload_converter_class=CompactPayloadConverter)
"""How everything travels, in clear."""


def converter_for(settings: Settings) -> DataConverter:
    """What every client of an installation uses: API, worker, relay, commands and replays.

    With keys, failures hide their messages and stack traces in a payload, too. Search attributes are never encrypted:
    they hold ids, a status and flags.
    """
    if not settings.encryption_keys:
        return DATA_CONVERTER
    return replace(
        DATA_CONVERTER,
        payload_codec=Encryption(settings.encryption_keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
