import stat
from pathlib import Path

import pytest

from local.state import NotOurs, State, StateInUse


def test_secrets_are_random_private_and_kept(tmp_path: Path) -> None:
    with State.opened(tmp_path / "one") as state:
        secret = state.secret("auth")
        assert len(secret) == 64
        assert stat.S_IMODE((state.directory / "secrets.json").stat().st_mode) == 0o600
    with State.opened(tmp_path / "one") as again, State.opened(tmp_path / "two") as other:
        assert again.secret("auth") == secret
        assert other.secret("auth") != secret


def test_a_second_stack_on_the_same_folder_is_told_that_one_runs(tmp_path: Path) -> None:
    with (
        State.opened(tmp_path / "state"),
        pytest.raises(StateInUse, match=r"is running on .* already \(process \d+\)"),
        State.opened(tmp_path / "state"),
    ):
        pass


def test_fresh_forgets_everything(tmp_path: Path) -> None:
    with State.opened(tmp_path / "state") as state:
        before = state.secret("auth")
        (state.directory / "stripe").mkdir()
    with State.opened(tmp_path / "state", fresh=True) as state:
        assert not (state.directory / "stripe").exists()
        assert state.secret("auth") != before


def test_a_folder_with_other_things_in_it_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(NotOurs), State.opened(tmp_path, fresh=True):
        pass
    assert (tmp_path / "thesis.tex").exists()
