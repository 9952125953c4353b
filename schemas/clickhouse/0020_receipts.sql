CREATE TABLE IF NOT EXISTS deliveries
(
    delivery_id String COMMENT 'SHA-256 of the delivery: of its uncompressed body',
    target LowCardinality(String) COMMENT 'Name of the ministry',
    account LowCardinality(String) COMMENT 'The province''s account at the ministry, which had sent it',
    sent_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the province first sent it, UTC; NULL at the ministry',
    confirmed_at DateTime64(3, 'UTC') COMMENT 'When the ministry accepted it, UTC',
    sets UInt32 COMMENT 'Sets that the ministry has, those that wait among them',
    waiting UInt32 COMMENT 'Of these, sets that the ministry kept until their station is approved there',
    rejected UInt32 COMMENT 'Sets that the ministry rejected; why stands in rejected_sets',
    readings UInt64 COMMENT 'Readings of the sets that the ministry has',
    bytes UInt32 COMMENT 'Length of the uncompressed body',
    tries UInt32 COMMENT 'How often the province sent it until it had the receipt; 0 at the ministry',
    receipt String COMMENT 'The receipt as the ministry signed it: a JWS' CODEC(ZSTD(1)),
    contents String COMMENT 'The sets that the ministry has, one line each: line, station, file_id, revision, readings, with tabs; the receipt states its SHA-256' CODEC(ZSTD(1)),
    INDEX by_delivery_id delivery_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(confirmed_at)
ORDER BY (confirmed_at, target, account, delivery_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'One row a receipt; a delivery sent again days later has one for each; read with FINAL';

CREATE TABLE IF NOT EXISTS rejected_sets
(
    station LowCardinality(String) COMMENT 'Station code, as the set has it; empty = the line could not be read',
    file_id String COMMENT 'SHA-256 of the file, as the set has it; empty = the line could not be read',
    target LowCardinality(String) COMMENT 'Name of the ministry',
    account LowCardinality(String) COMMENT 'The province''s account at the ministry, which had sent it',
    delivery_id String COMMENT 'SHA-256 of the delivery',
    line UInt32 COMMENT 'Line in the delivery, from 1',
    received_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the province had the file, UTC; NULL = the line could not be read',
    revision UInt16 COMMENT 'Which re-judgement of the file it was; 0 = its first',
    rejected_at DateTime64(3, 'UTC') COMMENT 'When the ministry rejected it, UTC: confirmed_at of the delivery',
    reason String COMMENT 'Why: one sentence'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(rejected_at)
ORDER BY (station, file_id, target, revision, rejected_at, account, delivery_id, line)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Sets that the ministry rejected, one row a delivery and line; one that came through later has a row in receipts, too; read with FINAL';

ALTER TABLE receipts
    ADD COLUMN IF NOT EXISTS account LowCardinality(String) COMMENT 'The province''s account at the ministry, which had sent it' AFTER delivery_id,
    ADD COLUMN IF NOT EXISTS waiting UInt8 COMMENT '1 = the ministry kept the set until the station is approved there; else 0';
