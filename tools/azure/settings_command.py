"""`python3 dev.py settings`: local.settings.json for the deployed namespace, or not."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from functions_host import relaxed_json
from tools.azure import local_settings, outputs
from tools.azure.local_settings import Change
from tools.azure.outputs import Outputs
from tools.stack import options
from tools.stack.settings import settings_file
from tools.terminal import ROOT, CannotGoOn, exit_code, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Change the file as asked; return 0, or 1 when that could not be done."""
    given = _options().parse_args(arguments)
    file: Path = given.app.absolute() / settings_file.FILE
    try:
        found = {} if given.local else _outputs(given)
        made = settings_file.make_if_missing(file.parent)
        if made:
            say(made)
        values = settings_file.read(file)
        example = settings_file.read(ROOT / settings_file.EXAMPLE)
        if given.local:
            changes = list(local_settings.from_example(values, example))
        else:
            changes = list(local_settings.from_azure(values, found))
        if changes and not given.dry_run:
            write(file, local_settings.apply(values, changes))
    except (CannotGoOn, OSError) as error:
        say(f"dev.py settings: {error}")
        return 1
    report(file, changes, found, dry_run=given.dry_run)
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py settings",
        description="Change local.settings.json so that the app on this machine uses the "
        "deployed namespace and storage with your own identity, or the local stack "
        "again. Other settings stay as they are, and no secret is ever written.",
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--from-azure",
        action="store_true",
        help="take the outputs of the deployment: those of azd, unless named otherwise",
    )
    way.add_argument(
        "--local", action="store_true", help="take the local stack's, from the example"
    )
    parser.add_argument(
        "--deployment", metavar="NAME", help="a deployment that az made, not azd"
    )
    parser.add_argument(
        "--resource-group",
        metavar="RG",
        help="its resource group, when it was made with `az deployment group create`",
    )
    parser.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help="what `az deployment ... show` or `azd env get-values` printed",
    )
    options.declare_app(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would change"
    )
    return parser


def _outputs(given: argparse.Namespace) -> Outputs:
    if given.outputs:
        return outputs.of_file(given.outputs)
    if given.deployment:
        return outputs.of_az(given.deployment, given.resource_group)
    return outputs.of_azd()


def write(file: Path, values: Mapping[str, str]) -> None:
    """Replace the values of the file at once, and leave all else in it but comments."""
    raw = file.read_bytes()
    content = relaxed_json.decode(raw)
    try:
        json.loads(raw)
    except ValueError:
        say(f"{file} is rewritten: comments in it are lost.")
    name = next((key for key in content if key.lower() == "values"), "Values")
    content[name] = dict(values)
    half = file.with_suffix(".new")
    half.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    half.replace(file)


def report(file: Path, changes: list[Change], found: Outputs, *, dry_run: bool) -> None:
    """Say what changed, and what a person has to do besides."""
    if not changes:
        say(f"{file} says so already: nothing changed.")
        return
    say(f"{'Would change' if dry_run else 'Changed'} {file}:")
    for change in changes:
        say(f"  {change}")
    if not found:
        return
    group = found.get("AZURE_RESOURCE_GROUP", "<group>")
    app = found.get("AZURE_FUNCTION_NAME", "<app>")
    named = f"--name {app} --resource-group {group}"
    say(
        "Sign in with `az login`; you need the roles of docs/settings.md yourself.\n"
        "The deployed app drains the same event subscriptions: stop it to see every event "
        f"here (`az functionapp stop {named}`), and start it again afterwards.\n"
        "Back to the local stack: `python3 dev.py settings --local`"
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
