ALTER TABLE readings
    ADD COLUMN IF NOT EXISTS qualifier LowCardinality(String) COMMENT '< or > where the true value lies beyond value, a limit of the method; else empty' AFTER status;

ALTER TABLE reading_revisions
    ADD COLUMN IF NOT EXISTS qualifier LowCardinality(String) COMMENT '< or > where the true value lies beyond value, a limit of the method; else empty' AFTER status;

ALTER TABLE latest_readings
    ADD COLUMN IF NOT EXISTS qualifier LowCardinality(String) COMMENT '< or > where the true value lies beyond value, a limit of the method; else empty' AFTER status;

ALTER TABLE readings_to_latest MODIFY QUERY
SELECT station, parameter,
    if(toUnixTimestamp(measured_at) * 1000 > bitShiftRight(version, 10), toStartOfMonth(measured_at), toDate(0)) AS ahead_month,
    measured_at, value, text, unit, status, qualifier, flag, tests, rules, line, version,
    bitOr(bitShiftLeft(toUInt128(toUnixTimestamp(measured_at)), 64), version) AS rank
FROM readings;

ALTER TABLE readings_to_latest
    COMMENT COLUMN station 'As in latest_readings',
    COMMENT COLUMN parameter 'As in latest_readings',
    COMMENT COLUMN ahead_month 'As in latest_readings',
    COMMENT COLUMN measured_at 'As in latest_readings',
    COMMENT COLUMN value 'As in latest_readings',
    COMMENT COLUMN text 'As in latest_readings',
    COMMENT COLUMN unit 'As in latest_readings',
    COMMENT COLUMN status 'As in latest_readings',
    COMMENT COLUMN qualifier 'As in latest_readings',
    COMMENT COLUMN flag 'As in latest_readings',
    COMMENT COLUMN tests 'As in latest_readings',
    COMMENT COLUMN rules 'As in latest_readings',
    COMMENT COLUMN line 'As in latest_readings',
    COMMENT COLUMN version 'As in latest_readings',
    COMMENT COLUMN rank 'As in latest_readings';

CREATE OR REPLACE VIEW readings_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    measured_at DateTime('UTC') COMMENT 'UTC, seconds as sent',
    measured_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    value Float64 COMMENT 'In unit',
    unit LowCardinality(String) COMMENT 'Unit of value; empty = dimensionless',
    status LowCardinality(String) COMMENT 'Device status as sent: 00 measuring, 01 calibrating, 02 device error',
    qualifier LowCardinality(String) COMMENT '< or > where the true value lies beyond value, a limit of the method; else empty',
    flag UInt8 COMMENT 'QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing',
    tests LowCardinality(String) COMMENT 'Outcome of each quality test, JSON object name -> flag',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the file, UTC; with the station it names the file in files'
)
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, qualifier, flag, tests, rules, line, received_at
FROM readings FINAL
COMMENT 'Readings as they stand now, one row a station, parameter and time';

