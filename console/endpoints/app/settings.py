"""Every setting with its value, and what the app is made of; without a runtime, too."""

import os
import platform
import re
from collections.abc import Mapping
from importlib import metadata
from itertools import chain
from math import inf

import msgspec

import moderation
from console.endpoints.app.topology import EventSubscriptionView, event_subscriptions
from eventgrid_pull.events.cloudevents import Problem
from moderation import settings, timers, topology
from moderation.checks.host_json import HostJsonInvalid, function_timeout
from moderation.runtime import handled
from moderation.settings import SETTINGS, Settings, SettingsInvalid
from moderation.topology import Topology

PACKAGES = (
    "azure-functions",
    "azure-eventgrid",
    "azure-storage-blob",
    "azure-identity",
    "aiohttp",
    "msgspec",
)
LONGEST = 500
# What people paste into a setting that is not meant for it.
_KEYS = re.compile(r"(?i)(accountkey|sharedaccess\w*|sig)\s*=|[a-z0-9+/]{64}")
_USER = re.compile(r"(?<=://)[^/]*@")


class SettingView(msgspec.Struct, frozen=True, kw_only=True):
    """One setting: `value` is null where it is not set, or secret.

    `problem` says what is wrong with it, null when nothing is.
    """

    name: str
    value: str | None
    set: bool
    secret: bool
    default: str | None
    unit: str | None
    what: str
    problem: str | None


class Host(msgspec.Struct, frozen=True, rename="camel"):
    """Where the app runs, as far as the platform says it.

    `function_timeout_seconds` is null where there is no limit, or none that can be read:
    `function_timeout_problem` says what is wrong then.
    """

    name: str | None
    environment: str | None
    functions: str | None
    function_timeout_seconds: float | None
    function_timeout_problem: str | None


class SettingsView(msgspec.Struct, frozen=True):
    """All settings, whether they are `valid`, versions, host, and the topology's limits.

    `payloads` says whether events' data is shown; null when that is not known.
    """

    valid: bool
    settings: list[SettingView]
    versions: dict[str, str]
    host: Host
    limits: list[EventSubscriptionView]
    payloads: str | None


async def show_settings() -> SettingsView:
    """Show every setting, what it is for, and what is wrong with it; no secrets."""
    return describe(os.environ, topology.load())


def describe(environ: Mapping[str, str], declared: Topology) -> SettingsView:
    """Return the settings in environment variables, and what goes with them."""
    names, handlers = declared.names, handled()
    strays = [
        stray
        for stray in timers.strays(names, environ, handlers)
        if stray.path in environ
    ]
    drained = timers.of(names, environ, handlers)
    problems = [*chain.from_iterable(timer.problems for timer in drained), *strays]
    payloads: str | None = None
    try:
        payloads = Settings.from_environ(environ, topic=declared.topic).payloads
    except SettingsInvalid as error:
        problems += error.problems
    known = [
        *SETTINGS,
        *chain.from_iterable(map(timers.settings, names)),
        *(settings.Setting(stray.path, "has no effect") for stray in strays),
    ]
    return SettingsView(
        valid=not problems,
        settings=[_setting(setting, environ, declared, problems) for setting in known],
        versions=_versions(),
        host=_host(environ),
        limits=event_subscriptions(declared, environ),
        payloads=payloads,
    )


def _host(environ: Mapping[str, str]) -> Host:
    timeout, problem = inf, None
    try:
        timeout = function_timeout(environ)
    except HostJsonInvalid as error:
        problem = f"{error.where} {error}"
    return Host(
        name=environ.get("WEBSITE_HOSTNAME"),
        environment=environ.get("AZURE_FUNCTIONS_ENVIRONMENT"),
        functions=environ.get("FUNCTIONS_EXTENSION_VERSION"),
        function_timeout_seconds=None if timeout == inf else timeout,
        function_timeout_problem=problem,
    )


def _setting(
    known: settings.Setting,
    environ: Mapping[str, str],
    declared: Topology,
    problems: list[Problem],
) -> SettingView:
    name = settings.spelled(known.name, environ)
    value = environ.get(name, "").strip()
    default = known.default
    if known.name == "EVENTGRID_TOPIC_NAME":
        default = declared.topic
    wrong = [problem.problem for problem in problems if problem.path == name]
    return SettingView(
        name=name,
        value=_harmless(value) if value and not known.secret else None,
        set=bool(value),
        secret=known.secret,
        default=default or None,
        unit=known.unit or None,
        what=known.what,
        problem="; ".join(wrong) or None,
    )


def _harmless(value: str) -> str:
    """Return the value without what may be a key that someone put into it."""
    if _KEYS.search(value):
        return "(hidden: it seems to hold a key)"
    return _USER.sub("…@", value)[:LONGEST]


def _versions() -> dict[str, str]:
    versions = {"app": moderation.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # part of the host's own worker
            versions[name] = "unknown"
    return versions
