"""One detector family per module behind one interface; `METHODS` is the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.core.registry import Registry

if TYPE_CHECKING:
    from bmbench.adapters.method import Method

METHODS: Registry[Method] = Registry(
    "method",
    (
        ("unet_shrink", "bmbench.adapters.unet.method:UNET_SHRINK"),
        ("blob_log", "bmbench.adapters.blob_log:METHOD"),
    ),
)
