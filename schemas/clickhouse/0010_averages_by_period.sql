CREATE OR REPLACE TABLE averages_by_period AS averages
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(starts_at)
ORDER BY (period, station, parameter, starts_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Averages; read with FINAL. The period comes first in the key: the 30 days of a month would lie among 1,400 shorter averages';

INSERT INTO averages_by_period SELECT * FROM averages FINAL;

EXCHANGE TABLES averages AND averages_by_period;

INSERT INTO averages SELECT * FROM averages_by_period WHERE computed_at > now() - INTERVAL 1 DAY;

DROP TABLE averages_by_period;
