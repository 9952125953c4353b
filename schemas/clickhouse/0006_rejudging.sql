CREATE TABLE IF NOT EXISTS baseline_blocks
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    block DateTime('UTC') COMMENT 'Start of the block of six hours, on the UTC grid' CODEC(DoubleDelta, ZSTD(1)),
    median Float64 COMMENT 'Of the clean readings, in their unit; NaN without any' CODEC(ZSTD(1)),
    step Float64 COMMENT 'High quantile of the steps between two clean readings; NaN without any' CODEC(ZSTD(1)),
    low Float64 COMMENT 'Least clean value; NaN without any' CODEC(ZSTD(1)),
    high Float64 COMMENT 'Greatest clean value; NaN without any' CODEC(ZSTD(1)),
    count UInt32 COMMENT 'Clean readings' CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC; the latest counts' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(block)
ORDER BY (station, parameter, block)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What one block of one series was like, from its clean readings; read with FINAL';

CREATE TABLE IF NOT EXISTS reading_revisions
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    measured_at DateTime('UTC') COMMENT 'UTC, seconds as sent' CODEC(DoubleDelta, ZSTD(1)),
    value Float64 COMMENT 'In unit' CODEC(ZSTD(1)),
    text String COMMENT 'The value as sent, where it is not the shortest decimal of value; else empty' CODEC(ZSTD(1)),
    unit LowCardinality(String) COMMENT 'Unit of value; empty = dimensionless',
    status LowCardinality(String) COMMENT 'Device status as sent',
    flag UInt8 COMMENT 'QARTOD flag it had' CODEC(ZSTD(1)),
    tests LowCardinality(String) COMMENT 'Outcome of each quality test, JSON object name -> flag',
    rules LowCardinality(String) COMMENT 'Version of the rule set that had judged it',
    line UInt32 COMMENT 'Line in the file, from 1' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'received_at in ms * 1024 + re-judgement' CODEC(Delta, ZSTD(1)),
    superseded_by UInt64 COMMENT 'Version of the row that counts instead' CODEC(Delta, ZSTD(1)),
    cause LowCardinality(String) COMMENT 'Why it was judged again: late, decision, replay, ...; empty = another file gave the reading',
    superseded_at DateTime('UTC') DEFAULT now() COMMENT 'When the other row came, UTC' CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(toInt64(bitShiftRight(version, 10)), 'UTC')
        COMMENT 'When the intake had the file, UTC'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(measured_at)
ORDER BY (station, parameter, measured_at, version)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Readings as they stood before a correction or a re-judgement; those that count are in readings';

ALTER TABLE receipts
    ADD COLUMN IF NOT EXISTS revision UInt16 COMMENT 'Which re-judgement of the file was delivered; 0 = its first',
    MODIFY ORDER BY (station, file_id, target, revision);
