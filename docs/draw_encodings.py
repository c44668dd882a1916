"""Draw the picture of docs/encodings.md: ``python docs/draw_encodings.py``.

With ``--curve`` it prints the foreground curve of the embedded training images instead, which
`bmbench.adapters.unet.encodings.foreground_curve.SYNTHETIC` holds.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.unet.encodings.pictures import draw_targets
from bmbench.benchmark.protocol.supervision import foreground_curve, supervise
from bmbench.benchmark.protocol.tracks import get_track
from bmbench.core.dataset import LoadRequest
from bmbench.datasets import open_dataset

IMAGES = Path(__file__).resolve().parent / "images"


def main() -> None:
    """Write the picture, or print the curve."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--curve", action="store_true", help="print the foreground curve instead")
    dataset = open_dataset("synthetic")
    train = dataset.load(LoadRequest(data=None, seed=0, options={})).samples["train"]
    supervision = supervise(dataset.card, train, track=get_track("weak"), artefacts="background", seed=0)
    curve = foreground_curve(train, supervision, name="synthetic")
    if parser.parse_args().curve:
        sys.stdout.write(f"{curve()}\n")
        return
    request = FitRequest(
        train=supervision.view(train),
        validation=(),
        settings=METHODS.get("unet_shrink").settings["quick"],
        seed=0,
        augment=augment,
        foreground_curve=curve,
    )
    draw_targets(request, IMAGES / "encodings.png")


if __name__ == "__main__":
    main()
