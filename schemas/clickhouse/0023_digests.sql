CREATE TABLE IF NOT EXISTS digests
(
    station LowCardinality(String) COMMENT 'Station code',
    hour DateTime('UTC') COMMENT 'Start of the hour, UTC: readings whose stamp lies in it' CODEC(DoubleDelta, ZSTD(1)),
    readings UInt32 COMMENT 'Readings, whatever their flag; in their newest version' CODEC(ZSTD(1)),
    digest UInt64 COMMENT 'Sum of their hashes modulo 2^64 (docs/reconciliation.md)',
    is_pending UInt8 COMMENT '1 = readings have come since and the hour has yet to be summed up' CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') COMMENT 'When the readings were read or came, UTC; the latest row counts' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(hour)
ORDER BY (station, hour)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Count and digest of the readings of each station and hour, to be compared with another tier; read with FINAL';

INSERT INTO digests
SELECT station, toStartOfHour(measured_at) AS hour, count() AS readings,
    sum(xxHash64(concat(station, '\t', parameter, '\t', unit, '\t', status, '\t', qualifier, '\t',
        reinterpretAsFixedString(toUnixTimestamp(measured_at)), reinterpretAsFixedString(value),
        reinterpretAsFixedString(flag), reinterpretAsFixedString(version)))) AS digest,
    0 AS is_pending, toDateTime64(0, 3, 'UTC') AS computed_at
FROM readings FINAL
GROUP BY station, hour
SETTINGS do_not_merge_across_partitions_select_final = 1, max_partitions_per_insert_block = 0;

CREATE TABLE IF NOT EXISTS reconciliations
(
    reconciled_at DateTime64(3, 'UTC') COMMENT 'When the comparison ended, UTC',
    ministry LowCardinality(String) COMMENT 'Name of the ministry that was compared with',
    started_by LowCardinality(String) COMMENT 'nightly, or the person who asked',
    from_at DateTime('UTC') COMMENT 'Start of what was compared, by the time of measurement, UTC',
    to_at DateTime('UTC') COMMENT 'Its end, exclusive, UTC',
    station LowCardinality(String) COMMENT 'Only this station; empty = all',
    readings UInt64 COMMENT 'Readings that the province had in the span',
    differences UInt64 COMMENT 'Readings, averages and indices that were not alike',
    repaired UInt64 COMMENT 'Those that were alike after the readings had been sent again',
    kinds Map(LowCardinality(String), UInt64) COMMENT 'Differences by what was compared and how it differed, such as readings/missing-at-ministry',
    requests UInt32 COMMENT 'Questions to the ministry',
    seconds Float64 COMMENT 'How long it took',
    first_differences String COMMENT 'The first 100 of those that remain, JSON'
)
ENGINE = ReplacingMergeTree
ORDER BY (ministry, reconciled_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What comparisons with the ministry have found; kept for ever';

ALTER TABLE alerts
    COMMENT COLUMN kind 'station-silent, parameter-silent, data-incomplete, analyser-stuck, limit-exceeded, warning-level, backlog-arriving, lines-rejected, files-unassigned, logins-refused, reconciliation, data-share-faulty',
    COMMENT COLUMN station 'Station code; empty where it is about files of no station, about logins or about the ministry: facts says which';

CREATE OR REPLACE VIEW alerts_current
(
    alert_id String COMMENT 'Function of the cause and the opening time',
    station LowCardinality(String) COMMENT 'Station code; empty where it is about files of no station, about logins or about the ministry',
    parameter LowCardinality(String) COMMENT 'Catalogue code; empty = the whole station',
    kind LowCardinality(String) COMMENT 'station-silent, parameter-silent, data-incomplete, analyser-stuck, limit-exceeded, warning-level, backlog-arriving, lines-rejected, files-unassigned, logins-refused, reconciliation, data-share-faulty',
    severity LowCardinality(String) COMMENT 'info, warning, critical',
    state LowCardinality(String) COMMENT 'opened, updated, closed',
    opened_at DateTime('UTC') COMMENT 'When the cause began to hold, by the data, UTC',
    opened_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    changed_at DateTime64(3, 'UTC') COMMENT 'When this state came about, UTC',
    changed_local DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    detail String COMMENT 'One sentence',
    facts Map(LowCardinality(String), String) COMMENT 'What the sentence is made of; times ISO 8601 in UTC'
)
AS SELECT alert_id, station, parameter, kind, severity, state, opened_at, toTimeZone(opened_at,
    'Asia/Ho_Chi_Minh') AS opened_local, changed_at, toTimeZone(changed_at, 'Asia/Ho_Chi_Minh') AS
    changed_local, detail, facts
FROM alerts FINAL
COMMENT 'Alerts in their present state';
