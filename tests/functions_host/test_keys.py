"""Keys open what they should, and nothing else."""

from pathlib import Path

import pytest

from functions_host.keys import Access, BadKeyFile, Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Return keys in a folder of their own."""
    return Keys(tmp_path / "keys" / "keys.json")


def test_a_key_opens_its_own_function(keys: Keys) -> None:
    """In any case of the function's name, and no other function."""
    key = keys.function_keys("publish")["default"]

    assert keys.access(key, "Publish") is Access.FUNCTION
    assert keys.access(key, "audit") is Access.NONE
    assert keys.access(key) is Access.FUNCTION


@pytest.mark.parametrize("key", [None, "", "nope", "é", "\udcff"])
def test_what_is_no_key_opens_nothing(keys: Keys, key: str | None) -> None:
    """Whatever is sent in its place."""
    assert keys.access(key, "audit") is Access.NONE


def test_keys_outlive_the_host(keys: Keys, tmp_path: Path) -> None:
    """The file has them all, new ones and those that were set."""
    keys.make(["publish"])
    assert keys.set(keys.function_keys("publish"), "mine", "a value")
    assert not keys.set(keys.function_keys("publish"), "mine", "another")

    again = Keys(tmp_path / "keys" / "keys.json")

    assert again.master == keys.master
    assert again.host_keys() == keys.host_keys()
    assert again.access("another", "publish") is Access.FUNCTION


def test_a_key_without_a_value_gets_one(keys: Keys) -> None:
    """Long enough that nobody guesses it."""
    keys.set(keys.host_keys(), "other", None)

    assert len(keys.host_keys()["other"]) > 40


@pytest.mark.parametrize("text", ["", "[]", '{"host": 5}'])
def test_a_damaged_file_is_an_error(tmp_path: Path, text: str) -> None:
    """Keys that somebody relies on are never replaced in silence."""
    file = tmp_path / "keys.json"
    file.write_text(text)

    with pytest.raises(BadKeyFile, match="delete it"):
        Keys(file)
