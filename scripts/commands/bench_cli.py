"""`kairos bench`: measurements, each a table with machine and commit."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from
from scripts.commands.options import Json

app = typer.Typer(
    help="Measure: each prints its table with machine and commit.", no_args_is_help=True
)
Sessions = Annotated[int, typer.Option(min=1, max=200_000, help="Past sessions.")]
Items = Annotated[int, typer.Option(min=1_000, max=1_000_000, help="Items.")]
Catalogue = Annotated[int, typer.Option(min=1, max=200_000, help="Catalogue size.")]


@app.command()
def latency(
    rate: Annotated[int, typer.Option(min=1, max=20_000, help="Events per second.")] = 500,
    seconds: Annotated[int, typer.Option(min=1, max=3_600, help="Measured, after warm-up.")] = 30,
    warm_up: Annotated[int, typer.Option(min=0, max=600, help="Seconds before.")] = 30,
    items: Catalogue = 10_000,
    json: Json = False,
) -> None:
    """Event to decision topic to store, from when an event was due to be sent."""
    from scripts.bench.latency import bench

    bench(config_from(), rate, seconds, warm_up, items, json)


@app.command()
def api(
    rate: Annotated[int, typer.Option(min=1, max=5_000, help="Requests per second.")] = 200,
    seconds: Annotated[int, typer.Option(min=2, max=3_600, help="Measured, after warm-up.")] = 60,
    warm_up: Annotated[int, typer.Option(min=0, max=600, help="Seconds before.")] = 30,
    items: Catalogue = 10_000,
    kill_engine: Annotated[
        bool, typer.Option("--kill-engine", help="Kill the engine halfway.")
    ] = False,
    rerank: Annotated[
        int, typer.Option(min=0, max=1_000, help="Measure the rerank of so many items instead.")
    ] = 0,
    json: Json = False,
) -> None:
    """The Decision API from when a request was due to its answer: fresh path, store path, rungs."""
    from scripts.bench.api import Load, bench

    bench(config_from(), Load(rate, seconds, warm_up, items, kill_engine, rerank), json)


@app.command()
def optout(
    rate: Annotated[int, typer.Option(min=1, max=20_000, help="Events per second.")] = 300,
    withdrawals: Annotated[
        int, typer.Option(min=1, max=1_000, help="People per second who withdraw their consent.")
    ] = 10,
    seconds: Annotated[int, typer.Option(min=1, max=3_600, help="Measured, after warm-up.")] = 30,
    warm_up: Annotated[int, typer.Option(min=0, max=600, help="Seconds before.")] = 30,
    items: Catalogue = 10_000,
    json: Json = False,
) -> int:
    """Withdrawal of consent to nothing personal in the store, a decision in flight each time.

    Exit code 1 where the p99 is above 100 ms, where something personal stayed or came back, or where a decision of before
    the withdrawal could be read after it was taken back.
    """
    from scripts.bench.optout import Load, bench

    return bench(config_from(), Load(rate, withdrawals, seconds, warm_up, items), json)


@app.command()
def flood(
    rate: Annotated[int, typer.Option(min=1, help="Requests per second of the others.")] = 20,
    seconds: Annotated[int, typer.Option(min=5, help="How long each part is measured.")] = 30,
    warm_up: Annotated[int, typer.Option(min=0, help="Seconds before that.")] = 15,
    items: Annotated[int, typer.Option(min=50, help="Items of the catalogue.")] = 1_000,
    json: Json = False,
) -> int:
    """Measure what 20 honest visitors wait for while one visitor floods the API, and without it.

    The flood: 20,000 events, 3,000 sessions and 1,000 streams from one address, which heeds no refusal. Exit code 1 where
    fewer than 95 % of the others' requests are fresh within 500 ms, or their p99 is above 1.5 times that without it.
    """
    from scripts.bench.flood import Load, bench

    return bench(config_from(), Load(rate, seconds, warm_up, items), json)


@app.command()
def throughput(
    events: Annotated[int, typer.Option(min=1_000, help="Events of the measured run.")] = 200_000,
    items: Catalogue = 10_000,
    against: Annotated[
        Path | None, typer.Option(help="Another checkout: both in turns, and their ratio.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, max=100, help="Turns of --against.")] = 5,
    json: Json = False,
) -> None:
    """Events per second of the job after warm-up, beside the same steps in a bare loop."""
    from scripts.bench.against import against as compare
    from scripts.bench.throughput import bench

    if against is not None:
        words = ("bench", "throughput", "--events", str(events), "--items", str(items))
        compare(words, against.absolute(), pairs, json)
        return
    bench(config_from(), events, items, json)


@app.command()
def budget(
    events: Annotated[int, typer.Option(min=1_000, help="Events of the loop.")] = 20_000,
    rate: Annotated[int, typer.Option(min=1, max=5_000, help="Events per second.")] = 200,
    seconds: Annotated[int, typer.Option(min=2, max=3_600, help="Measured, after warm-up.")] = 30,
    warm_up: Annotated[int, typer.Option(min=0, max=600, help="Seconds before.")] = 20,
    items: Catalogue = 10_000,
    json: Json = False,
) -> None:
    """What an event costs: microseconds by part of the steps, and cores by process of the engine."""
    from scripts.bench.budget import Load, bench

    bench(config_from(), Load(events, rate, seconds, warm_up, items), json)


@app.command()
def rank(
    warm_up: Annotated[int, typer.Option(min=0, help="Requests before, of each size.")] = 1_000,
    requests: Annotated[int, typer.Option(min=1, help="Measured requests of each size.")] = 5_000,
    items: Items = 100_000,
    sessions: Sessions = 200_000,
    json: Json = False,
) -> None:
    """Decoded event to decision, by the number of candidates; and memory per item and session."""
    from scripts.bench.made_knowledge import Load
    from scripts.bench.rank import bench

    bench(Load(warm_up, requests, items, sessions), json)


@app.command()
def decide(
    warm_up: Annotated[int, typer.Option(min=0, help="Decisions before, of each size.")] = 100,
    requests: Annotated[int, typer.Option(min=1, help="Measured decisions of each size.")] = 300,
    items: Items = 10_000,
    sessions: Sessions = 20_000,
    json: Json = False,
) -> None:
    """Decoded event to decision, by the number of actions and rules; where the time goes; trace sizes."""
    from scripts.bench.decide import bench
    from scripts.bench.made_knowledge import Load

    bench(Load(warm_up, requests, items, sessions), json)


@app.command()
def decode(
    events: Annotated[int, typer.Option(min=600, help="Records of each format.")] = 20_000,
    json: Json = False,
) -> None:
    """Record to event, by format: microseconds of one core, read alone and looked over; and what it takes to look up where an event came from.

    With a database of addresses (KAIROS_PLACES) they are looked up, too.
    """
    from scripts.bench.decode import bench

    bench(events, json, config_from().places)


@app.command()
def replay(
    events: Annotated[int, typer.Option(min=1_000, help="Events of the log.")] = 100_000,
    items: Catalogue = 10_000,
    task_managers: Annotated[
        list[int] | None,
        typer.Option(
            min=1, max=64,
            help="On a cluster of so many, which is started for it; several: one replay on each. "
            "Without it, embedded.",
        ),
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Events per second of a backfill after warm-up, with decisions on three in ten events."""
    from scripts.bench.replay import Bench, bench

    wanted = Bench(events, items, tuple(task_managers or ()))
    bench(config_from(), wanted, json)


