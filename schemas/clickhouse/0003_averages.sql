CREATE TABLE IF NOT EXISTS averages
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'hour',
    starts_at DateTime('UTC') COMMENT 'Inclusive, UTC' CODEC(DoubleDelta, ZSTD(1)),
    ends_at DateTime('UTC') COMMENT 'Exclusive, UTC' CODEC(DoubleDelta, ZSTD(1)),
    unit LowCardinality(String) COMMENT 'Unit of mean, minimum and maximum',
    mean Nullable(Float64) COMMENT 'Of the readings that count; NULL when none does' CODEC(ZSTD(1)),
    minimum Nullable(Float64) COMMENT 'Of the readings that count' CODEC(ZSTD(1)),
    maximum Nullable(Float64) COMMENT 'Of the readings that count' CODEC(ZSTD(1)),
    count UInt32 COMMENT 'Readings that count: flagged good' CODEC(ZSTD(1)),
    received UInt32 COMMENT 'All readings of the period, whatever their flag' CODEC(ZSTD(1)),
    expected UInt32 COMMENT 'Readings the station''s interval allows' CODEC(ZSTD(1)),
    completeness Float64 COMMENT 'count / expected' CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC' CODEC(Delta, ZSTD(1)),
    version UInt32 COMMENT 'Counts up when the same period gives another result' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(starts_at)
ORDER BY (station, parameter, period, starts_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Averages; read with FINAL';
