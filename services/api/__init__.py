"""API: what is stored, out over REST, down to the line of the file that a number came from.

Reads: ClickHouse (readings, averages, indices, exceedances, alerts, files, rejects, raw files, receipts);
  station-registry.
Writes: HTTP answers and nothing else.
Key: none; a station's data are read by its code, with an API key that may be limited to provinces.
Guarantee: a row that ClickHouse has acknowledged is in the next answer, once.
Replay: nothing to replay; a restart reads the registry again.
"""
