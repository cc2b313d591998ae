"""`kairos simulate`: a world played into the fold, or through the channels of what runs, and what came of it."""

import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from jobs.config import Config
from jobs.flink.task import settle_memory
from schemas.counted import counted
from schemas.errors import ConfigError, NotUp
from scripts.console import say, show, show_json
from scripts.exit_codes import DONE, passed
from scripts.ops.status import status
from scripts.simulate.in_fold import Counts, Play
from scripts.simulate.in_live import LiveCounts, Way, play_live
from scripts.simulate.log_files import opened
from scripts.simulate.truth import write_truth
from scripts.simulate.world_file import Overrides, read_setting, world_path

MINUTE_S: Final = 60


class Live(NamedTuple):
    """How it is played live: where the API is (None: what runs here), with which key, within how many seconds."""

    url: str | None
    key: str | None
    seconds: int | None


class Wish(NamedTuple):
    """What is played, and where to: files, or live."""

    world: str
    overrides: Overrides
    out: Path | None
    truth: Path | None
    live: Live | None


def wish_of(world: str, overrides: Overrides, out: Path | None, truth: Path | None, live: Live, *, is_live: bool) -> Wish:  # fmt: skip
    """What is wished for; raises ConfigError where options do not go together."""
    if is_live and out is not None:
        raise ConfigError("--out is of the fold: what is played live goes into the engine's log")
    if not is_live and any(one is not None for one in live):
        raise ConfigError("--url, --key and --seconds are of --live")
    return Wish(world, overrides, out, truth, live if is_live else None)


def simulate(config: Config, wish: Wish, *, is_json: bool) -> int:
    """Plays it and says what came of it; the exit code: 1 where nothing was taken. Raises ConfigError."""
    path = world_path(wish.world)
    setting = read_setting(path, wish.overrides)
    world = setting.world
    if wish.live is not None:
        counts, people, minds = play_live(setting, _way(config, wish.live))
        if wish.truth is not None:
            write_truth(wish.truth, setting, people, minds)
        show_json(msgspec.to_builtins(counts)) if is_json else show(live_in_words(counts))
        return passed(counts.events > 0)
    with opened(wish.out, setting, path.parent / world.policy) as out:
        begun_s = time.process_time()
        settle_memory()
        play = Play(setting, config, out)
        say(f"{counted(world.people, 'person', 'people')} in {setting.name}, seed {world.seed}")
        counted_all = play.run()
        seconds = time.process_time() - begun_s
    if wish.truth is not None:
        write_truth(wish.truth, setting, play.people, play.minds)
    if is_json:
        show_json(told(counted_all, seconds))
    else:
        show(in_words(counted_all, seconds))
    return DONE


def told(counts: Counts, seconds: float) -> dict[str, Any]:
    """For programs: the counts, and what it took of one core's time."""
    pace = {
        "cpu_seconds": round(seconds, 2),
        "people_per_minute": round(counts.people / seconds * MINUTE_S),
        "events_per_second": round(counts.events / seconds),
    }
    return {**msgspec.to_builtins(counts), **pace}


def in_words(counts: Counts, seconds: float) -> str:
    """The same in sentences."""
    pace = told(counts, seconds)
    return (
        f"{counted(counts.people, 'person', 'people')}, {counted(counts.visits, 'visit')}, {counted(counts.events, 'event')} "
        f"({counts.events / counts.people:.1f} a person), {counts.ignored:,} of them ignored by the policy, {counts.refused:,} refused\n"
        f"{counted(counts.decisions, 'decision')}, {counts.exposed:,} of them seen, {counts.clicked:,} clicked; "
        f"{counted(counts.purchases, 'purchase')}, {counted(counts.refunds, 'refund')}\n"
        f"{seconds:.1f} s of one core: {counted(pace['people_per_minute'], 'person', 'people')} a minute, {counted(pace['events_per_second'], 'event')} a second"
    )


def live_in_words(counts: LiveCounts) -> str:
    """What came of it live."""
    rungs = ", ".join(f"{number:,} {source}" for source, number in sorted(counts.sources.items()))
    refused = ", ".join(f"{number:,} {why}" for why, number in sorted(counts.refused.items()))
    return (
        f"{counted(counts.people, 'person', 'people')}, {counted(counts.visits, 'visit')}, {counted(counts.events, 'event')} taken\n"
        f"{counted(counts.answers, 'answer')} ({rungs or 'none'}), {counts.exposed:,} seen, {counts.clicked:,} clicked; "
        f"{counted(counts.purchases, 'purchase')}"
        + (f"\nrefused: {refused}" if refused else "")
    )  # fmt: skip


def _way(config: Config, live: Live) -> Way:
    url = live.url
    if url is None:
        address = status(config)["api"]["address"]
        if address is None:
            raise NotUp("no API runs here: `kairos up` starts one, or --url says where it is")
        url = f"http://{address}"
    return Way(url, live.key, live.seconds if live.seconds is not None else MINUTE_S)
