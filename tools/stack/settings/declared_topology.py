"""The topology file of a run: one for the emulator and the app alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from eventgrid_emulator.topology import topology
from eventgrid_emulator.topology.checks import TopologyError
from moderation.topology import SETTING
from tools.terminal import ROOT, CannotGoOn

NAME = "topology.json"
OWN = Path("moderation", NAME)


class Chosen(NamedTuple):
    """The file, its topic, and what has the app read that file, too."""

    file: Path
    topic: str
    settings: dict[str, str]


def choose(app: Path, given: Path | None, settings: Mapping[str, str]) -> Chosen:
    """Return the file given, that of the settings, or the one in the app's folder.

    Raises CannotGoOn when it is no topology.
    """
    if given is None and settings.get(SETTING, "").strip():
        given = app / settings[SETTING].strip()
    places = (app / NAME, app / OWN, ROOT / OWN)
    file = given or next((file for file in places if file.exists()), ROOT / OWN)
    try:
        topic = topology.load(file).topics[0].name
    except TopologyError as error:
        raise CannotGoOn(str(error)) from error
    own = {} if file == app / OWN else {SETTING: str(file.absolute())}
    return Chosen(file, topic, own)
