import socket
from collections.abc import Iterator

import pytest

from local import ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def asked(**numbers: int) -> dict[str, int | None]:
    return dict.fromkeys(ports.PORTS) | numbers


def test_a_busy_port_that_was_asked_for_is_named_with_the_option_that_moves_it(taken: int) -> None:
    with pytest.raises(ports.PortRefused, match=rf"Port {taken} for the API is taken .* --api-port") as refusal:
        ports.choose(asked(api=taken))
    assert "PERENNIAL_LOCAL_API_PORT" in str(refusal.value)


def test_a_busy_default_moves_up_and_says_so(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ports.PORTS, "api", ports.Port("the API", "--api-port", taken))

    chosen, moved = ports.choose(asked())

    assert chosen["api"] > taken
    assert ports.is_free(chosen["api"])
    assert any(f"Port {taken} is taken, so the API is on {chosen['api']}" in sentence for sentence in moved)


def test_one_port_cannot_be_asked_for_twice() -> None:
    free = ports.any_free()
    with pytest.raises(ports.PortRefused, match="asked for twice; --stripe-port"):
        ports.choose(asked(api=free, stripe=free))


@pytest.mark.parametrize("number", [0, -1, 65_536])
def test_a_number_that_is_no_port_is_refused(number: int) -> None:
    with pytest.raises(ports.PortRefused, match="is not a port; --mail-port"):
        ports.choose(asked(mail=number))


def test_every_part_has_a_port_of_its_own() -> None:
    chosen, _ = ports.choose(asked())
    assert len(set(chosen.values())) == len(ports.PORTS)
