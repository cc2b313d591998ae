"""`kairos train`, `evaluate`, `features` and `accepts`: models, and what they and everything else are made of."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import PROJECT, config_from, with_consent
from schemas.errors import ConfigError
from scripts.commands.options import (
    Archive,
    As,
    Consent,
    EventFiles,
    Examination,
    Force,
    ItemsFile,
    Json,
    MoreFiles,
    To,
)
from scripts.console import show_json
from scripts.times import parse_time, time_or_none

app = typer.Typer()


@app.command()
def train(
    more: MoreFiles = None,
    events: EventFiles = None,
    items: ItemsFile = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Train from the log, from here on.")
    ] = None,
    to: To = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="With files: a policy file, for what events mean and which ones ask."),
    ] = None,
    responses: Annotated[
        bool, typer.Option("--responses", help="Learn who clicks on which action, not a ranker.")
    ] = False,
    placement: Annotated[
        str | None,
        typer.Option(help="Learn from the decisions of this placement alone; without it, of all."),
    ] = None,
    examination: Examination = "random",
    archive: Archive = None,
    consent: Consent = None,
    publish: Annotated[bool, typer.Option("--publish", help="Make the model live.")] = False,
    name: As = None,
    force: Force = False,
    json: Json = False,
) -> int:
    """Train a model by replay, from files or from the log.

    Events of before their person was erased are left out and counted, also of files where an engine runs that has the list.
    --publish refuses, with exit code 1, what `kairos model publish` refuses; the model is kept all the same.
    """
    from schemas.policy import DEFAULT_POLICY, RANKER
    from scripts.ops.status import running_kafka
    from scripts.policy.policies_here import policy_in
    from scripts.privacy.list_of_erased import list_here
    from scripts.training.looking import looking_from
    from scripts.training.model_versions import checked_name
    from scripts.training.train_here import Wish, train_here
    from scripts.training.training import from_files, from_log

    if responses and (placement or name):
        raise ConfigError("--placement and --as are of what ranks items, not of --responses")
    if name is not None and not publish:
        raise ConfigError("--as is what a model is called that is put in force: --publish as well")
    looking = looking_from(examination)
    config = with_consent(config_from(), consent)
    if events:
        said = policy_in(policy) if policy else DEFAULT_POLICY
        source = from_files([*events, *(more or ())], items, config, list_here, said)
    elif policy is not None:
        raise ConfigError("--policy is of files: in the log each policy holds in its time")
    else:
        span = time_or_none(from_), time_or_none(to)
        source = from_log(running_kafka(config), config, *span, archive)
    called = checked_name(name) if name is not None else RANKER
    wish = Wish(is_responses=responses, is_published=publish, is_forced=force, name=called)
    source = source._replace(placement=placement, looking=looking)
    return train_here(config, source, wish, is_json=json)


@app.command()
def evaluate(
    more: MoreFiles = None,
    events: EventFiles = None,
    items: ItemsFile = None,
    train_before: Annotated[
        str | None, typer.Option(help="Sessions that begin before this time train, the rest test.")
    ] = None,
    placement: Annotated[
        str,
        typer.Option(
            help="rerank, next_item, or a placement of --policy, without it of the live policy."
        ),
    ] = "rerank",
    policy: Annotated[Path | None, typer.Option(help="A policy file, for its placement.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1_000, help="Places that count.")] = 20,
    save: Annotated[Path | None, typer.Option(help="Keep the ranks, for --compare.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Two files of --save: second less first.")
    ] = None,
    examination: Examination = "random",
    consent: Consent = None,
    json: Json = False,
) -> None:
    """Train on what is before a time, then score every later decision against what came next.

    Says how sure the figures are, and warns of small samples. Of a placement of your own, items are ranked wherever it is
    asked for; what the person then viewed, put into the cart, bought or read is the answer. Says how new, how mixed and how
    steady the lists are, and what the placement's settings for that change of the mrr.
    """
    from scripts.training import evaluation, saved_runs
    from scripts.training.looking import looking_from

    if compare:
        ranks = saved_runs.compare_files(*compare)
        (show_json if json else saved_runs.show_comparison)(ranks)
        return
    if not events or train_before is None:
        raise ConfigError("evaluate needs --events and --train-before, or --compare with two files")
    config = with_consent(config_from(), consent)
    setting = evaluation.setting_of(placement, parse_time(train_before), k, config, policy)
    setting = setting._replace(looking=looking_from(examination))
    found = evaluation.evaluate_files([*events, *(more or ())], items, setting, config, save)
    (show_json if json else evaluation.show_report)(found)


@app.command()
def features(
    write: Annotated[bool, typer.Option("--write", help="Write docs/features.md.")] = False,
) -> None:
    """Print the table of features: name, entity, purpose, meaning."""
    from scripts.pages import show_page
    from scripts.training.feature_docs import PAGE, page

    show_page(page(), PAGE, is_written=write)


@app.command()
def accepts(
    write: Annotated[bool, typer.Option("--write", help="Write docs/what-we-accept.md.")] = False,
) -> None:
    """Print what comes in: names, times, ids, encodings, bounds, and what happens beyond each."""
    from scripts.files.input_docs import PAGE, page
    from scripts.pages import show_page

    show_page(page(), PAGE, is_written=write)


@app.command()
def docs(
    write: Annotated[bool, typer.Option("--write", help="Write those that are stale.")] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Take the pictures of the shop and console that run.")
    ] = False,
    to: Annotated[
        Path, typer.Option(help="Folder for the pictures.", show_default="docs/pictures")
    ] = PROJECT / "docs" / "pictures",
) -> None:
    """Say which pages of docs/ that are made from the code are as the code is.

    They are: what we accept, the policy file, the features, the command line, the settings, the metrics, and in privacy.md the
    inventory of data. `--pictures` takes the pictures of the shop, its tour and the console instead, from what `kairos demo` or `up --shop` runs.
    """
    if pictures:
        from scripts.demo.pictures import pictures as take_all

        take_all(config_from(), to)
        return
    from scripts.reference.all_pages import show_pages

    show_pages(is_written=write)


@app.command("evaluate-policy")
def evaluate_policy(
    log: Annotated[
        Path, typer.Argument(help="Decisions with their chances: CSV, also .gz, or Parquet.")
    ],
    new: Annotated[
        str,
        typer.Option(
            help="The policy: `uniform`, a column with its chances of what was done, or a file of chances by action."
        ),
    ] = "uniform",
    action: Annotated[str | None, typer.Option(help="The column of the action.")] = None,
    chance: Annotated[
        str | None, typer.Option(help="Of the chance with which it was chosen.")
    ] = None,
    reward: Annotated[str | None, typer.Option(help="Of what it earned.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Of a position or placement, each with a choice of its own.")
    ] = None,
    clip: Annotated[
        float | None,
        typer.Option(help="Weights above are cut; without it, at the root of the number of rows."),
    ] = None,
    json: Json = False,
) -> int:
    """Say what another policy would have earned, from a log of decisions and their chances.

    Each reward is weighed by how much likelier the new policy would have done what was done. Exit code 1 where the log cannot tell: too few rows count,
    the new policy does what was never tried, or the chances in the log are not those by which it was decided. Rows are taken as independent.
    """
    from scripts.experiments.decision_log import Columns
    from scripts.experiments.evaluate_policy import run

    return run(log, new, Columns(action, chance, reward, group), clip, is_json=json)
