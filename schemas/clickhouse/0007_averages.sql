ALTER TABLE averages
    ADD COLUMN IF NOT EXISTS total Nullable(Float64) DEFAULT NULL COMMENT 'Sum of the members where values are added up (rain); else NULL' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS sd Nullable(Float64) DEFAULT NULL COMMENT 'Standard deviation (n - 1) of the members; NULL below two; of an angle after Yamartino' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS p05 Nullable(Float64) DEFAULT NULL COMMENT '5th percentile of the members, linear; NULL of an angle' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS p25 Nullable(Float64) DEFAULT NULL COMMENT '25th percentile of the members, linear; NULL of an angle' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS p50 Nullable(Float64) DEFAULT NULL COMMENT '50th percentile of the members, linear; NULL of an angle' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS p75 Nullable(Float64) DEFAULT NULL COMMENT '75th percentile of the members, linear; NULL of an angle' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS p95 Nullable(Float64) DEFAULT NULL COMMENT '95th percentile of the members, linear; NULL of an angle' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS p98 Nullable(Float64) DEFAULT NULL COMMENT '98th percentile of the members, linear; NULL of an angle' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS good UInt32 DEFAULT count COMMENT 'Readings flagged 1, good; like all that follow of the readings themselves, whatever the period' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS not_evaluated UInt32 DEFAULT 0 COMMENT 'Readings flagged 2, not evaluated' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS suspect UInt32 DEFAULT 0 COMMENT 'Readings flagged 3, suspect' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS fail UInt32 DEFAULT 0 COMMENT 'Readings flagged 4, fail' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS missing UInt32 DEFAULT 0 COMMENT 'Readings flagged 9, missing' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS first_at DateTime('UTC') DEFAULT toDateTime(0, 'UTC') COMMENT 'Time of the first reading, UTC; 1970 where an older release computed the row' CODEC(Delta, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS last_at DateTime('UTC') DEFAULT toDateTime(0, 'UTC') COMMENT 'Time of the last reading, UTC; 1970 where an older release computed the row' CODEC(Delta, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS complete UInt8 DEFAULT completeness >= 0.75 COMMENT '1 = enough members count; 0 = stored, but no member of a longer period' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS content UInt64 DEFAULT 0 COMMENT 'Hash of all but version and computed_at: tells whether a recomputation is another result' CODEC(ZSTD(1));

ALTER TABLE averages
    COMMENT COLUMN period 'hour, 8h, day, month, year; day, month and year are Vietnam''s (UTC+7)',
    COMMENT COLUMN mean 'Of the members that count: readings of an hour, hours of 8h and day, days of month and year; NULL when none does',
    COMMENT COLUMN minimum 'Of the members that count',
    COMMENT COLUMN maximum 'Of the members that count',
    COMMENT COLUMN count 'Members that count',
    COMMENT COLUMN expected 'Members there could be: readings by the station''s interval of then, 8 or 24 hours, the days';

CREATE TABLE IF NOT EXISTS average_versions AS averages
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(starts_at)
ORDER BY (station, parameter, period, starts_at, version)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every version of an average made after its period was over; the present one is in averages';

INSERT INTO average_versions SELECT * FROM averages FINAL;

CREATE TABLE IF NOT EXISTS indices
(
    station LowCardinality(String) COMMENT 'Station code',
    kind LowCardinality(String) COMMENT 'VN_AQI or VN_WQI',
    period LowCardinality(String) COMMENT 'hour or day; the day is Vietnam''s (UTC+7)',
    starts_at DateTime('UTC') COMMENT 'Inclusive, UTC' CODEC(DoubleDelta, ZSTD(1)),
    ends_at DateTime('UTC') COMMENT 'Exclusive, UTC' CODEC(DoubleDelta, ZSTD(1)),
    value Nullable(UInt16) COMMENT 'The index; NULL where the decision gives none',
    level LowCardinality(String) COMMENT 'English name of its level; empty without an index',
    responsible Array(LowCardinality(String)) COMMENT 'Parameters that give it: of VN_AQI the highest, of VN_WQI the lowest sub-index',
    subindices Map(LowCardinality(String), Float64) COMMENT 'Parameter -> sub-index',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC' CODEC(Delta, ZSTD(1)),
    version UInt32 COMMENT 'Counts up when the same period gives another result'
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(starts_at)
ORDER BY (station, kind, period, starts_at, version)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Indices of stations that the registry lets publish; every version is kept, the highest counts';
