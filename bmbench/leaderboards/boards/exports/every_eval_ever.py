"""One record a submission in the schema of Every Eval Ever, which holds evaluations of all fields."""

from datetime import datetime
from typing import Any

from bmbench.leaderboards.boards.exports.addresses import address, keeper
from bmbench.leaderboards.boards.exports.tables import as_json
from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.boards.words import costs, metric_title
from bmbench.leaderboards.results.standings_record import Place
from bmbench.leaderboards.tracks.about import About

SCHEMA_VERSION = "0.3.0"
_UNKNOWN = "0"
"""The moment of a submission whose track keeps no dates, in seconds since 1970."""


def every_eval_ever(page: Page, entry: Entry, about: About) -> str:
    """The record; every number that is no score is a text there, as the schema wants it."""
    result, track = entry.result, page.manifest.name
    card = result.card
    team, method = (card.team, card.method) if card else ("", result.id)
    arrived = result.arrived if isinstance(result.arrived, str) else None
    moment = _UNKNOWN if arrived is None else str(int(datetime.fromisoformat(arrived).timestamp()))
    details = {"deployment_type": "unknown", "model_availability": "unknown"}
    details |= {name: f"{value:.9g}" for name, value in costs(card).items()}
    if card is not None:
        details |= {"family": card.family, "annotations": card.annotations, "artefacts": card.artefacts}
    value: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"bmbench-{track}/{result.id}/{moment}",
        "retrieved_timestamp": moment,
        "source_metadata": {
            "source_name": about.title,
            "source_type": "evaluation_run",
            "source_organization_name": keeper(about),
            "evaluator_relationship": "third_party",
        },
        "eval_library": {"name": "bmbench", "version": f"scorer {page.table.scorer}"},
        "model_info": {
            "name": method,
            "id": f"{team}/{method}",
            "developer": team,
            "additional_details": details,
        },
        "evaluation_results": [
            _score(page, name, place, about)
            for name, place in entry.places.items()
            if place.value is not None
        ],
    }
    if about.address is not None:
        value["source_metadata"]["source_organization_url"] = about.address
    if arrived is not None:
        value["evaluation_timestamp"] = arrived
    return as_json(value)


def _score(page: Page, name: str, place: Place, about: About) -> dict[str, Any]:
    details: dict[str, Any] = {"score": place.value}
    if place.interval is not None:
        low, high = place.interval
        interval: dict[str, Any] = {"lower": low, "upper": high, "confidence_level": 0.95}
        interval["method"] = f"jackknife over {page.table.unit}s, Student's t, logit scale"
        details["uncertainty"] = {"confidence_interval": interval, "num_samples": page.table.n_units}
    return {
        "evaluation_name": f"bmbench {page.manifest.name}: {metric_title(name)}",
        "source_data": _source(page, about),
        "metric_config": {
            "evaluation_description": page.manifest.title,
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0,
            "max_score": 1,
        },
        "score_details": details,
    }


def _source(page: Page, about: About) -> dict[str, Any]:
    data = page.manifest.data
    hub, url = about.hub_datasets.get(data.name), about.data.get(data.name)
    details = {"sha256": data.sha256, "track": address(about, f"{page.manifest.name}.html")}
    if hub is not None:
        return {"dataset_name": data.name, "source_type": "hf_dataset", "hf_repo": hub, "hf_split": "test",
                "samples_number": page.table.n_images, "additional_details": details}  # fmt: skip
    if url is not None:
        return {"dataset_name": data.name, "source_type": "url", "url": [url], "additional_details": details}
    return {"dataset_name": data.name, "source_type": "other", "additional_details": details}
