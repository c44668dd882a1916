"""What a run records of the packages of others that made it, and what is said where one is missing."""

from typing import Any

from bmbench.adapters import METHODS
from bmbench.adapters.method import Method
from bmbench.benchmark.records.run_records import RecordedPlugin, RunConfig
from bmbench.core.errors import UnknownNameError
from bmbench.core.plugins import TRUSTED, Origin, PluginError
from bmbench.datasets import DATASETS


def plugin_facts(method: str, dataset: str) -> dict[str, Any]:
    """``plugin`` of a run's configuration; nothing where all of it is bmbench's own."""
    origins: dict[str, Origin | None] = {
        "method": METHODS.origin(method),
        "dataset": DATASETS.origin(dataset) if dataset in DATASETS else None,
    }
    facts = {what: origin.facts() for what, origin in origins.items() if origin is not None}
    return {"plugin": facts} if facts else {}


def method_of_run(config: RunConfig) -> Method:
    """The method of a run, by its configuration.

    Raises
    ------
    PluginError
        If it is that of another package, which is not installed here, or broken: names the package.
    UnknownNameError
        If nobody knows it.
    """
    return known_method(config.method, config.plugin.get("method"))


def known_method(name: str, made_by: RecordedPlugin | None) -> Method:
    """The method of that name, which a record says is bmbench's own or `made_by` others; see there."""
    try:
        return METHODS.get(name)
    except UnknownNameError:
        if made_by is None:
            raise
    if made_by.package:
        what = f"the method {name!r} comes with the package {made_by.package} {made_by.version}"
        raise PluginError(f"{what}, which is not installed here", remedy=f"pip install {made_by.package}")
    raise PluginError(
        f"the method {name!r} is the code at {made_by.place}, which belongs to no package",
        remedy=f"if you trust it, set {TRUSTED}='{METHODS.group}={made_by.place}'",
    )
