"""The folder of a leaderboard: everything that a git repository has to hold.

::

    tracks/<track>/track.json, truth.json       the question; a hidden truth is truth.json.age
    submissions/<track>/<id>/submission.json    what strangers hand in: the only thing a pull request touches
    results/<track>/<id>.json                   written by the scorer alone
    results/<track>/standings.json              what is compared between submissions, by the scorer too
    results/<track>/patches.json                what the best did on six patches, where truth may be shown
    boards/*.md, boards/*.svg, site/            made from results; never edited
    about.json                                  who keeps the board, where things are
    archive/<name>/                             frozen versions, each with all of this
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.leaderboards.tracks.manifest import MANIFEST_FILE, Manifest, read_manifest, read_manifests

STANDINGS_FILE, PATCHES_FILE = "standings.json", "patches.json"
ARCHIVE, FROZEN_FILE = "archive", "frozen.json"
"""The folder of frozen versions, and the list of digests in each."""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The paths of one leaderboard.

    `truths` is a folder with `<track>.json` for tracks whose public ground truth may not lie in the
    repository (its licence forbids it, or everybody has it already).
    """

    path: Path
    truths: Path | None = None

    @property
    def frozen(self) -> bool:
        """Whether this is a frozen version: what was published stands, git's dates are those of the copy."""
        return (self.path / FROZEN_FILE).is_file()

    def archive(self) -> tuple[str, ...]:
        """The names of the frozen versions, the latest name last."""
        return tuple(sorted(path.parent.name for path in self.path.glob(f"{ARCHIVE}/*/{FROZEN_FILE}")))

    def manifests(self) -> tuple[Manifest, ...]:
        """Every track, by name; BadInputError if the folder is no leaderboard."""
        return read_manifests(self.path)

    def manifest(self, track: str) -> Manifest:
        """One track; UnknownNameError, with those that there are, if there is none of that name.

        BadInputError if the folder is no leaderboard.
        """
        if not (self.path / "tracks" / track / MANIFEST_FILE).is_file():
            self.manifests()
            self.require_track(track)
        return read_manifest(self.path / "tracks" / track)

    def require_track(self, name: str) -> None:
        """Nothing, or a BadInputError if the board has no track of that name."""
        names = [path.parent.name for path in (self.path / "tracks").glob(f"*/{MANIFEST_FILE}")]
        if not names:
            remedy = "make that track first: bmbench leaderboard init"
            raise BadInputError(f"unknown track {name!r}", where=str(self.path), remedy=remedy)
        if name not in names:
            raise UnknownNameError("track", name, names)

    def truth(self, manifest: Manifest) -> Path:
        """The ground truth of a track, encrypted where it is hidden.

        BadInputError if it is not in the repository and was not given.
        """
        inside = self.path / "tracks" / manifest.name / manifest.truth.file
        if inside.is_file() or manifest.truth.visibility == "hidden":
            return inside
        if self.truths is None:
            remedy = f"give --truths with a folder that holds {manifest.name}.json"
            if not isinstance(manifest.data.options, msgspec.UnsetType):
                remedy += f"; `bmbench leaderboard truth {self.path}` makes it from the published data"
            raise BadInputError("the ground truth is not in the repository", where=str(inside), remedy=remedy)
        return self.truths / f"{manifest.name}.json"

    def submission(self, track: str, id_: str) -> Path:
        """The folder of one submission."""
        return self.path / "submissions" / track / id_

    def submissions(self, track: str) -> tuple[Path, ...]:
        """Every submission folder of a track, by name."""
        folder = self.path / "submissions" / track
        return tuple(sorted(path for path in folder.glob("*") if not path.name.startswith(".")))

    def results(self, track: str) -> Path:
        """The folder of a track's results."""
        return self.path / "results" / track

    def result(self, track: str, id_: str) -> Path:
        """One result."""
        return self.results(track) / f"{id_}.json"

    def result_files(self, track: str) -> tuple[Path, ...]:
        """Every result of a track that was published, by name."""
        ours = {STANDINGS_FILE, PATCHES_FILE}
        return tuple(p for p in sorted(self.results(track).glob("[!.]*.json")) if p.name not in ours)

    def patches(self, track: str) -> Path:
        """What submissions did on a few patches of a track."""
        return self.results(track) / PATCHES_FILE

    def standings(self, track: str) -> Path:
        """The standings of a track."""
        return self.results(track) / STANDINGS_FILE
