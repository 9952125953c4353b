"""Files become readings: topic raw-file to parsed-reading."""
