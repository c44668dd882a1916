"""Write the notebooks of docs/notebooks with their outputs: ``python docs/make_notebooks.py``.

Each is made from the Python file beside it, in which ``# %%`` begins a cell and ``# %% [markdown]`` one of
text, so that a change is read as text and checked. It needs ``pip install 'bmbench[notebook,train]'``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent / "notebooks"
NAMES = ("score_arrays", "train_look_compare", "own_method")


def notebook(name: str) -> dict[str, Any]:
    """A notebook of format 4.5 without outputs."""
    text = (HOME / f"{name}.py").read_text("utf-8")
    cells = []
    for number, part in enumerate(text.split("# %%")[1:]):
        head, _, body = part.partition("\n")
        is_text = head.strip() == "[markdown]"
        lines = body.strip("\n").splitlines()
        if is_text:
            lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
        cell: dict[str, Any] = {
            "cell_type": "markdown" if is_text else "code",
            "id": f"{name.replace('_', '-')}-{number}",
            "metadata": {},
            "source": "\n".join(lines),
        }
        cells.append(cell if is_text else cell | {"execution_count": None, "outputs": []})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def executed(name: str, folder: Path) -> Any:
    """The notebook with what its cells answer, run in a folder of its own.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    import nbformat  # noqa: PLC0415 — only whoever runs notebooks has it
    from nbclient import NotebookClient  # noqa: PLC0415

    book = nbformat.from_dict(notebook(name))
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(book, timeout=900, kernel_name="python3", resources=place).execute()
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    return book


def main() -> None:
    """Write the notebooks that are named, or all."""
    for name in sys.argv[1:] or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            text = json.dumps(executed(name, Path(folder)), indent=1, ensure_ascii=False)
        (HOME / f"{name}.ipynb").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
