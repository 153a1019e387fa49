"""Write the mention-level simulation: ``uv run python tests/simulation/simulate.py --output DIR --sizes tiny,small``.

DIR gets ``<brand>.jsonl`` (for `webcare run --offline` and `webcare send --replay`), ``truth.jsonl`` and ``config/`` (for `--config`).
"""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from crowd import CHANNELS, SOURCES
from rhythms import BUCKET, START
from world import SIZES, SimBrand, World, build, plan_of, suite

DEPLOYMENT = Path(__file__).parents[2] / "deploy" / "demo"


def truth_lines(world: World) -> Iterator[dict[str, Any]]:
    """What really happened to a brand, one object for each happening."""
    for truth in world.truth:
        yield {
            "brand": world.brand.slug,
            "size": world.brand.size,
            "kind": truth.kind,
            "class": truth.what,
            "onset": (START + BUCKET * truth.onset).isoformat(),
            "end": (START + BUCKET * truth.end).isoformat(),
            "heard": (START + BUCKET * (truth.onset if truth.heard is None else truth.heard)).isoformat(),
            "announced": truth.announced,
            "topic": truth.topic,
        }


def registry(brands: Sequence[SimBrand], weeks: int) -> str:
    """``brands.toml`` with accounts, calendars and connectors of all brands."""
    out = [f"channels = {msgspec.json.encode(list(CHANNELS)).decode()}"]
    for brand in brands:
        accounts = [f"{channel}:{brand.slug}" for channel in CHANNELS]
        out += [
            "[[brands]]",
            f'slug = "{brand.slug}"',
            f'names = ["{brand.name}"]',
            f"accounts = {msgspec.json.encode(accounts).decode()}",
            f"languages = {msgspec.json.encode([language for language, _ in brand.languages]).decode()}",
        ]
        for event in plan_of(brand, weeks).events:
            out += [
                "[[brands.events]]",
                f'name = "{event["name"]}"',
                f'kind = "{event["kind"]}"',
                f"starts_at = {(START + BUCKET * event['onset']).isoformat()}",
                f"ends_at = {(START + BUCKET * event['end']).isoformat()}",
                f"expected_mentions = {event['mentions']}",
                f"expected_negatives = {event['negatives']}",
            ]
    for source in SOURCES:
        out += ["[[sources]]", f'name = "{source}"']
    return "\n".join(out) + "\n"


def write_config(folder: Path, brands: Sequence[SimBrand], weeks: int) -> None:
    """A configuration folder: the demo's rules, with these brands."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(DEPLOYMENT / "routing.toml", folder / "routing.toml")
    (folder / "brands.toml").write_text(registry(brands, weeks), "utf-8")


def sizes_of(names: str) -> dict[str, tuple[int, int]]:
    """The sizes named, separated by commas."""
    return {name: SIZES[name] for name in names.split(",")}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weeks", type=int, default=6)
    parser.add_argument("--sizes", type=sizes_of, default=SIZES, help=f"of {', '.join(SIZES)}; all by default")
    given = parser.parse_args()
    brands = suite(given.seed, given.weeks, given.sizes)
    write_config(given.output / "config", brands, given.weeks)
    with (given.output / "truth.jsonl").open("wb") as truth:
        for brand in brands:
            world = build(brand, given.weeks)
            with (given.output / f"{brand.slug}.jsonl").open("wb") as file:
                file.writelines(line + b"\n" for _, line in world.lines)
            truth.writelines(msgspec.json.encode(line) + b"\n" for line in truth_lines(world))
            print(f"{brand.slug}: {len(world.lines)} lines, {len(world.truth)} happenings")


if __name__ == "__main__":
    main()
