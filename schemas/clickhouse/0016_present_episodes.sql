ALTER TABLE alerts
    COMMENT COLUMN kind 'station-silent, parameter-silent, data-incomplete, analyser-stuck, limit-exceeded, warning-level, backlog-arriving, lines-rejected, files-unassigned, logins-refused',
    COMMENT COLUMN station 'Station code; empty where it is about files of no station, or about logins: facts names the account or the address';

ALTER TABLE exceedances
    COMMENT COLUMN open '1 = no later complete average within the limit is known; of several episodes that are open the newest is present (exceedances_current)';

CREATE OR REPLACE VIEW exceedances_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'Of the averages that were judged: hour, 8h, day, month, year',
    standard LowCardinality(String) COMMENT 'Such as QCVN 40:2011/BTNMT, or the number of the permit that states the limit',
    column LowCardinality(String) COMMENT 'Column of the standard; empty where it has none',
    minimum Nullable(Float64) COMMENT 'What the average must not be below, coefficients multiplied in; NULL = none',
    maximum Nullable(Float64) COMMENT 'What the average must not be above, coefficients multiplied in; NULL = none',
    unit LowCardinality(String) COMMENT 'Unit of minimum and maximum',
    starts_at DateTime('UTC') COMMENT 'Start of the first average beyond the limit, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    ends_at DateTime('UTC') COMMENT 'End of the last one, UTC',
    ends_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    periods UInt32 COMMENT 'Consecutive averages beyond the limit',
    peak Float64 COMMENT 'The mean farthest beyond the limit, corrected to the reference oxygen where the limit has one',
    peak_at DateTime('UTC') COMMENT 'Start of its period, UTC',
    ratio Float64 COMMENT 'Peak to maximum, or minimum to peak',
    open UInt8 COMMENT '1 = no later complete average within the limit is known, nor a later episode: what follows a gap takes its place',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, period, standard, column, minimum, maximum, unit, starts_at,
    toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local, ends_at, toTimeZone(ends_at,
    'Asia/Ho_Chi_Minh') AS ends_local, periods, peak, peak_at, ratio,
    toUInt8(episodes.open = 1 AND starts_at = max(starts_at) OVER (PARTITION BY station, parameter, period, standard, column)) AS open,
    computed_at
FROM
(
    SELECT * FROM exceedances FINAL
    ORDER BY version DESC, computed_at DESC
    LIMIT 1 BY station, parameter, period, standard, column, starts_at
) AS episodes
WHERE periods > 0
COMMENT 'Episodes of complete averages beyond a limit as they stand now';

CREATE OR REPLACE VIEW alerts_current
(
    alert_id String COMMENT 'Function of the cause and the opening time',
    station LowCardinality(String) COMMENT 'Station code; empty where it is about files of no station, or about logins',
    parameter LowCardinality(String) COMMENT 'Catalogue code; empty = the whole station',
    kind LowCardinality(String) COMMENT 'station-silent, parameter-silent, data-incomplete, analyser-stuck, limit-exceeded, warning-level, backlog-arriving, lines-rejected, files-unassigned, logins-refused',
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
