"""What is asked of Log Analytics."""

import re

from tools.azure.deployment import Json

DRAINS = """
AppRequests
| where TimeGenerated > ago(1d) and AppRoleName =~ '{app}' and Name startswith 'pull_'
| summarize lastRun = max(TimeGenerated), lastSuccess = maxif(TimeGenerated, Success)
    by Name
"""
# Whatever the host logs when the app does not load: the app's own sentence first.
FAILURE = """
union isfuzzy=true
    (AppExceptions | extend Said = strcat(OuterMessage, ' ', InnermostMessage)),
    (AppTraces | where SeverityLevel >= 3 | extend Said = Message)
| where TimeGenerated > ago(1d) and AppRoleName =~ '{app}'
| extend Ours = Said has 'WrongPython'
| order by Ours desc, TimeGenerated desc
| take 1
| project Said
"""
# What a worker says of an exception: its type and text in one line of several.
EXCEPTION = re.compile(r"^Exception: *(.+)$", re.MULTILINE)
LONGEST = 400


def sentence(answer: Json) -> str:
    """Return what FAILURE found, as one line: the exception, where a worker names one."""
    rows = answer["tables"][0]["rows"]
    text = str(rows[0][0]).strip() if rows else ""
    exception = EXCEPTION.search(text)
    return (exception[1] if exception else text.partition("\n")[0])[:LONGEST]
