CREATE TABLE IF NOT EXISTS registry_requests
(
    station LowCardinality(String) COMMENT 'Station code',
    province LowCardinality(String) COMMENT 'Two-digit code of today, as the entry that is asked for has it',
    account LowCardinality(String) COMMENT 'The province''s account at the ministry, which had sent the entry',
    version String COMMENT 'SHA-256 of the entry that is asked for',
    state LowCardinality(String) COMMENT 'Of that entry: waiting, approved, rejected',
    takes_sets UInt8 COMMENT '1 = the ministry takes the station''s sets: an entry approved before holds while a change waits; 0 = they wait there',
    reason String COMMENT 'Why it was decided so',
    decided_by String COMMENT 'Who decided; empty = nobody has, or nobody had to',
    decided_at Nullable(DateTime64(3, 'UTC')) COMMENT 'UTC; NULL = nobody has decided',
    sent_at DateTime64(3, 'UTC') COMMENT 'When the entry came to the ministry, UTC',
    changed_at DateTime64(3, 'UTC') COMMENT 'When this state came about, UTC',
    released_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Sets of the station that the ministry received before this time, UTC, wait no longer; NULL = none was released',
    entry String COMMENT 'The entry that is asked for, JSON as in station-registry' CODEC(ZSTD(3)),
    ministry_entry String COMMENT 'The ministry''s own entry where it is another one, JSON; else empty' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY station
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Stations that a province asks the ministry to take, in their present state; read with FINAL';

CREATE OR REPLACE VIEW waiting_sets
(
    station LowCardinality(String) COMMENT 'Station code',
    sets UInt64 COMMENT 'Sets that the ministry keeps until the station is approved there',
    readings UInt64 COMMENT 'Readings of these sets',
    since DateTime64(3, 'UTC') COMMENT 'When the ministry received the oldest of them, UTC'
)
AS SELECT r.station AS station, count() AS sets, sum(r.readings) AS readings, min(r.confirmed_at) AS since
FROM receipts AS r FINAL
GLOBAL INNER JOIN (SELECT station, released_at FROM registry_requests FINAL WHERE takes_sets = 0) AS q
    ON q.station = r.station
WHERE r.waiting = 1
    AND r.station GLOBAL IN (SELECT station FROM registry_requests FINAL WHERE takes_sets = 0)
    AND r.confirmed_at > ifNull(q.released_at, toDateTime64(0, 3, 'UTC'))
GROUP BY r.station
COMMENT 'Stations with sets that wait for their approval at the ministry, one row a station';
