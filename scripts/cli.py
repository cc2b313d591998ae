"""The `kairos` command line: every command prints what it did and exits non-zero on failure."""

import logging
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

import typer

from jobs.config import PROJECT, SETTINGS, Config, config_from
from jobs.stack.private import close_to_others
from schemas.errors import ConfigError, UnusableInput
from scripts.commands.api_cli import api
from scripts.commands.archive_cli import Archive, archive, verify_archive
from scripts.commands.cluster_cli import add_cluster_commands
from scripts.commands.control_cli import app as control_app
from scripts.commands.key_cli import app as key_app
from scripts.commands.policy_cli import app as policy_app
from scripts.commands.replay_cli import app as replay_app
from scripts.commands.shop_cli import app as shop_app
from scripts.commands.try_cli import try_
from scripts.commands.verify_cli import verify_replay
from scripts.console import complain, say, show, show_json, show_table
from scripts.files.event_files import Format, events_of

EXIT_UNUSABLE: Final = 1
EXIT_REFUSED: Final = 2
EXIT_NOT_UP: Final = 3
START_S_MAX: Final = 300.0
POLL_S: Final = 0.1

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
Foreign = Literal["snowplow", "trivago", "trivago-items"]
Evaluable = Literal["rerank", "next_item"]

SETTINGS_HELP: Final = "Settings (environment): " + " · ".join(
    f"{one.name} ({one.meaning})" for one in SETTINGS
)
app = typer.Typer(
    name="kairos",
    help="Kairos decides the next best action, a few milliseconds after a person did something.",
    epilog=SETTINGS_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bench_app = typer.Typer(
    help="Measure: each prints its table with machine and commit.", no_args_is_help=True
)
app.add_typer(bench_app, name="bench")
model_app = typer.Typer(help="See, publish and take back models.", no_args_is_help=True)
app.add_typer(model_app, name="model")
app.add_typer(policy_app, name="policy")
app.add_typer(shop_app, name="shop")
app.command()(api)
app.add_typer(replay_app, name="replay")
add_cluster_commands(app)
app.add_typer(key_app, name="key")
app.add_typer(control_app, name="control")
verify_app = typer.Typer(
    help="Test what is promised on what has been logged; exit code 1 where it does not hold.",
    no_args_is_help=True,
)
app.add_typer(verify_app, name="verify")
verify_app.command("replay")(verify_replay)
verify_app.command("archive")(verify_archive)
app.command("archive")(archive)
app.command("try")(try_)


def main() -> NoReturn:
    """Runs the command line. A ConfigError is one message and exit code 2."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _raise_interrupt)
    _close_home()
    try:
        code = app(prog_name="kairos", standalone_mode=False)
    except ConfigError as error:
        complain(f"kairos: {error}")
        code = EXIT_UNUSABLE if isinstance(error, UnusableInput) else EXIT_REFUSED
    except KeyboardInterrupt:
        code = 130
    except typer.Exit as ended:
        code = ended.exit_code
    except (typer.Abort, Exception) as error:
        code = _usage_error(error)
    sys.stdout.flush()
    sys.exit(code if isinstance(code, int) else 0)


def _close_home() -> None:
    """A home of an earlier version was open to other users of the machine."""
    with suppress(ConfigError, OSError):  # the command that needs it says so
        home = config_from().home
        if home.is_dir():
            close_to_others(home)


def _usage_error(error: BaseException) -> int:
    """Prints a usage error as click does; anything else is a bug and goes on."""
    show_error = getattr(error, "show", None)
    if show_error is None:
        raise error
    show_error()
    return EXIT_REFUSED


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the bundled events.")] = False,
    json: Json = False,
) -> int:
    """Run everything on this machine and feed it 833 real events of a shop.

    Then it keeps running and takes events typed or piped in, one JSON object a line.
    """
    from scripts.demo.demo import demo as run

    return run(config_from(), once, json)


NoJobs = Annotated[
    bool, typer.Option("--no-jobs", help="Without the two Flink jobs: they run on a cluster.")
]


WithShop = Annotated[
    bool,
    typer.Option("--shop", help="With the demo shop's items and policy, as `kairos demo` has."),
]


@app.command()
def up(no_jobs: NoJobs = False, shop: WithShop = False) -> None:
    """Start the engine in the background; its data are under .kairos/."""
    from jobs.stack.state import is_alive, read_state

    config = config_from()
    before = read_state(config.home)
    if before is not None and is_alive(before.owner):
        raise ConfigError(f"already running, pid {before.owner.pid}: `kairos down` stops it")
    log = config.home / "logs" / "supervisor.log"
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "scripts", "supervise",
                *(["--no-jobs"] if no_jobs else []), *(["--shop"] if shop else []),
            ],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            cwd=PROJECT, start_new_session=True,
        )  # fmt: skip
    _wait_until_up(config, process, log)
    _show_status(config)


@app.command(hidden=True)
def supervise(no_jobs: NoJobs = False, shop: WithShop = False) -> None:
    """Hold the engine until SIGTERM, and start again what dies: what `kairos up` runs in the background."""
    from jobs.learning.trust import keys_of
    from scripts.demo.shop import publish_shop
    from scripts.ops.engine import Engine

    config = config_from()
    keys = keys_of(config)
    prepare = (
        partial(publish_shop, prefix=config.topic_prefix, say=say, keys=keys) if shop else None
    )
    with Engine(config, say, not no_jobs, has_api=True, prepare=prepare) as engine:
        engine.start()
        engine.await_learn()
        engine.await_api()
        say("UP")
        while True:
            engine.keep()
            time.sleep(POLL_S)


@app.command()
def down() -> None:
    """Stop what `kairos up` (or a demo) runs."""
    from jobs.stack.state import down as stop

    stopped = stop(config_from().home)
    show(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status(json: Json = False) -> int:
    """Say what is up, where it answers, and what ended by itself and why.

    What ended is started again. Exit code 3 where something is failing: it ended so often that it is tried only twice a minute.
    """
    from scripts.ops.status import ended_in_words, ways_in
    from scripts.ops.status import status as find

    found = find(config_from())
    if json:
        show_json(found)
    else:
        show_table(
            "", ("service", "state", "address", "since its start", "ended by itself"),
            [
                (
                    name, one["state"], one["address"] or "",
                    ", ".join(f"{count:,} {counted}" for counted, count in one.get("counts", {}).items()),
                    ended_in_words(one),
                )
                for name, one in found.items()
            ],
        )  # fmt: skip
        for line in ways_in(found):
            show(line)
    return EXIT_NOT_UP if any(one["state"] == "failing" for one in found.values()) else 0


@app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Files of events; a folder for Snowplow tables.")
    ],
    file_format: Annotated[Format, typer.Option("--format", help="Format of the file.")] = "kairos",
    app_id: Annotated[list[str] | None, typer.Option(help="Snowplow: only these apps.")] = None,
    items: Annotated[Path | None, typer.Option(help="A catalogue to publish first.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out lines of the catalogue that are no items.")
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Refuse what has a field that nobody reads (else it is said)."
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Put events of files into the log, in order of time over all of them; bad lines go to the dead letters.

    Reads JSON Lines, arrays and pretty JSON, plain or compressed by gzip or zstd. Exit code 1 where nothing, or
    less than half, could be used. An item without `effective_from_ms` holds from the earliest of these events if it
    is new, from now on if it is changed; one that is as it was writes nothing.
    """
    from scripts.commands import import_command

    def read(file: Path, at_ms: int, notices: Any) -> Any:
        return events_of(file, file_format, app_id, at_ms, notices, is_strict=strict)

    catalogue = import_command.Items(items, partial, strict) if items is not None else None
    is_json = file_format == "kairos"
    return import_command.run(config_from(), files, catalogue, json, read, is_json=is_json)


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A file of events; a folder for Snowplow tables.")],
    out: Annotated[Path, typer.Argument(help="JSON Lines to write.")],
    file_format: Annotated[Foreign, typer.Option("--format", help="Format of the file.")],
    app_id: Annotated[list[str] | None, typer.Option(help="Snowplow: only these apps.")] = None,
) -> None:
    """Write a file's events as JSON Lines, which import, train and evaluate read.

    `trivago-items`: only the items that were touched, as product views. Exit code 1 where nothing, or less than half,
    is an event: OUT stays as it was.
    """
    from scripts.commands import convert_command

    convert_command.convert(file, out, file_format, app_id)


