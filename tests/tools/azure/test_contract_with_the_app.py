"""What `tools.azure` assumes about the app is so."""

import re

from moderation.settings import SETTINGS
from tools.azure.checks import roles
from tools.azure.collect import HIDDEN, without_secrets

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_no_secret_is_among_the_compared_settings() -> None:
    """What --save writes can be shown to others."""
    names = [setting.name for setting in SETTINGS]

    kept = without_secrets(dict.fromkeys([*names, "PULL_ANY_LANES", "OTHER"], "value"))

    hidden = {name for name, value in kept.items() if value == HIDDEN}
    assert hidden == {"EVENTGRID_KEY", "AUDIT_STORAGE_CONNECTION_STRING", "OTHER"}


def test_role_ids_are_ids() -> None:
    """A mistyped id would make every deployment look broken."""
    assert all(re.fullmatch(GUID, role_id) for role_id in roles.IDS.values())
    assert len(set(roles.IDS.values())) == len(roles.IDS)
