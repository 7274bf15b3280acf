"""Access keys: made once, kept in a file, compared in constant time, never printed."""

import base64
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

type KeySet = dict[str, str]


class Access(Enum):
    """What a caller may do, by the key that it sent."""

    NONE = 0
    FUNCTION = 1
    MASTER = 2


class Keys:
    """The master key, the host's keys and each function's own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._document = _load(path)

    @property
    def master(self) -> str:
        """Return the key that opens everything."""
        return self._of("master").setdefault("_master", "")

    def make(self, functions: Iterable[str]) -> None:
        """Make all keys that are missing, so that they can be looked up in the file."""
        owners = ["master", "host", *(f"function:{name.lower()}" for name in functions)]
        for owner in owners:
            self._of(owner)

    def host_keys(self) -> KeySet:
        """Return the keys that open every function."""
        return self._of("host")

    def function_keys(self, function: str) -> KeySet:
        """Return the keys that open this function only."""
        return self._of(f"function:{function.lower()}")

    def access(self, key: str | None, function: str | None = None) -> Access:
        """Return what the key opens; without a function, any function's key counts."""
        if not key:
            return Access.NONE
        if _same(key, self.master):
            return Access.MASTER
        owners = [self.host_keys()]
        if function:
            owners.append(self.function_keys(function))
        else:
            owners += [keys for name, keys in self._document.items() if ":" in name]
        known = (value for owner in owners for value in owner.values())
        fits = any(_same(key, value) for value in known)
        return Access.FUNCTION if fits else Access.NONE

    def set(self, owner: KeySet, name: str, value: str | None) -> bool:
        """Give the owner a key by that name; return whether it is a new one."""
        new = name not in owner
        owner[name] = value or _new_key()
        self._save()
        return new

    def _of(self, owner: str) -> KeySet:
        """Return the owner's keys; one is made when there is none."""
        keys = self._document.setdefault(owner, {})
        if not keys:
            keys["_master" if owner == "master" else "default"] = _new_key()
            self._save()
        return keys

    def _save(self) -> None:
        """Replace the file, readable by its owner alone where the system can do that."""
        temporary = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)
            handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(self._document, file, indent=2)
            temporary.replace(self._path)
        except OSError as error:
            raise BadKeyFile(
                f"{self._path} cannot be written ({error.strerror}): "
                "name another with --secrets"
            ) from None


class BadKeyFile(Exception):
    """The file of keys cannot be read or written."""


def _load(path: Path) -> dict[str, KeySet]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {
            owner: {name: str(value) for name, value in keys.items()}
            for owner, keys in document.items()
        }
    except (OSError, ValueError, AttributeError) as error:
        raise BadKeyFile(
            f"{path} cannot be read ({error}): delete it to have new keys made"
        ) from None


def _new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(40)).decode()


def _same(key: str, other: str) -> bool:
    return hmac.compare_digest(
        *(k.encode("utf-8", "surrogateescape") for k in (key, other))
    )
