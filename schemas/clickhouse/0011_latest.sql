CREATE TABLE IF NOT EXISTS latest_readings
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    ahead_month Date COMMENT 'Month (UTC) of measured_at where that lies ahead of the receipt; else 1970-01-01',
    measured_at DateTime('UTC') COMMENT 'UTC, seconds as sent',
    value Float64 COMMENT 'In unit',
    text String COMMENT 'The value as sent, where it is not the shortest decimal of value; else empty',
    unit LowCardinality(String) COMMENT 'Unit of value; empty = dimensionless',
    status LowCardinality(String) COMMENT 'Device status as sent: 00 measuring, 01 calibrating, 02 device error',
    flag UInt8 COMMENT 'QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing',
    tests LowCardinality(String) COMMENT 'Outcome of each quality test, JSON object name -> flag',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1',
    version UInt64 COMMENT 'received_at in ms * 1024 + re-judgement',
    rank UInt128 COMMENT 'measured_at in seconds * 2^64 + version; the highest wins',
    received_at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(toInt64(bitShiftRight(version, 10)), 'UTC')
        COMMENT 'When the intake had the file, UTC'
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY ahead_month
ORDER BY (station, parameter, ahead_month)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'The newest reading of each series, of those stamped ahead of their receipt the newest of each month; read latest_current';

CREATE MATERIALIZED VIEW IF NOT EXISTS readings_to_latest TO latest_readings
(
    station LowCardinality(String) COMMENT 'As in latest_readings',
    parameter LowCardinality(String) COMMENT 'As in latest_readings',
    ahead_month Date COMMENT 'As in latest_readings',
    measured_at DateTime('UTC') COMMENT 'As in latest_readings',
    value Float64 COMMENT 'As in latest_readings',
    text String COMMENT 'As in latest_readings',
    unit LowCardinality(String) COMMENT 'As in latest_readings',
    status LowCardinality(String) COMMENT 'As in latest_readings',
    flag UInt8 COMMENT 'As in latest_readings',
    tests LowCardinality(String) COMMENT 'As in latest_readings',
    rules LowCardinality(String) COMMENT 'As in latest_readings',
    line UInt32 COMMENT 'As in latest_readings',
    version UInt64 COMMENT 'As in latest_readings',
    rank UInt128 COMMENT 'As in latest_readings'
)
AS SELECT station, parameter,
    if(toUnixTimestamp(measured_at) * 1000 > bitShiftRight(version, 10), toStartOfMonth(measured_at), toDate(0)) AS ahead_month,
    measured_at, value, text, unit, status, flag, tests, rules, line, version,
    bitOr(bitShiftLeft(toUInt128(toUnixTimestamp(measured_at)), 64), version) AS rank
FROM readings
COMMENT 'Writes every inserted row of readings to latest_readings as well, which keeps the newest';

INSERT INTO latest_readings
SELECT station, parameter,
    if(toUnixTimestamp(measured_at) * 1000 > bitShiftRight(version, 10), toStartOfMonth(measured_at), toDate(0)) AS ahead_month,
    measured_at, value, text, unit, status, flag, tests, rules, line, version,
    bitOr(bitShiftLeft(toUInt128(toUnixTimestamp(measured_at)), 64), version) AS rank
FROM readings FINAL
WHERE (station, parameter, measured_at) IN
(
    SELECT station, parameter, max(measured_at)
    FROM readings
    GROUP BY station, parameter,
        if(toUnixTimestamp(measured_at) * 1000 > bitShiftRight(version, 10), toStartOfMonth(measured_at), toDate(0))
    SETTINGS optimize_aggregation_in_order = 1
)
SETTINGS do_not_merge_across_partitions_select_final = 1, max_partitions_per_insert_block = 0;

CREATE OR REPLACE VIEW latest_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    measured_at DateTime('UTC') COMMENT 'UTC, seconds as sent; before now: what is stamped ahead of the clock is left out',
    measured_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    value Float64 COMMENT 'In unit',
    unit LowCardinality(String) COMMENT 'Unit of value; empty = dimensionless',
    status LowCardinality(String) COMMENT 'Device status as sent: 00 measuring, 01 calibrating, 02 device error',
    flag UInt8 COMMENT 'QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing',
    tests LowCardinality(String) COMMENT 'Outcome of each quality test, JSON object name -> flag',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the file, UTC; with the station it names the file in files'
)
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, flag, tests, rules, line, received_at
FROM
(
    SELECT station, parameter, measured_at, value, unit, status, flag, tests, rules, line, received_at, version
    FROM latest_readings FINAL
    WHERE measured_at < now()
    UNION ALL
    SELECT station, parameter, measured_at, value, unit, status, flag, tests, rules, line, received_at, version
    FROM readings FINAL
    WHERE (station, parameter, measured_at) GLOBAL IN
    (
        SELECT station, parameter, max(measured_at)
        FROM readings
        WHERE measured_at < now() AND (station, parameter) GLOBAL IN
        (
            SELECT station, parameter FROM latest_readings
            WHERE measured_at >= now() AND ahead_month <= toDate(now(), 'UTC')
        )
        GROUP BY station, parameter
    )
)
ORDER BY station, parameter, measured_at DESC, version DESC
LIMIT 1 BY station, parameter
COMMENT 'The newest reading of each station and parameter; what is stamped ahead of the clock is left out';
