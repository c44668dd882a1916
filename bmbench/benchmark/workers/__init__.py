"""Processes that work for a study or a search: a cluster, this machine, graphics cards.

::

    cluster   tasks through a Dask scheduler
    checks    whether workers elsewhere see the same folder, code and versions
    task      what a worker does with a task
    worker    the workers of this machine, as a process
    local     a scheduler and workers for as long as a block lasts
    retries   workers that die, and work that takes its worker with it
    devices   `--devices N`: one fit in several processes
"""
