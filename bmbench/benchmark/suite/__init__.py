"""`bmbench suite`: many methods on many data sets, each a study of its own, and what they say together.

::

    suite_file  the file of a suite, read and checked
    known       the suites that come with bmbench
    contents    what it holds, as a table
    places      where the data of its sets lie here, and which folds they allow
    models      models that learn nothing here, on the test images of its sets
    plan        suite → one matrix of runs a set
    run         the matrices worked off; what they cost; resumed where a killed command stood
    archive     finished runs ↔ one small archive a set
    report      finished runs → report.md and report.html
"""

from bmbench.benchmark.suite.plan import SuiteOptions
from bmbench.benchmark.suite.report.report import write_suite_report
from bmbench.benchmark.suite.run import run_suite
from bmbench.benchmark.suite.suite_file import read_suite

__all__ = ["SuiteOptions", "read_suite", "run_suite", "write_suite_report"]
