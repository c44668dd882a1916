"""What the tables of a board hold, in the metadata format Croissant 1.0 (MLCommons), for dataset search."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from bmbench.leaderboards.boards.exports.addresses import address, keeper
from bmbench.leaderboards.boards.exports.tables import as_json, columns
from bmbench.leaderboards.boards.page import Page
from bmbench.leaderboards.boards.words import since
from bmbench.leaderboards.tracks.about import About

_TEXTS = frozenset({
    "track", "id", "state", "method", "team", "family", "annotations", "artefacts", "threshold_chosen_on",
    "hardware", "code_url", "commit", "paper", "arrived", "control", "may_be_best", "external_data",
})  # fmt: skip
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(pages: Sequence[Page], tables: Mapping[str, str], about: About) -> str:
    """The description of the CSV files; `tables` holds their texts by track."""
    value: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": about.title,
        "description": f"{about.title}: scores with intervals, places and costs, one row a submission.",
        "url": address(about, "index.html"),
        "creator": {"@type": "sc:Organization", "name": keeper(about)},
        "citeAs": f"{keeper(about)}: {about.title}",
        "version": ".".join(str(page.manifest.version) for page in pages),
        "distribution": [_file(page, tables[page.manifest.name], about) for page in pages],
        "recordSet": [_records(page) for page in pages],
    }
    days = [since(entry.result) for page in pages for entry in page.ranked if page.dated]
    if days:
        value["datePublished"] = max(days)
    if about.licence is not None:
        value["license"] = about.licence_url or about.licence
    return as_json(value)


def _file(page: Page, text: str, about: About) -> dict[str, Any]:
    name = f"{page.manifest.name}.csv"
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "description": page.manifest.title,
        "contentUrl": address(about, f"data/{name}"),
        "encodingFormat": "text/csv",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def _records(page: Page) -> dict[str, Any]:
    track = page.manifest.name
    return {
        "@type": "cr:RecordSet",
        "@id": track,
        "name": track,
        "description": page.manifest.title,
        "key": {"@id": f"{track}/id"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{track}/{column}",
                "name": f"{track}/{column}",
                "description": column.replace("_", " "),
                "dataType": "sc:Text" if _is_text(column) else "sc:Float",
                "source": {"fileObject": {"@id": f"{track}.csv"}, "extract": {"column": column}},
            }
            for column in columns(page)
        ],
    }


def _is_text(column: str) -> bool:
    return column in _TEXTS or column.endswith("_may_be_best")
