CREATE TABLE IF NOT EXISTS exceedances
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'Of the averages that were judged: hour, 8h, day, month, year',
    standard LowCardinality(String) COMMENT 'Such as QCVN 40:2011/BTNMT, or the number of the permit that states the limit',
    column LowCardinality(String) COMMENT 'Column of the standard; empty where it has none',
    minimum Nullable(Float64) COMMENT 'Limit that the average must not be below, coefficients multiplied in; NULL = none',
    maximum Nullable(Float64) COMMENT 'Limit that the average must not be above, coefficients multiplied in; NULL = none',
    unit LowCardinality(String) COMMENT 'Unit of limits and peak',
    starts_at DateTime('UTC') COMMENT 'Start of the first average beyond the limit, UTC' CODEC(DoubleDelta, ZSTD(1)),
    ends_at DateTime('UTC') COMMENT 'End of the last one, UTC' CODEC(DoubleDelta, ZSTD(1)),
    periods UInt32 COMMENT 'Consecutive averages beyond the limit; 0 = withdrawn: data that changed since leave nothing of the episode',
    peak Float64 COMMENT 'The mean farthest beyond the limit, corrected to the reference oxygen where the limit has one',
    peak_at DateTime('UTC') COMMENT 'Start of its period, UTC',
    ratio Float64 COMMENT 'Peak to maximum, or minimum to peak',
    open UInt8 COMMENT '1 = no later complete average within the limit is known',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC' CODEC(Delta, ZSTD(1)),
    version UInt32 COMMENT 'Counts up when the same episode comes out otherwise'
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(starts_at)
ORDER BY (station, parameter, period, standard, column, starts_at, version)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Episodes of complete averages beyond a limit; every version is kept, the highest counts';

CREATE TABLE IF NOT EXISTS alerts
(
    alert_id String COMMENT 'Function of the cause and the opening time',
    kind LowCardinality(String) COMMENT 'station-silent, parameter-silent, data-incomplete, analyser-stuck, limit-exceeded, warning-level, backlog-arriving',
    severity LowCardinality(String) COMMENT 'info, warning, critical',
    state LowCardinality(String) COMMENT 'opened, updated, closed',
    version UInt32 COMMENT 'Counts the states of this alert; the highest counts',
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code; empty = the whole station',
    opened_at DateTime('UTC') COMMENT 'When the cause began to hold, by the data, UTC',
    changed_at DateTime64(3, 'UTC') COMMENT 'When this state came about, UTC',
    detail String COMMENT 'One sentence, English',
    facts Map(LowCardinality(String), String) COMMENT 'What the sentence is made of; times ISO 8601 in UTC'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(opened_at)
ORDER BY (station, kind, parameter, opened_at, alert_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Alerts in their present state; read with FINAL';

CREATE TABLE IF NOT EXISTS notifications
(
    target LowCardinality(String) COMMENT 'Name of the target in the notifier''s configuration',
    alert_id String COMMENT 'Of the alert',
    version UInt32 COMMENT 'Which of its states the target was told',
    severity LowCardinality(String) COMMENT 'Of that state: info, warning, critical',
    outcome LowCardinality(String) COMMENT 'sent, digest (among others in one message), skipped (nothing left to tell), refused',
    detail String COMMENT 'What the target answered, where it refused; else empty',
    sent_at DateTime64(3, 'UTC') COMMENT 'When the target answered, UTC'
)
ENGINE = ReplacingMergeTree(sent_at)
PARTITION BY toYYYYMM(sent_at)
ORDER BY (target, alert_id, version)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Which target was told which state of an alert, and what it answered';
