"""What every method promises, as checks that run in seconds: `bmbench method check NAME`.

::

    list_methods      which methods there are: `bmbench methods`
    measured          how long they took to answer, from finished runs
    drawn_cells       dark discs on pale ground, with their circles: what the checks look at
    small_settings    settings that make any method fit in a moment
    promises          what a check says of a promise that is broken
    checks            one promise a function; the table of all
    check_method      all of them for one method, and the table that is printed
    new_package       the package that `bmbench method new` writes
"""
