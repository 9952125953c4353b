CREATE TABLE IF NOT EXISTS receipts
(
    station LowCardinality(String) COMMENT 'Station code',
    file_id String COMMENT 'SHA-256 of the file whose readings were delivered',
    target LowCardinality(String) COMMENT 'Name of the ministry endpoint',
    delivery_id String COMMENT 'SHA-256 of the delivery',
    received_at DateTime64(3, 'UTC') COMMENT 'When the province had the file, UTC',
    confirmed_at DateTime64(3, 'UTC') COMMENT 'When the ministry accepted it, UTC',
    readings UInt32 COMMENT 'Readings delivered'
)
ENGINE = ReplacingMergeTree(confirmed_at)
PARTITION BY toYYYYMM(received_at)
ORDER BY (station, file_id, target)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What the ministry confirmed, one row a file';
