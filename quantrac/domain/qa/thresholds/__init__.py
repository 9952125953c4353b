"""Which thresholds hold for which reading: rules and registry gathered into columns."""
