"""What it costs to publish events by the hundred, against the SDK's `send`."""

from tools.bench.contenders.contender import Place
from tools.bench.contenders.workers import cpu_per_event, in_turns, workers
from tools.bench.load.servers import KEY, TOPIC, running_emulator
from tools.bench.report import Report, compare
from tools.bench.sizes import Size

# Nobody publishes this, so the emulator need not keep what it takes.
NOBODY = {"sub-nobody": ["com.contoso.ai.NeverPublished"]}


async def run(size: Size) -> Report:
    """Measure CPU per event, in turns on one emulator."""
    async with running_emulator(NOBODY) as server:
        place = Place(server.endpoint, TOPIC, KEY)
        places = dict.fromkeys(("publish", "sdk-publish"), place)
        async with workers(places) as contenders:
            took = await in_turns(contenders, rounds=size.rounds, events=size.events)
    row = compare(
        *("publish", "batches of 100", cpu_per_event(took["publish"]), "µs"),
        against="SDK send",
        theirs=cpu_per_event(took["sdk-publish"]),
        target=1 / 4,
    )
    return Report([row], took)
