"""Which thresholds hold for which reading: rules and registry gathered into columns.

``rule_book`` (what rules must offer) → ``columns`` (one value a profile) → ``profile_table`` (all profiles) →
``spans`` (those of a parameter, by time) → ``kinds`` (stations of which the same is expected) → ``profiles``
(those of one station) → ``expectations`` (what a judge asks).
"""
