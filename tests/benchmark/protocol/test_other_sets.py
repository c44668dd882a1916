from pathlib import Path

import pytest

from bmbench.benchmark.protocol.other_sets import OtherSet
from bmbench.core.errors import BadInputError


def test_a_wish_is_read_back_from_its_text():
    text = "dsb_purple,data=/there,use=all,cell_px=22.5,subset=purple"
    wish = OtherSet.parse(text)
    assert wish.options == {"subset": "purple"}
    assert (wish.dataset, wish.data, wish.use, wish.cell_px) == (
        "dsb_purple",
        Path("/there"),
        "all",
        22.5,
    )
    assert str(wish) == text
    assert wish.name == "dsb_purple-subset=purple-all"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a=b",
        "set,stain",
        "set,=x",
        "set,use=some",
        "set,cell_px=-3",
        "set,cell_px=nan",
        "set,cell_px=x",
    ],
)
def test_a_text_that_is_no_wish_is_refused(text):
    with pytest.raises(BadInputError):
        OtherSet.parse(text)