@app.command()
def state(
    people: Annotated[
        list[int] | None,
        typer.Option(min=1, max=10_000_000, help="In state; several: one after the other."),
    ] = None,
    items: Catalogue = 10_000,
    sizes: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="The bytes of so many made-up people instead."),
    ] = None,
    json: Json = False,
) -> None:
    """What more people in state cost: events per second, memory, checkpoints.

    With --sizes no server is started: made-up people, from one visit to hundreds, are folded in this process, and what is kept of
    each at the end is counted, what sessions remember to tell repeats apart.
    """
    if sizes is not None:
        from scripts.bench import state_sizes

        state_sizes.bench(config_from(), sizes, items, json)
        return
    from scripts.bench.state import bench

    bench(config_from(), people or (1_000, 10_000, 100_000), items, json)


@app.command()
def evaluate(
    events: Annotated[int, typer.Option(min=10_000, help="Events of the log.")] = 1_000_000,
    items: Annotated[int, typer.Option(min=10, max=1_000_000, help="Items in it.")] = 43_000,
    sessions: Annotated[int, typer.Option(min=100, help="Sessions in it.")] = 190_000,
    json: Json = False,
) -> None:
    """Time and memory of training and evaluating on a made-up log."""
    from scripts.bench.click_log import Size
    from scripts.bench.evaluate import bench

    bench(config_from(), Size(events, items, sessions), json)
