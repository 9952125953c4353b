"""Quality control: pure tests over window matrices, and the judge that applies them to readings.

A *test* is a function ``test(window, *, thresholds...)`` that returns one QARTOD outcome a row; it lives in
the file of its name. To add one: write that file, add a line in :mod:`quantrac.domain.qa.checks.table`, and
give its thresholds in the rule files.

- ``checks``: the tests, and the table of them.
- ``thresholds``: which thresholds hold for which reading, gathered from rules and registry into columns.
- ``baseline``: what a series' own past and its neighbours say.
- ``live``: judges arrivals. ``batch`` (sets in columns) → ``memory`` (recent readings of each series) →
  ``window`` (one row a reading) → ``evaluate`` (every test, guarded) → ``judge`` (flagged sets).
- ``stored``: judges stored readings of any order: rejudging, explanations, files at a desk.

The two forms import nothing of each other. What they must do alike stands in ``shared_rules``, ``evaluate``,
``window`` and ``decisions``.
"""
