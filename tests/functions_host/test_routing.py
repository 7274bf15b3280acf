"""Routes are matched in alphabetical order of function name, by template and method."""

from typing import Any

import pytest

from functions_host.functions import AuthLevel, Function, HttpTrigger, TimerTrigger
from functions_host.http import templates
from functions_host.http.router import Router
from functions_host.http.templates import BadTemplate


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/b", "A/B", {}),
        ("a/b", "a/b/", {}),
        ("a/b", "a/b/c", None),
        ("a/b", "a//b", None),
        ("{x}", "", None),
        ("{x?}", "", {}),
        ("{x=5}", "", {"x": "5"}),
        ("{*x}", "", {}),
        ("{*x}", "a/b/", {"x": "a/b/"}),
        ("{*x}", "/a", None),
        ("{**x}", "a//b", {"x": "a//b"}),
        ("a/{*x}", "a", {}),
        ("a/{*x}", "ab", None),
        ("v{n:int}.{kind}", "v1.2.txt", None),
        ("v{n}.{kind}", "v1.2.txt", {"n": "1.2", "kind": "txt"}),
        ("{x:int}", "-5", {"x": "-5"}),
        ("{x:int}", "2147483648", None),
        ("{x:int}", "1" * 5000, None),
        ("{x:long}", "2147483648", {"x": "2147483648"}),
        ("{x:bool}", "True", {"x": "True"}),
        ("{x:alpha}", "ab1", None),
        ("{x:guid}", "E0A1C2CB-A2AC-4C37-8454-278C5CD240FB", ...),
        ("{x:length(3)}", "abc", ...),
        ("{x:length(1,2)}", "abc", None),
        ("{x:minlength(4)}", "abc", None),
        ("{x:maxlength(3)}", "abc", ...),
        ("{x:min(3)}", "2", None),
        ("{x:max(3)}", "3", ...),
        ("{x:range(3,5)}", "6", None),
        ("{x:range(3,5)}", "x", None),
        ("{x:int:min(3)}", "3", ...),
        ("{x:regex(^a{{2}}$)}", "aa", ...),
        ("{x:regex(^a{{2}}$)}", "a", None),
        ("a{{b}}", "a{b}", {}),
        ("{x:regex(^a+$)}", "aa", ...),
        ("{x:decimal}", "1.5", ...),
        ("{x:required}", "1.5", ...),
    ],
)
def test_a_template_takes_its_own_paths(template: str, path: str, values: Any) -> None:
    """Optional parts, catch-alls and constraints as in ASP.NET; `...` is the path itself."""
    expected = {"x": path} if values is ... else values

    assert templates.compile_template(template).match(path) == expected


@pytest.mark.parametrize(
    "template",
    [
        *("{", "a{b", "{x}/{x}", "{x:nothing}", "{x:min(a)}", "{x:min}"),
        *("{x:minlength(a)}", "{x:maxlength}", "{x:length(a)}", "{x:length(1,2,3)}"),
        "{x:regex([)}",
    ],
)
def test_a_template_that_is_none_is_named(template: str) -> None:
    """The function's author is told which route is meant."""
    with pytest.raises(BadTemplate, match="route"):
        templates.compile_template(template)


def http(name: str, route: str, *methods: str) -> Function:
    """Return an HTTP function."""
    return Function(name, name, HttpTrigger("req", route, methods, AuthLevel.ANONYMOUS))


def found(router: Router, method: str, path: str) -> str | None:
    """Return the name of the function that takes the request."""
    taken = router.find(method, path)
    return taken[0].function.name if taken else None


def test_the_first_name_in_the_alphabet_takes_the_request() -> None:
    """However the app orders them."""
    router = Router(
        [http("web", "{*path}"), http("Api", "x"), http("b", "x")], "api", {}
    )

    assert found(router, "GET", "/api/x") == "Api"
    assert found(router, "GET", "/api/y") == "web"


def test_a_wrong_method_falls_through() -> None:
    """To a later route if one takes it, else to nobody."""
    router = Router([http("a", "x", "POST"), http("b", "{*rest}", "GET")], "api", {})

    assert found(router, "POST", "/api/x") == "a"
    assert found(router, "GET", "/api/x") == "b"
    assert found(router, "PUT", "/api/x") is None


@pytest.mark.parametrize(
    ("prefix", "path", "taken"),
    [
        ("api", "/api/x", True),
        ("/API/", "/api/x", True),
        ("api", "/apix", False),
        ("api", "/x", False),
        ("", "/x", True),
        ("a/b", "/a/b/x", True),
    ],
)
def test_a_route_is_below_the_prefix(prefix: str, path: str, taken: bool) -> None:
    """Whatever prefix host.json names."""
    assert (found(Router([http("f", "x")], prefix, {}), "GET", path) == "f") is taken


def test_what_cannot_be_served_hides_nothing() -> None:
    """A bad route is its own function's error, a disabled function and a timer have none."""
    timer = TimerTrigger("timer", "", use_monitor=True, run_on_startup=False)
    functions = [
        http("a", "{x:nothing}"),
        http("b", "{*x}"),
        http("c", "c"),
        Function("t", "t", timer),
    ]
    router = Router(functions, "", {"AzureWebJobs.b.Disabled": "True"})

    assert list(router.errors) == ["a"]
    assert found(router, "GET", "/c") == "c"
