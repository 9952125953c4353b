CREATE TABLE IF NOT EXISTS raw_files
(
    station LowCardinality(String) COMMENT 'Station code; the account name while no station is assigned',
    file_id String COMMENT 'SHA-256 of the content, lower-case hex',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the whole file, UTC',
    name String COMMENT 'File name as sent',
    path String COMMENT 'Folder below the account''s root, as sent',
    account LowCardinality(String) COMMENT 'Account that sent it',
    transport LowCardinality(String) COMMENT 'ftp, http, ...',
    content String COMMENT 'The exact bytes' CODEC(ZSTD(3)),
    INDEX by_file_id file_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (station, file_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every file as a station sent it; kept for ever';

CREATE TABLE IF NOT EXISTS files
(
    station LowCardinality(String) COMMENT 'Station code; empty when no station could be assigned',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the whole file, UTC' CODEC(Delta, ZSTD(1)),
    file_id String COMMENT 'SHA-256 of the content, lower-case hex',
    name String COMMENT 'File name as sent',
    account LowCardinality(String) COMMENT 'Account that sent it',
    transport LowCardinality(String) COMMENT 'ftp, http, ...',
    format LowCardinality(String) COMMENT 'Dialect that read it; empty when nothing was readable',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    readings UInt32 COMMENT 'Readings it gave',
    rejects UInt32 COMMENT 'Lines that gave none',
    INDEX by_file_id file_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (station, received_at, file_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'One row a file that was read and judged; (station, received_at) identifies it';

CREATE TABLE IF NOT EXISTS rejects
(
    station LowCardinality(String) COMMENT 'Station code; empty when no station could be assigned',
    received_at DateTime64(3, 'UTC') COMMENT 'Of the file, UTC' CODEC(Delta, ZSTD(1)),
    file_id String COMMENT 'SHA-256 of the file''s content',
    line UInt32 COMMENT 'Line in the file, from 1; 0 = the whole file',
    text String COMMENT 'The line as read',
    reason LowCardinality(String) COMMENT 'Stable reason code',
    detail String COMMENT 'One sentence'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (station, received_at, file_id, line)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Lines that gave no reading, with the reason';
