"""A thousand damaged files: each is read, or refused in a sentence; `make soak` damages a million."""

from __future__ import annotations

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
pytestmark = pytest.mark.usefixtures("posix")


def test_damaged_files_are_read_or_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fuzz_targets
    from fuzz_readers import fuzz

    targets = fuzz_targets.all_targets(tmp_path)
    tally = fuzz(targets, tmp_path, inputs=30 * len(targets), seed=1)
    assert list(tally.findings.values()) == []
    read = {name for name, outcome in tally.outcomes if outcome in ("read", "written again")}
    refused = {name for name, outcome in tally.outcomes if outcome == "refused"}
    # Half of what is damaged is read all the same: the mutations do not only break the first byte.
    assert len(read) > 0.8 * len(targets) < len(refused)


def test_the_fuzzer_finds_what_a_reader_raises_and_what_takes_too_long(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fuzz_readers
    from fuzz_targets import Target

    file = tmp_path / "a.txt"
    file.write_text("1 2 3")

    def read():
        if file.read_text(errors="replace")[:1] != "1":
            while True:
                pass
        return float(file.read_text(errors="replace").split()[-1])

    monkeypatch.setattr(fuzz_readers, "LIMIT_S", 0.05)
    target = Target(name="fragile", file=file, good=file.read_bytes(), read=read)
    tally = fuzz_readers.fuzz([target], tmp_path, inputs=60)
    assert any("ValueError" in finding for finding in tally.findings.values())
    assert any("TooLong" in finding for finding in tally.findings.values())
