"""Boards that are worked out by hand: results that stand in an order, and the page that they make."""

import msgspec

from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.results.record import CardFacts, MetricResult, Result
from bmbench.leaderboards.results.standings_record import Gap, MetricStandings, Place, Standings
from bmbench.leaderboards.tracks.manifest import DataFacts, ImageFacts, Manifest, TruthFacts
from bmbench.statistics.planning import FindableDifferences

IMAGES = tuple(
    ImageFacts(id=i, name=f"{i}.png", width=9, height=9, group=f"slide {i // 5}") for i in range(40)
)
PLAN = FindableDifferences(
    not_seen_below=0.01, alone=0.03, best_set=0.041, all_pairs=0.06, units_for_a_point=120
)


def card(name, **costs):
    return CardFacts(
        method=name,
        team="Lab",
        family="unet",
        annotations="weak",
        artefacts="none",
        external_data=False,
        threshold_chosen_on="train",
        n_seeds=1,
        code_url=None,
        commit=None,
        dirty=None,
        hardware=None,
        **({"train_hours": None} | costs),
    )


def result(name, value, *, state="published", control=False, arrived=msgspec.UNSET, track="weak", **costs):
    return Result(
        schema="bmbench.result/2",
        id=name.replace(" ", "-"),
        track=track,
        track_version=1,
        scorer=3,
        state=state,
        digests=None,
        card=card(name, **costs),
        control=control,
        metrics={"cd.f1": MetricResult(value=value, interval=None, seeds=(value,))},
        arrived=arrived,
    )


def board(results, *, best, tested=True, plan=PLAN, n_units=8, track="weak"):
    """The page of results that stand in this order; `best` are the names that may be best."""
    ranked = [one for one in results if not one.control and one.state == "published"]
    top = ranked[0].metrics["cd.f1"].value if ranked else 0
    places = []
    for row, one in enumerate(ranked):
        value = one.metrics["cd.f1"].value
        gap = Gap(value=value - top, interval=(value - top - 0.02, value - top + 0.02), p=None, apart=None)
        places.append(
            Place(
                id=one.id,
                value=value,
                interval=(value - 0.01, value + 0.01),
                seeds=(value,),
                best=one.card.method in best,
                ranks=(1, len(best)) if one.card.method in best else (len(best) + 1, len(ranked)),
                same_as=None,
                without_one=(1, 1),
                to_leader=gap if row else None,
            )
        )
    metric = MetricStandings(
        name="cd.f1", tested=tested, places=tuple(places), family=None, seeds=None, plan=plan, pairs=None
    )
    manifest = Manifest(
        schema="bmbench.track/1",
        name=track,
        version=1,
        title="Weak",
        supervision="weak",
        data=DataFacts(name="drawn", sha256="0" * 64),
        truth=TruthFacts(visibility="public", file="truth.json"),
        categories=(1,),
        images=IMAGES,
        unit="slide",
        metrics=("cd.f1",),
    )
    table = Standings(
        schema="bmbench.standings/2",
        track=track,
        track_version=1,
        scorer=3,
        unit="slide",
        n_units=n_units,
        n_images=40,
        n_cells=100,
        metrics=(metric,) if ranked else (),
        rules=(),
        crossings=(),
    )
    by_id = {place.id: {"cd.f1": place} for place in places}
    entries = [Entry(result=one, name=one.card.method, places=by_id.get(one.id, {})) for one in results]
    return Page(
        manifest=manifest,
        table=table,
        ranked=tuple(entry for entry in entries if entry.places),
        controls=tuple(entry for entry in entries if entry.result.control),
        others=tuple(entry for entry in entries if not entry.places and not entry.result.control),
        names={one.id: one.card.method for one in results},
    )
