"""Quality control: pure tests over window matrices, and the judge that applies them to readings.

A *test* is a function ``test(window, *, thresholds...)`` that returns one QARTOD outcome a row; it lives in
the file of its name. To add one: write that file, add a line in :mod:`quantrac.domain.qa.checks.table`, and
give its thresholds in the rule files. The flow of a batch:

``memory`` (recent readings a series) → ``window`` (one row a reading) → ``evaluate`` (every test, guarded,
with the thresholds that ``expectations`` gathers from rules and registry) → ``judge`` (flagged sets).
"""
