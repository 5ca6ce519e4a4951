"""The way to Temporal by a client profile: mutual TLS, an API key, and never in the clear out of the own network."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import make_settings
from tests.fixtures.certificates import Authority
from workflows.connection import connect, is_encrypted, target

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"

MUTUAL = """
[profile.cloud]
address = "ns.example.com:7233"
namespace = "billing.example"
[profile.cloud.tls]
server_name = "temporal.example.com"
server_ca_cert_path = "{ca}"
client_cert_path = "{certificate}"
client_key_path = "{key}"
"""
KEYED = """
[profile.cloud]
address = "ns.example.com:7233"
namespace = "billing.example"
api_key = "a-key"
"""
PLAIN = """
[profile.cloud]
address = "ns.example.com:7233"
"""


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def write(text: str, **names: object) -> None:
        (tmp_path / "temporal.toml").write_text(text.format(**names))
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))

    return write


def settings(mode: str = "production") -> Any:
    return make_settings(NOWHERE, mode=mode, temporal_profile="cloud")


def test_a_profile_brings_mutual_tls(profile: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("client.example.com")
    profile(MUTUAL, ca=authority.file, certificate=certificate, key=key)

    where = target(settings())

    assert (where["target_host"], where["namespace"]) == ("ns.example.com:7233", "billing.example")
    tls: Any = where["tls"]
    assert tls.domain == "temporal.example.com"
    assert tls.server_root_ca_cert == authority.file.read_bytes()
    assert (tls.client_cert, tls.client_private_key) == (certificate.read_bytes(), key.read_bytes())
    assert is_encrypted(where)


async def test_a_profile_brings_an_api_key_which_means_tls(profile: Any) -> None:
    profile(KEYED)

    where = target(settings())

    assert where["api_key"] == "a-key"
    assert is_encrypted(where)
    assert await connect(settings(), lazy=True)


async def test_a_profile_without_tls_never_leaves_the_own_network_in_production(profile: Any) -> None:
    profile(PLAIN)

    with pytest.raises(ValueError, match="without TLS"):
        await connect(settings(), lazy=True)
    assert await connect(settings("local"), lazy=True)
