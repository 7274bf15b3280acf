"""What is public is written down, and is all there."""

import importlib
import json
import re
from inspect import signature
from pathlib import Path

import eventgrid_pull
from eventgrid_pull import EventGridPull

ROOT = Path(__file__).parents[2]
README = (ROOT / "eventgrid_pull" / "README.md").read_text("utf-8")
PUBLIC = set(re.findall(r"`([\w.]+)`", README.partition("## Public names")[2]))


def test_the_readme_names_what_is_public() -> None:
    """No name more, none less; each is there."""
    names = {name for name in PUBLIC if not name.startswith("eventgrid_pull")}

    assert names - {"blob"} == set(eventgrid_pull.__all__)
    for name in eventgrid_pull.__all__:
        assert getattr(eventgrid_pull, name) is not None


def test_each_public_module_is_one() -> None:
    """It can be imported by the name that is written down."""
    modules = {name for name in PUBLIC if name.startswith("eventgrid_pull.")}

    assert modules
    for name in modules:
        assert importlib.import_module(name).__doc__


def test_the_readme_names_every_argument_of_a_declaration() -> None:
    """And the roles by the ids that the deployment of the app uses."""
    arguments = set(signature(EventGridPull.subscription).parameters)
    roles = json.loads((ROOT / "infra" / "roles.json").read_text("utf-8"))

    assert {name for name in arguments if f"`{name}`" not in README} == {
        "self",
        "subscription",
    }
    assert roles["EventGrid Data Receiver"] in README
    assert roles["EventGrid Data Sender"] in README
