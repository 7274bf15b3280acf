"""What `tools.azure` assumes about the app is so."""

from moderation.settings import SETTINGS
from tools.azure.collect import without_secrets
from tools.azure.deployment import HIDDEN


def test_no_secret_is_among_the_compared_settings() -> None:
    """What --save writes can be shown to others."""
    names = [setting.name for setting in SETTINGS]

    kept = without_secrets(dict.fromkeys([*names, "PULL_ANY_LANES", "OTHER"], "value"))

    hidden = {name for name, value in kept.items() if value == HIDDEN}
    assert hidden == {"EVENTGRID_KEY", "AUDIT_STORAGE_CONNECTION_STRING", "OTHER"}
