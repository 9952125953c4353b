CREATE TABLE IF NOT EXISTS readings
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    measured_at DateTime('UTC') COMMENT 'UTC, seconds as sent' CODEC(DoubleDelta, ZSTD(1)),
    value Float64 COMMENT 'In unit' CODEC(ZSTD(1)),
    text String COMMENT 'The value as sent, where it is not the shortest decimal of value; else empty' CODEC(ZSTD(1)),
    unit LowCardinality(String) COMMENT 'Unit of value; empty = dimensionless',
    status LowCardinality(String) COMMENT 'Device status as sent: 00 measuring, 01 calibrating, 02 device error',
    flag UInt8 COMMENT 'QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing' CODEC(ZSTD(1)),
    tests LowCardinality(String) COMMENT 'Outcome of each quality test, JSON object name -> flag',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'received_at in ms * 1024 + re-judgement; the highest wins' CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(toInt64(bitShiftRight(version, 10)), 'UTC')
        COMMENT 'When the intake had the file, UTC'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(measured_at)
ORDER BY (station, parameter, measured_at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'One row a station, parameter and time; read with FINAL. The file is found by (station, received_at)';
