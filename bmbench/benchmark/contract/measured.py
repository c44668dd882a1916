"""How long methods took to answer, from the records of finished runs."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Annotated

import msgspec

from bmbench.adapters import METHODS
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import Environment, RunConfig, read_record
from bmbench.core.errors import BadInputError

PROFILE = "quick"
"""Of the runs that are looked at."""
_LEAST_S = 0.5
"""Times are kept in tenths of a second: of a shorter one nothing would be known."""
_Px = Annotated[int, msgspec.Meta(ge=1)]


class _Image(msgspec.Struct, frozen=True):
    width: _Px
    height: _Px


class _Images(msgspec.Struct, frozen=True):
    images: list[_Image]


def seconds_a_megapixel(folder: Path) -> dict[str, float]:
    """Method → median seconds for a megapixel of image in the runs of a folder.

    Counted are finished runs that were made on such a machine as this one, by one model with the settings
    that the method has in its quick profile. A folder that is not there, or is no run, says nothing.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for path in sorted(folder.glob("*/timing.json")):
        try:
            run = RunDir.open(path.parent)
            config = run.config()
            if _is_plain(config) and _is_here(run.environment()):
                seconds, area = run.times().seconds.get("predict", 0.0), _area(run)
                if seconds >= _LEAST_S and area:
                    found[config.method].append(seconds / area)
        except BadInputError:
            continue
    return {name: median(times) for name, times in found.items()}


def _is_plain(config: RunConfig) -> bool:
    """Whether the run had one model, the method's own settings, and no other images to answer."""
    if config.method not in METHODS.own_names() or config.profile.name != PROFILE or config.test_on:
        return False
    own = dataclasses.asdict(METHODS.get(config.method).settings[PROFILE])
    models = config.options.get("models") or config.profile.models
    return models == 1 and all(own.get(name) == value for name, value in config.settings.items())


def _is_here(environment: Environment) -> bool:
    here = (platform.platform(terse=True), platform.machine(), os.cpu_count())
    return (environment.system, environment.machine, environment.cpus) == here


def _area(run: RunDir) -> float:
    """Megapixels of the images that it answered."""
    subsets = [run.truth(subset) for subset in ("test", "optimisation")]
    read = [
        read_record(path, _Images, within=run.path, what="the ground truth of a run")
        for path in subsets
        if path.is_file()
    ]
    return sum(one.width * one.height for images in read for one in images.images) / 1e6
