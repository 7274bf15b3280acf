"""Easy Auth: whether people can sign in, and whether switched off is off."""

from collections.abc import Iterator

from tools.azure.checks.resources import DEPLOY
from tools.azure.deployment import Deployment, dig
from tools.azure.finding import Finding, Level

# Signing in with the app's identity: the setting has its client id instead of a secret.
SECRETLESS = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
BY_HAND = "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET"
WHERE = "sign-in"
RECIPE = "set AUTH_CLIENT_ID as infra/README.md says, and deploy again"


def is_on(actual: Deployment) -> bool:
    """Return whether App Service signs people in, as far as Azure answered."""
    return dig(actual.auth, "properties", "platform", "enabled") is True


def client_id(actual: Deployment) -> str:
    """Return the client id of the app registration of those who sign in, or ''."""
    return str(dig(actual.auth, *_registration("clientId")) or "")


def check(actual: Deployment) -> Iterator[Finding]:
    """Yield what keeps people from signing in, or is left of a sign-in that is off."""
    if actual.site is None or not actual.was_answered("auth", "settings"):
        return
    if not is_on(actual):
        for name in (SECRETLESS, BY_HAND):
            if name in actual.settings:
                yield Finding(
                    f"setting {name}",
                    "is left of a sign-in that is off: keys decide who may do what",
                    f"{RECIPE}; or delete the setting",
                    Level.LOOK,
                )
        return
    yield from _registered(actual)
    yield from _open(actual)


def _registration(name: str) -> tuple[str, ...]:
    provider = ("properties", "identityProviders", "azureActiveDirectory")
    return (*provider, "registration", name)


def _registered(actual: Deployment) -> Iterator[Finding]:
    if not client_id(actual):
        problem = (
            "is on and knows no app registration: nobody gets in, with a key neither"
        )
        yield Finding(WHERE, problem, RECIPE)
        return
    name = dig(actual.auth, *_registration("clientSecretSettingName"))
    if not name:
        yield Finding(WHERE, "has neither secret nor identity: it fails", RECIPE)
    elif name not in actual.settings:
        yield Finding(
            WHERE,
            f"rests on the setting {name}, which is not there: it fails. A deployment "
            "takes out what was set by hand",
            RECIPE,
        )
    elif name == SECRETLESS:
        yield from _identity(actual)


def _identity(actual: Deployment) -> Iterator[Finding]:
    users = dig(actual.site, "identity", "userAssignedIdentities") or {}
    value = actual.settings[SECRETLESS]
    if users and value not in {user.get("clientId") for user in users.values()}:
        problem = f"is {value}, and is no identity of the app: nobody can sign in"
        yield Finding(f"setting {SECRETLESS}", problem, DEPLOY)


def _open(actual: Deployment) -> Iterator[Finding]:
    """Yield what answers instead of the app, whose page says where to sign in."""
    rules = dig(actual.auth, "properties", "globalValidation") or {}
    action = rules.get("unauthenticatedClientAction")
    if rules.get("requireAuthentication") or action not in (None, "AllowAnonymous"):
        yield Finding(
            WHERE,
            f"answers in the app's place those who are not signed in ({action}): programs get a "
            "redirect instead of 401, and the page cannot say that a session ended",
            DEPLOY,
            Level.LOOK,
        )
