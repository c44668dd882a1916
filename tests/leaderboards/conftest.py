"""A small leaderboard: drawn truth, answers that find a known share of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bmbench.core.progress import Silent
from bmbench.leaderboards.submissions.other_submissions import Others, read_others
from bmbench.leaderboards.submissions.submit import SubmissionFacts, SubmittedFile, submit
from bmbench.leaderboards.tracks.create_track import TrackFacts, create_track
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Rules

N_IMAGES, SIZE, CELL = 10, 512, 40


def write_truth(
    path: Path, *, n_images: int = N_IMAGES, cells: int = 12, seed: int = 0, groups: int = 0
) -> None:
    """Cells on a jittered grid, so that no two overlap; one artefact an image."""
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for number in range(n_images):
        record = {"id": number + 1, "file_name": f"field_{number:02d}.png", "width": SIZE, "height": SIZE}
        images.append(record | ({"group": f"patient {number % groups}"} if groups else {}))
        places = rng.permutation(25)[: cells + 1]
        for row, place in enumerate(places):
            x, y = 20 + 96 * (place % 5) + rng.uniform(0, 40), 20 + 96 * (place // 5) + rng.uniform(0, 40)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number + 1,
                    "category_id": 2 if row == 0 else 1,
                    "bbox": [round(x, 2), round(y, 2), CELL, CELL],
                    "area": CELL * CELL,
                    "iscrowd": 0,
                }
            )
    categories = [
        {"id": 1, "name": "cell", "supercategory": "cell"},
        {"id": 2, "name": "smudge", "supercategory": "artefact"},
    ]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


def answer_list(truth: Path, *, recall: float, false: float, shift: float = 3.0, seed: int = 1) -> list[dict]:
    """A COCO results list that finds about `recall` of the cells and `false` wrong ones an image."""
    rng = np.random.default_rng(seed)
    value = json.loads(truth.read_text())
    found = []
    for row in value["annotations"]:
        if row["category_id"] == 1 and rng.random() < recall:
            dx, dy = rng.normal(0, shift, 2)
            x, y, w, h = row["bbox"]
            box = [round(float(x + dx), 2), round(float(y + dy), 2), w, h]
            score = round(float(rng.beta(5, 2)), 4)
            found.append({"image_id": row["image_id"], "category_id": 1, "bbox": box, "score": score})
    for image in value["images"]:
        for _ in range(rng.poisson(false)):
            x, y = rng.uniform(0, SIZE - CELL, 2)
            box = [round(float(x), 2), round(float(y), 2), CELL, CELL]
            score = round(float(rng.beta(2, 3)), 4)
            found.append({"image_id": image["id"], "category_id": 1, "bbox": box, "score": score})
    return found


FACTS = {
    "team": "Marrow Lab",
    "family": "unet",
    "annotations": "weak",
    "threshold_chosen_on": "optimisation",
    "contacts": ("marrow-lab",),
    "declared": True,
}


@dataclass
class Bench:
    """A leaderboard under construction."""

    board: Leaderboard
    truth: Path

    def track(self, name: str = "weak", *, truth: Path | None = None, **facts) -> None:
        plain = {
            "title": f"Learn from {name} annotations: smears of many patients and scanners",
            "supervision": "weak",
            "data_name": "drawn",
            "rules": Rules(radius_px=15),
        }
        create_track(self.board, truth or self.truth, TrackFacts(name=name, **(plain | facts)))

    def submit(
        self, id_: str, rows: list[dict] | list[list[dict]], *, track: str = "weak", threshold=0.3, **facts
    ):
        seeds = rows if rows and isinstance(rows[0], list) else [rows]
        answers = []
        for seed, one in enumerate(seeds):
            path = self.board.path / f"{id_}-{seed}.results"
            path.write_text(json.dumps(one))
            answers.append(SubmittedFile(path=path, seed=seed, threshold=threshold))
        card = SubmissionFacts(**(FACTS | {"name": id_.replace("-", " ")} | facts))
        folder = self.board.submission(track, id_)
        beside = Others(contacts=read_others(self.board, track).contacts)
        verdict = submit(answers, card, self.board.manifest(track), folder=folder, others=beside)
        for answer in answers:
            answer.path.unlink()
        return folder, verdict

    def answer(self, **ways) -> list[dict]:
        return answer_list(self.truth, **ways)

    def score(self, **options):
        from bmbench.leaderboards.results.publish import score_board

        return score_board(self.board, Silent(), **options)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A leaderboard without a track, and a truth file beside it."""
    truth = tmp_path / "truth.json"
    write_truth(truth)
    (tmp_path / "board").mkdir()
    return Bench(board=Leaderboard(tmp_path / "board"), truth=truth)


@pytest.fixture
def make_truth(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes another truth file and gives its path."""

    def make(name: str, **ways) -> Path:
        path = tmp_path / name
        write_truth(path, **ways)
        return path

    return make


@pytest.fixture
def published(tmp_path):
    """A folder laid out as the published data set: five fields with a few nuclei each."""
    folder, rng = tmp_path / "published", np.random.default_rng(5)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for field in range(5):
        labels = np.zeros((96, 128), np.uint16)
        for number in range(1, 7):
            x, y = 20 * number - 10 + int(rng.integers(0, 4)), int(rng.integers(5, 70))
            labels[y : y + 14, x : x + 12] = number
        Image.fromarray(labels).save(folder / "labels" / f"field_{field:02d}.png")
        pixels = np.where(labels[..., None] > 0, 90, 230).astype(np.uint8).repeat(3, axis=2)
        Image.fromarray(pixels).save(folder / "images" / f"field_{field:02d}.png")
    return folder