CREATE OR REPLACE VIEW readings_as_of
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, qualifier, flag, tests, rules, line, received_at
FROM
(
    SELECT station, parameter, measured_at, value, unit, status, qualifier, flag, tests, rules, line, received_at, version FROM readings FINAL
    WHERE received_at <= {as_of:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT station, parameter, measured_at, value, unit, status, qualifier, flag, tests, rules, line, received_at, version FROM reading_revisions FINAL
    WHERE received_at <= {as_of:DateTime64(3, 'UTC')} AND superseded_at > {as_of:DateTime64(3, 'UTC')}
)
ORDER BY version
LIMIT 1 BY station, parameter, measured_at
COMMENT 'readings_as_of(as_of = ''2026-04-01 00:00:00''), UTC: readings as they stood then; the columns of readings_current';

CREATE OR REPLACE VIEW latest_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    measured_at DateTime('UTC') COMMENT 'UTC, seconds as sent; before now: what is stamped ahead of the clock is left out',
    measured_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    value Float64 COMMENT 'In unit',
    unit LowCardinality(String) COMMENT 'Unit of value; empty = dimensionless',
    status LowCardinality(String) COMMENT 'Device status as sent: 00 measuring, 01 calibrating, 02 device error',
    qualifier LowCardinality(String) COMMENT '< or > where the true value lies beyond value, a limit of the method; else empty',
    flag UInt8 COMMENT 'QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing',
    tests LowCardinality(String) COMMENT 'Outcome of each quality test, JSON object name -> flag',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the file, UTC; with the station it names the file in files'
)
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, qualifier, flag, tests, rules, line, received_at
FROM
(
    SELECT station, parameter, measured_at, value, unit, status, qualifier, flag, tests, rules, line, received_at, version
    FROM latest_readings FINAL
    WHERE measured_at < now()
    UNION ALL
    SELECT station, parameter, measured_at, value, unit, status, qualifier, flag, tests, rules, line, received_at, version
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

ALTER TABLE averages
    ADD COLUMN IF NOT EXISTS qualified UInt32 DEFAULT 0 COMMENT 'Readings beyond a limit of the method, whatever their flag; one below it counts as a share of the limit' CODEC(ZSTD(1)) AFTER missing;

ALTER TABLE average_versions
    ADD COLUMN IF NOT EXISTS qualified UInt32 DEFAULT 0 COMMENT 'Readings beyond a limit of the method, whatever their flag; one below it counts as a share of the limit' CODEC(ZSTD(1)) AFTER missing;

CREATE OR REPLACE VIEW averages_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'hour, 8h, day, month, year; day, month and year are Vietnam''s (UTC+7)',
    starts_at DateTime('UTC') COMMENT 'Inclusive, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    ends_at DateTime('UTC') COMMENT 'Exclusive, UTC',
    day Date COMMENT 'Vietnam''s day that it starts in',
    unit LowCardinality(String) COMMENT 'Unit of the figures',
    mean Nullable(Float64) COMMENT 'Of the members that count: readings of an hour, hours of 8h and day, days of month and year; NULL when none does',
    total Nullable(Float64) COMMENT 'Sum of the members where values are added up (rain); else NULL',
    minimum Nullable(Float64) COMMENT 'Of the members that count',
    maximum Nullable(Float64) COMMENT 'Of the members that count',
    sd Nullable(Float64) COMMENT 'Standard deviation (n - 1) of the members; of an angle after Yamartino',
    p05 Nullable(Float64) COMMENT '5th percentile of the members, linear; NULL of an angle',
    p25 Nullable(Float64) COMMENT '25th percentile of the members, linear; NULL of an angle',
    p50 Nullable(Float64) COMMENT '50th percentile of the members, linear; NULL of an angle',
    p75 Nullable(Float64) COMMENT '75th percentile of the members, linear; NULL of an angle',
    p95 Nullable(Float64) COMMENT '95th percentile of the members, linear; NULL of an angle',
    p98 Nullable(Float64) COMMENT '98th percentile of the members, linear; NULL of an angle',
    count UInt32 COMMENT 'Members that count',
    expected UInt32 COMMENT 'Members there could be: readings by the station''s interval of then, 8 or 24 hours, the days',
    completeness Float64 COMMENT 'count / expected',
    complete UInt8 COMMENT '1 = enough members count; judge only by these',
    received UInt32 COMMENT 'All readings of the period, whatever their flag',
    good UInt32 COMMENT 'Readings flagged 1',
    not_evaluated UInt32 COMMENT 'Readings flagged 2',
    suspect UInt32 COMMENT 'Readings flagged 3',
    fail UInt32 COMMENT 'Readings flagged 4',
    missing UInt32 COMMENT 'Readings flagged 9',
    qualified UInt32 COMMENT 'Readings beyond a limit of the method, whatever their flag; one below it counts as a share of the limit',
    first_at DateTime('UTC') COMMENT 'Time of the first reading, UTC; 1970 = not known',
    last_at DateTime('UTC') COMMENT 'Time of the last reading, UTC; 1970 = not known',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, period, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS
    starts_local, ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum,
    maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received,
    good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at
FROM averages FINAL
COMMENT 'Averages of all periods as they stand now';

CREATE OR REPLACE VIEW hourly_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    starts_at DateTime('UTC') COMMENT 'Inclusive, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    ends_at DateTime('UTC') COMMENT 'Exclusive, UTC',
    day Date COMMENT 'Vietnam''s day that it starts in',
    unit LowCardinality(String) COMMENT 'Unit of the figures',
    mean Nullable(Float64) COMMENT 'Of the members that count: readings of an hour, hours of 8h and day, days of month and year; NULL when none does',
    total Nullable(Float64) COMMENT 'Sum of the members where values are added up (rain); else NULL',
    minimum Nullable(Float64) COMMENT 'Of the members that count',
    maximum Nullable(Float64) COMMENT 'Of the members that count',
    sd Nullable(Float64) COMMENT 'Standard deviation (n - 1) of the members; of an angle after Yamartino',
    p05 Nullable(Float64) COMMENT '5th percentile of the members, linear; NULL of an angle',
    p25 Nullable(Float64) COMMENT '25th percentile of the members, linear; NULL of an angle',
    p50 Nullable(Float64) COMMENT '50th percentile of the members, linear; NULL of an angle',
    p75 Nullable(Float64) COMMENT '75th percentile of the members, linear; NULL of an angle',
    p95 Nullable(Float64) COMMENT '95th percentile of the members, linear; NULL of an angle',
    p98 Nullable(Float64) COMMENT '98th percentile of the members, linear; NULL of an angle',
    count UInt32 COMMENT 'Members that count',
    expected UInt32 COMMENT 'Members there could be: readings by the station''s interval of then, 8 or 24 hours, the days',
    completeness Float64 COMMENT 'count / expected',
    complete UInt8 COMMENT '1 = enough members count; judge only by these',
    received UInt32 COMMENT 'All readings of the period, whatever their flag',
    good UInt32 COMMENT 'Readings flagged 1',
    not_evaluated UInt32 COMMENT 'Readings flagged 2',
    suspect UInt32 COMMENT 'Readings flagged 3',
    fail UInt32 COMMENT 'Readings flagged 4',
    missing UInt32 COMMENT 'Readings flagged 9',
    qualified UInt32 COMMENT 'Readings beyond a limit of the method, whatever their flag; one below it counts as a share of the limit',
    first_at DateTime('UTC') COMMENT 'Time of the first reading, UTC; 1970 = not known',
    last_at DateTime('UTC') COMMENT 'Time of the last reading, UTC; 1970 = not known',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum, maximum, sd,
    p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at
FROM averages FINAL
WHERE period = 'hour'
COMMENT 'Hourly averages as they stand now';

CREATE OR REPLACE VIEW daily_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    starts_at DateTime('UTC') COMMENT 'Inclusive, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    ends_at DateTime('UTC') COMMENT 'Exclusive, UTC',
    day Date COMMENT 'Vietnam''s day that it starts in',
    unit LowCardinality(String) COMMENT 'Unit of the figures',
    mean Nullable(Float64) COMMENT 'Of the members that count: readings of an hour, hours of 8h and day, days of month and year; NULL when none does',
    total Nullable(Float64) COMMENT 'Sum of the members where values are added up (rain); else NULL',
    minimum Nullable(Float64) COMMENT 'Of the members that count',
    maximum Nullable(Float64) COMMENT 'Of the members that count',
    sd Nullable(Float64) COMMENT 'Standard deviation (n - 1) of the members; of an angle after Yamartino',
    p05 Nullable(Float64) COMMENT '5th percentile of the members, linear; NULL of an angle',
    p25 Nullable(Float64) COMMENT '25th percentile of the members, linear; NULL of an angle',
    p50 Nullable(Float64) COMMENT '50th percentile of the members, linear; NULL of an angle',
    p75 Nullable(Float64) COMMENT '75th percentile of the members, linear; NULL of an angle',
    p95 Nullable(Float64) COMMENT '95th percentile of the members, linear; NULL of an angle',
    p98 Nullable(Float64) COMMENT '98th percentile of the members, linear; NULL of an angle',
    count UInt32 COMMENT 'Members that count',
    expected UInt32 COMMENT 'Members there could be: readings by the station''s interval of then, 8 or 24 hours, the days',
    completeness Float64 COMMENT 'count / expected',
    complete UInt8 COMMENT '1 = enough members count; judge only by these',
    received UInt32 COMMENT 'All readings of the period, whatever their flag',
    good UInt32 COMMENT 'Readings flagged 1',
    not_evaluated UInt32 COMMENT 'Readings flagged 2',
    suspect UInt32 COMMENT 'Readings flagged 3',
    fail UInt32 COMMENT 'Readings flagged 4',
    missing UInt32 COMMENT 'Readings flagged 9',
    qualified UInt32 COMMENT 'Readings beyond a limit of the method, whatever their flag; one below it counts as a share of the limit',
    first_at DateTime('UTC') COMMENT 'Time of the first reading, UTC; 1970 = not known',
    last_at DateTime('UTC') COMMENT 'Time of the last reading, UTC; 1970 = not known',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum, maximum, sd,
    p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at
FROM averages FINAL
WHERE period = 'day'
COMMENT 'Daily averages as they stand now; days are Vietnam''s';

CREATE OR REPLACE VIEW hourly_as_of
AS SELECT station, parameter, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum, maximum, sd,
    p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at
FROM
(
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at, version
    FROM averages FINAL
    WHERE period = 'hour' AND computed_at <= {as_of:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at, version
    FROM average_versions FINAL
    WHERE period = 'hour' AND computed_at <= {as_of:DateTime64(3, 'UTC')}
)
ORDER BY version DESC
LIMIT 1 BY station, parameter, starts_at
COMMENT 'hourly_as_of(as_of = ''2026-04-01 00:00:00''), UTC: as hourly_current, the last version computed until then';

CREATE OR REPLACE VIEW daily_as_of
AS SELECT station, parameter, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum, maximum, sd,
    p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at
FROM
(
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at, version
    FROM averages FINAL
    WHERE period = 'day' AND computed_at <= {as_of:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at, version
    FROM average_versions FINAL
    WHERE period = 'day' AND computed_at <= {as_of:DateTime64(3, 'UTC')}
)
ORDER BY version DESC
LIMIT 1 BY station, parameter, starts_at
COMMENT 'daily_as_of(as_of = ''2026-04-01 00:00:00''), UTC: as daily_current, the last version computed until then';
