"""Draw docs/images/stains.jpg: the same smears in every stain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bmbench.datasets.synthetic.dataset import sample
from bmbench.datasets.synthetic.stain import LOOKS

figure = Figure(figsize=(10, 6.4), layout="compressed")
axes = figure.subplots(3, len(LOOKS))
for row, number in enumerate((0, 5, 14)):
    for column, stain in enumerate(LOOKS):
        pixels = sample(number, stain=stain).load()[:256, :256]
        axes[row, column].imshow(np.asarray(pixels))
        axes[row, column].set(xticks=[], yticks=[])
        if row == 0:
            axes[row, column].set_title(stain, fontsize=9)
path = Path(__file__).parent / "images" / "stains.jpg"
figure.savefig(path, dpi=110, pil_kwargs={"quality": 85, "optimize": True})