@app.command()
def train(
    more: Annotated[list[Path] | None, typer.Argument(help="Further files of events.")] = None,
    events: Annotated[list[Path] | None, typer.Option(help="JSON Lines of events.")] = None,
    items: Annotated[Path | None, typer.Option(help="JSON Lines of the catalogue.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Train from the log, from here on.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="… to before here.")] = None,
    responses: Annotated[
        bool, typer.Option("--responses", help="Learn who clicks on which action, not a ranker.")
    ] = False,
    archive: Archive = None,
    publish: Annotated[bool, typer.Option("--publish", help="Make the model live.")] = False,
    json: Json = False,
) -> None:
    """Train a model by replay, from files or from the log."""
    from jobs.learning.model_roots import locate
    from jobs.learning.trust import roots_of, signer_of
    from jobs.publish import Log
    from schemas.signed_control import content_hash
    from scripts.ops.local_audit import audit_log_of, local_actor
    from scripts.ops.status import running_kafka
    from scripts.times import parse_time
    from scripts.training import response_training, training

    config = config_from()
    if events:
        source = training.from_files([*events, *(more or ())], items, config)
    else:
        times = [parse_time(text) if text else None for text in (from_, to)]
        source = training.from_log(running_kafka(config), config, times[0], times[1], archive)
    trainer = response_training if responses else training
    report, published = trainer.train_from(source, config)
    found = trainer.report_json(report)
    if publish:
        log = Log(running_kafka(config), config.topic_prefix, sign=signer_of(config))
        details = {"version": published.version, "uri": published.uri}
        with audit_log_of(config).recording(local_actor(), "model publish", details):
            locate("model", published.uri, roots_of(config))
            from_ms = trainer.announce(log, published)
            found["effective_from_ms"] = from_ms
            details["record"] = content_hash(trainer.control_of(published, from_ms))
    if json:
        show_json(found)
        return
    trainer.show_report(report)
    show(f"model {report.version} in {report.uri}" + (", published" if publish else ""))


@app.command()
def evaluate(
    more: Annotated[list[Path] | None, typer.Argument(help="Further files of events.")] = None,
    events: Annotated[list[Path] | None, typer.Option(help="JSON Lines of events.")] = None,
    items: Annotated[Path | None, typer.Option(help="JSON Lines of the catalogue.")] = None,
    train_before: Annotated[
        str | None, typer.Option(help="Sessions that begin before this time train, the rest test.")
    ] = None,
    placement: Annotated[Evaluable, typer.Option(help="What is decided.")] = "rerank",
    k: Annotated[int, typer.Option("-k", min=1, max=1_000, help="Places that count.")] = 20,
    save: Annotated[Path | None, typer.Option(help="Keep the ranks, for --compare.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Two files of --save: second less first.")
    ] = None,
    json: Json = False,
) -> None:
    """Train on what is before a time, then score every later decision against what came next."""
    from jobs.learning.evaluation_split import Setting
    from scripts.times import parse_time
    from scripts.training import evaluation

    if compare:
        found = evaluation.compare_files(*compare)
        (show_json if json else evaluation.show_comparison)(found)
        return
    if not events or train_before is None:
        raise ConfigError("evaluate needs --events and --train-before, or --compare with two files")
    config = config_from()
    setting = Setting(placement, parse_time(train_before), k, config.seed)
    found = evaluation.evaluate_files([*events, *(more or ())], items, setting, config, save)
    (show_json if json else evaluation.show_report)(found)


@app.command()
def explain(
    decision_id: Annotated[str, typer.Argument(help="As the demo prints it.")], json: Json = False
) -> None:
    """Show how a decision came about: candidates, features, contributions, verdicts, versions."""
    from jobs.learning.trust import trust_of
    from scripts.audit import explained_view, explanation
    from scripts.ops.status import running_kafka, stored_at_ms

    config = config_from()
    explained = explanation.find(
        running_kafka(config), config.topic_prefix, decision_id, trust_of(config)
    )
    if json:
        show_json(explanation.explained_json(explained))
    else:
        explained_view.show_explained(explained, stored_at_ms(config, explained.decision))


@app.command("why-not")
def why_not(
    person: Annotated[str, typer.Argument(help="A person, or an anonymous id.")],
    action: Annotated[str, typer.Argument(help="The id of an action of the policy.")],
    at: Annotated[
        str | None, typer.Option("--at", help="As of then (epoch ms or ISO 8601); without it, now.")
    ] = None,
    json: Json = False,
) -> None:
    """Say why a person did not get an action: the rule, and what it saw."""
    from scripts.audit import why_not as module
    from scripts.ops.status import running_kafka
    from scripts.times import parse_time

    config = config_from()
    at_ms = parse_time(at) if at else None
    found = module.why_not(running_kafka(config), config.topic_prefix, person, action, at_ms)
    if json:
        show_json(module.why_not_json(found))
    else:
        show(found.sentence)


At = Annotated[str | None, typer.Option("--at", help="From when on; without it, in 2 seconds.")]


@model_app.command("list")
def model_list(json: Json = False) -> None:
    """Show the models of this home, their figures, and which of them decides."""
    from jobs.learning.trust import keys_of
    from scripts.commands import models_cli
    from scripts.ops.status import running_kafka

    config = config_from()
    models = models_cli.announced(running_kafka(config), config.topic_prefix, keys_of(config))
    rows = models_cli.listed_json(config, models)
    (show_json if json else models_cli.show_listed)(rows)


@model_app.command("publish")
def model_publish(
    model: Annotated[str, typer.Argument(help="A version, as `model list` shows it, or a file.")],
    at: At = None,
    json: Json = False,
) -> None:
    """Put a model in force: it decides events from then on."""
    from scripts.commands import models_cli
    from scripts.times import parse_time

    at_ms = parse_time(at) if at else None
    config = config_from()
    published = models_cli.find_artefact(model, config)
    _change_model(config, published, at_ms, json)


@model_app.command("rollback")
def model_rollback(at: At = None, json: Json = False) -> None:
    """Put the model in force again that was before the present one; done twice, it is undone."""
    from scripts.times import parse_time

    _change_model(config_from(), None, parse_time(at) if at else None, json)


def _change_model(config: Config, published: Any, at_ms: int | None, json: bool) -> None:
    """Announces a model; None: the one before."""
    from jobs.learning.artefact_check import artefacts_of
    from jobs.learning.trust import keys_of, signer_of
    from jobs.publish import Log, now_ms
    from scripts.commands import models_cli
    from scripts.ops.audited_change import Audited, change_model
    from scripts.ops.local_audit import audit_log_of, local_actor
    from scripts.ops.status import running_kafka

    kafka = running_kafka(config)
    models = models_cli.announced(kafka, config.topic_prefix, keys_of(config))
    audited = Audited(audit_log_of(config), local_actor(), "publish" if published else "rollback")
    published = published or models_cli.previous(models, now_ms(), artefacts_of(config))
    log = Log(kafka, config.topic_prefix, sign=signer_of(config))
    change = change_model(audited, log, models, published, at_ms)
    show_json(change._asdict()) if json else models_cli.show_change(change)


@verify_app.command("skew")
def verify_skew(
    from_: Annotated[str | None, typer.Option("--from", help="Decisions from here on.")] = None,
    to: Annotated[str | None, typer.Option(help="… to before here.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, sampled.")] = None,
    archive: Archive = None,
    json: Json = False,
) -> int:
    """Compute every logged feature vector again from the log, and compare bit by bit.

    The log is replayed from its beginning: a decision rests on all that was before it.
    """
    from scripts.audit import skew_view, verify_skew
    from scripts.ops.status import running_kafka
    from scripts.times import parse_time

    config = config_from()
    times = [parse_time(text) if text else None for text in (from_, to)]
    skew = verify_skew.verify(running_kafka(config), config, times[0], times[1], limit, archive)
    show_json(skew_view.skew_json(skew)) if json else skew_view.show_skew(skew)
    return 0 if skew.is_none else 1


@app.command()
def features(
    write: Annotated[bool, typer.Option("--write", help="Write docs/features.md.")] = False,
) -> None:
    """Print the table of features: name, entity, purpose, meaning."""
    from scripts.training import feature_docs

    if write:
        show(f"written to {feature_docs.write()}")
    else:
        show(feature_docs.page().rstrip())


@app.command()
def accepts(
    write: Annotated[bool, typer.Option("--write", help="Write docs/what-we-accept.md.")] = False,
) -> None:
    """Print what comes in: names, times, ids, encodings, bounds, and what happens beyond each."""
    from scripts.training import input_docs

    if write:
        show(f"written to {input_docs.write()}")
    else:
        show(input_docs.page().rstrip())


@app.command()
def doctor(json: Json = False) -> int:
    """Name what is missing on this machine, and how to get it."""
    from jobs.stack.doctor import checks

    found = checks(config_from())
    if json:
        show_json([check._asdict() for check in found])
    else:
        rows = [
            ("ok" if one.is_ok else "MISSING", one.name, one.found, "" if one.is_ok else one.remedy)
            for one in found
        ]
        show_table("", ("", "check", "found", "remedy"), rows)
    return 0 if all(check.is_ok for check in found) else 1


@bench_app.command("latency")
def bench_latency(
    rate: Annotated[int, typer.Option(min=1, max=20_000, help="Events per second.")] = 500,
    seconds: Annotated[int, typer.Option(min=1, max=3_600, help="Measured, after warm-up.")] = 30,
    warm_up: Annotated[int, typer.Option(min=0, max=600, help="Seconds before.")] = 30,
    items: Annotated[int, typer.Option(min=1, max=200_000, help="Catalogue size.")] = 10_000,
    json: Json = False,
) -> None:
    """Event to decision topic to store, from when an event was due to be sent."""
    from scripts.bench.latency import bench

    bench(config_from(), rate, seconds, warm_up, items, json)


@bench_app.command("api")
def bench_api(
    rate: Annotated[int, typer.Option(min=1, max=5_000, help="Requests per second.")] = 200,
    seconds: Annotated[int, typer.Option(min=2, max=3_600, help="Measured, after warm-up.")] = 60,
    warm_up: Annotated[int, typer.Option(min=0, max=600, help="Seconds before.")] = 30,
    items: Annotated[int, typer.Option(min=1, max=200_000, help="Catalogue size.")] = 10_000,
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


@bench_app.command("flood")
def bench_flood(
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


@bench_app.command("throughput")
def bench_throughput(
    events: Annotated[int, typer.Option(min=1_000, help="Events of the measured run.")] = 200_000,
    items: Annotated[int, typer.Option(min=1, max=200_000, help="Catalogue size.")] = 10_000,
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


@bench_app.command("rank")
def bench_rank(
    warm_up: Annotated[int, typer.Option(min=0, help="Requests before, of each size.")] = 1_000,
    requests: Annotated[int, typer.Option(min=1, help="Measured requests of each size.")] = 5_000,
    items: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="Items.")] = 100_000,
    sessions: Annotated[int, typer.Option(min=1, max=200_000, help="Past sessions.")] = 200_000,
    json: Json = False,
) -> None:
    """Decoded event to decision, by the number of candidates; and memory per item and session."""
    from scripts.bench.rank import Load, bench

    bench(Load(warm_up, requests, items, sessions), json)


@bench_app.command("decide")
def bench_decide(
    warm_up: Annotated[int, typer.Option(min=0, help="Decisions before, of each size.")] = 100,
    requests: Annotated[int, typer.Option(min=1, help="Measured decisions of each size.")] = 300,
    items: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="Items.")] = 10_000,
    sessions: Annotated[int, typer.Option(min=1, max=200_000, help="Past sessions.")] = 20_000,
    json: Json = False,
) -> None:
    """Decoded event to decision, by the number of actions and rules; where the time goes; trace sizes."""
    from scripts.bench.decide import bench
    from scripts.bench.rank import Load

    bench(Load(warm_up, requests, items, sessions), json)


@bench_app.command("replay")
def bench_replay(
    events: Annotated[int, typer.Option(min=1_000, help="Events of the log.")] = 100_000,
    items: Annotated[int, typer.Option(min=1, max=200_000, help="Catalogue size.")] = 10_000,
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


@bench_app.command("state")
def bench_state(
    people: Annotated[
        list[int] | None,
        typer.Option(min=1, max=10_000_000, help="In state; several: one after the other."),
    ] = None,
    items: Annotated[int, typer.Option(min=1, max=200_000, help="Catalogue size.")] = 10_000,
    json: Json = False,
) -> None:
    """What more people in state cost: events per second, memory, checkpoints."""
    from scripts.bench.state import bench

    bench(config_from(), people or (1_000, 10_000, 100_000), items, json)


@bench_app.command("evaluate")
def bench_evaluate(
    events: Annotated[int, typer.Option(min=10_000, help="Events of the log.")] = 1_000_000,
    items: Annotated[int, typer.Option(min=10, max=1_000_000, help="Items in it.")] = 43_000,
    sessions: Annotated[int, typer.Option(min=100, help="Sessions in it.")] = 190_000,
    json: Json = False,
) -> None:
    """Time and memory of training and evaluating on a made-up log."""
    from scripts.bench.click_log import Size
    from scripts.bench.evaluate import bench

    bench(config_from(), Size(events, items, sessions), json)


def _wait_until_up(config: Config, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Shows the supervisor's progress until all is up; raises ConfigError with its last line."""
    deadline_s = time.monotonic() + START_S_MAX
    shown = 0
    while True:
        lines = log.read_text(errors="replace").splitlines()
        is_ended = process.poll() is not None
        for line in lines[shown:]:
            if line == "UP":
                return
            if not (is_ended and line == lines[-1]):
                say(line)
        shown = len(lines)
        if is_ended:
            raise ConfigError(
                (lines[-1] if lines else f"it ended; see {log}").removeprefix("kairos: ")
            )
        if time.monotonic() > deadline_s:
            process.terminate()
            raise ConfigError(f"not up after {START_S_MAX:.0f} s; see {log}")
        time.sleep(POLL_S)


def _show_status(config: Config) -> None:
    from scripts.ops.status import status as find

    for name, one in find(config).items():
        show(f"{name:6} {one['state']:5} {one['address'] or ''}")
