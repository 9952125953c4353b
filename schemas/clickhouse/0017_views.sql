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
    failed_tests Array(String) COMMENT 'Tests whose outcome is 3, 4 or 9: why the reading is not good; empty of a good one',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the file, UTC; with the station it names the file in files',
    delay_seconds Int64 COMMENT 'received_at less measured_at; below 0 = stamped ahead of the receipt'
)
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, qualifier, flag, tests,
    -- Of few texts, each is cut once: 5 million readings take a tenth of the time that JSON functions need.
    arrayFilter(t -> t != '', splitByChar(',', replaceRegexpAll(tests, '"[A-Za-z0-9_]+":[12]|[{}"]|:[0-9]', ''))) AS failed_tests,
    rules, line, received_at, dateDiff('second', measured_at, received_at) AS delay_seconds
FROM readings FINAL
COMMENT 'Readings as they stand now, one row a station, parameter and time';

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
    failed_tests Array(String) COMMENT 'Tests whose outcome is 3, 4 or 9: why the reading is not good; empty of a good one',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the file, UTC; with the station it names the file in files'
)
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, qualifier, flag, tests,
    -- Of few texts, each is cut once: 5 million readings take a tenth of the time that JSON functions need.
    arrayFilter(t -> t != '', splitByChar(',', replaceRegexpAll(tests, '"[A-Za-z0-9_]+":[12]|[{}"]|:[0-9]', ''))) AS failed_tests,
    rules, line, received_at
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

CREATE OR REPLACE VIEW readings_as_of
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
    failed_tests Array(String) COMMENT 'Tests whose outcome is 3, 4 or 9: why the reading is not good; empty of a good one',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the file, UTC; with the station it names the file in files',
    delay_seconds Int64 COMMENT 'received_at less measured_at; below 0 = stamped ahead of the receipt'
)
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, qualifier, flag, tests,
    -- Of few texts, each is cut once: 5 million readings take a tenth of the time that JSON functions need.
    arrayFilter(t -> t != '', splitByChar(',', replaceRegexpAll(tests, '"[A-Za-z0-9_]+":[12]|[{}"]|:[0-9]', ''))) AS failed_tests,
    rules, line, received_at, dateDiff('second', measured_at, received_at) AS delay_seconds
FROM
(
    SELECT station, parameter, measured_at, value, unit, status, qualifier, flag, tests, rules, line, received_at, version FROM readings FINAL
    WHERE received_at <= parseDateTime64BestEffort({as_of:String}, 3, 'UTC')
    UNION ALL
    SELECT station, parameter, measured_at, value, unit, status, qualifier, flag, tests, rules, line, received_at, version FROM reading_revisions FINAL
    WHERE received_at <= parseDateTime64BestEffort({as_of:String}, 3, 'UTC') AND superseded_at > parseDateTime64BestEffort({as_of:String}, 3, 'UTC')
)
WHERE toUInt8(if(match({as_of:String}, '(Z|[+-][0-9]{2}:?[0-9]{2})$|^[0-9]{10}$'), '1', 'as_of names no zone: write +07:00 or Z after it')) = 1
ORDER BY version
LIMIT 1 BY station, parameter, measured_at
COMMENT 'readings_as_of(as_of = ''2026-04-01T18:00+07:00''): readings as they stood then';

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
    expected_so_far UInt32 COMMENT 'Of a period under way the share of expected until now, rounded down; else expected',
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
    maximum, sd, p05, p25, p50, p75, p95, p98, count, expected,
    if(ends_at <= now(), expected, toUInt32(greatest(0, intDiv(expected * dateDiff('second', starts_at, now()), dateDiff('second', starts_at, ends_at))))) AS expected_so_far,
    completeness, complete, received,
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
    expected_so_far UInt32 COMMENT 'Of a period under way the share of expected until now, rounded down; else expected',
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
    p05, p25, p50, p75, p95, p98, count, expected,
    if(ends_at <= now(), expected, toUInt32(greatest(0, intDiv(expected * dateDiff('second', starts_at, now()), dateDiff('second', starts_at, ends_at))))) AS expected_so_far,
    completeness, complete, received, good,
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
    expected_so_far UInt32 COMMENT 'Of a period under way the share of expected until now, rounded down; else expected',
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
    p05, p25, p50, p75, p95, p98, count, expected,
    if(ends_at <= now(), expected, toUInt32(greatest(0, intDiv(expected * dateDiff('second', starts_at, now()), dateDiff('second', starts_at, ends_at))))) AS expected_so_far,
    completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at
FROM averages FINAL
WHERE period = 'day'
COMMENT 'Daily averages as they stand now; days are Vietnam''s';

CREATE OR REPLACE VIEW hourly_as_of
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
    expected_so_far UInt32 COMMENT 'Of a period under way the share of expected until as_of, rounded down; else expected',
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
    p05, p25, p50, p75, p95, p98, count, expected,
    if(ends_at <= parseDateTime64BestEffort({as_of:String}, 3, 'UTC'), expected, toUInt32(greatest(0, intDiv(expected * dateDiff('second', starts_at, parseDateTime64BestEffort({as_of:String}, 3, 'UTC')), dateDiff('second', starts_at, ends_at))))) AS expected_so_far,
    completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at
FROM
(
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at, version
    FROM averages FINAL
    WHERE period = 'hour' AND computed_at <= parseDateTime64BestEffort({as_of:String}, 3, 'UTC')
    UNION ALL
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at, version
    FROM average_versions FINAL
    WHERE period = 'hour' AND computed_at <= parseDateTime64BestEffort({as_of:String}, 3, 'UTC')
)
WHERE toUInt8(if(match({as_of:String}, '(Z|[+-][0-9]{2}:?[0-9]{2})$|^[0-9]{10}$'), '1', 'as_of names no zone: write +07:00 or Z after it')) = 1
ORDER BY version DESC
LIMIT 1 BY station, parameter, starts_at
COMMENT 'hourly_as_of(as_of = ''2026-04-01T18:00+07:00''): as hourly_current, the last version computed until then';

CREATE OR REPLACE VIEW daily_as_of
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
    expected_so_far UInt32 COMMENT 'Of a period under way the share of expected until as_of, rounded down; else expected',
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
    p05, p25, p50, p75, p95, p98, count, expected,
    if(ends_at <= parseDateTime64BestEffort({as_of:String}, 3, 'UTC'), expected, toUInt32(greatest(0, intDiv(expected * dateDiff('second', starts_at, parseDateTime64BestEffort({as_of:String}, 3, 'UTC')), dateDiff('second', starts_at, ends_at))))) AS expected_so_far,
    completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at
FROM
(
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at, version
    FROM averages FINAL
    WHERE period = 'day' AND computed_at <= parseDateTime64BestEffort({as_of:String}, 3, 'UTC')
    UNION ALL
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, qualified, first_at, last_at, computed_at, version
    FROM average_versions FINAL
    WHERE period = 'day' AND computed_at <= parseDateTime64BestEffort({as_of:String}, 3, 'UTC')
)
WHERE toUInt8(if(match({as_of:String}, '(Z|[+-][0-9]{2}:?[0-9]{2})$|^[0-9]{10}$'), '1', 'as_of names no zone: write +07:00 or Z after it')) = 1
ORDER BY version DESC
LIMIT 1 BY station, parameter, starts_at
COMMENT 'daily_as_of(as_of = ''2026-04-01T18:00+07:00''): as daily_current, the last version computed until then';

CREATE OR REPLACE VIEW daily_counts
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    day Date COMMENT 'Vietnam''s day',
    expected UInt64 COMMENT 'Readings by the registry, in the hours begun until now',
    received UInt64 COMMENT 'All readings, whatever their flag',
    good UInt64 COMMENT 'Readings flagged 1',
    not_evaluated UInt64 COMMENT 'Readings flagged 2',
    suspect UInt64 COMMENT 'Readings flagged 3',
    fail UInt64 COMMENT 'Readings flagged 4',
    missing UInt64 COMMENT 'Readings flagged 9',
    absent UInt64 COMMENT 'Expected and not received'
)
AS SELECT station, parameter, day,
    sum(allowed) AS expected,
    sum(all) AS received,
    sum(flag_1) AS good,
    sum(flag_2) AS not_evaluated,
    sum(flag_3) AS suspect,
    sum(flag_4) AS fail,
    sum(flag_9) AS missing,
    if(expected > received, expected - received, 0) AS absent
FROM
(
    SELECT d.station AS station, p.parameter AS parameter, d.day AS day,
        if(
            p.valid_from <= d.hours[1] AND p.valid_to IS NULL,
            arraySum(d.readings),
            arraySum((n, h) -> if(h >= p.valid_from AND h < ifNull(p.valid_to, h + 1), n, 0), d.readings, d.hours)
        ) AS allowed,
        0 AS all, 0 AS flag_1, 0 AS flag_2, 0 AS flag_3, 0 AS flag_4, 0 AS flag_9
    FROM
    (
        SELECT code AS station,
            {first:Date} + arrayJoin(range(toUInt32(greatest({last:Date} - {first:Date} + 1, 0)))) AS day,
            arrayMap(n -> toDateTime(day, 'Asia/Ho_Chi_Minh') + 3600 * n, range(24)) AS hours,
            arrayMap(
                h -> if(
                    h >= ifNull(valid_from, h) AND h < ifNull(valid_to, h + 1) AND h < now(),
                    greatest(1, intDiv(3600, if(
                        arrayExists(i -> i.1 <= h AND h < i.2, intervals),
                        arrayFirst(i -> i.1 <= h AND h < i.2, intervals).3,
                        interval_seconds))),
                    0),
                hours) AS readings
        FROM stations FINAL
    ) AS d
    GLOBAL INNER JOIN station_parameters_current AS p ON p.station = d.station
    UNION ALL
    SELECT station, parameter, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, 0 AS allowed,
        received AS all, good AS flag_1, not_evaluated AS flag_2, suspect AS flag_3, fail AS flag_4, missing AS flag_9
    FROM averages FINAL
    WHERE period = 'day' AND toDate(starts_at, 'Asia/Ho_Chi_Minh') BETWEEN {first:Date} AND {last:Date}
)
GROUP BY station, parameter, day
HAVING expected > 0 OR received > 0
COMMENT 'daily_counts(first = ''2026-03-01'', last = ''2026-03-31''), Vietnam''s days: readings expected by the registry (hours begun until now), received, by flag, absent (expected and not received); of stations that sent nothing, too';

CREATE OR REPLACE VIEW series
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    unit LowCardinality(String) COMMENT 'Unit of its newest year; empty = dimensionless',
    first_at DateTime('UTC') COMMENT 'Time of the first reading, UTC; 1970 = not known',
    first_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    last_at DateTime('UTC') COMMENT 'Time of the last reading, UTC; ahead of the clock where one is stamped so; 1970 = not known',
    last_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    readings UInt64 COMMENT 'All readings, whatever their flag',
    good UInt64 COMMENT 'Readings flagged 1',
    interval_seconds UInt32 COMMENT 'Distance between two files by the registry of today; 0 = the station is not registered'
)
AS SELECT a.station AS station, a.parameter AS parameter, a.unit AS unit,
    a.first_at AS first_at, toTimeZone(a.first_at, 'Asia/Ho_Chi_Minh') AS first_local,
    a.last_at AS last_at, toTimeZone(a.last_at, 'Asia/Ho_Chi_Minh') AS last_local,
    a.readings AS readings, a.good AS good, s.interval_seconds AS interval_seconds
FROM
(
    SELECT station, parameter, argMax(y.unit, y.starts_at) AS unit, min(y.first_at) AS first_at, max(y.last_at) AS last_at,
        sum(y.received) AS readings, sum(y.good) AS good
    FROM averages AS y FINAL
    WHERE y.period = 'year' AND y.received > 0
    GROUP BY station, parameter
) AS a
GLOBAL LEFT JOIN (SELECT code, interval_seconds FROM stations FINAL) AS s ON s.code = a.station
COMMENT 'Each station and parameter that has readings: from when to when, how many; made of the averages of years';

CREATE OR REPLACE VIEW gaps
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    starts_at DateTime('UTC') COMMENT 'Time of the last reading before it, or the beginning of the span, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    ends_at DateTime('UTC') COMMENT 'Time of the first reading after it, or the end of the span, UTC; never after now',
    ends_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    seconds UInt32 COMMENT 'From starts_at to ends_at',
    absent UInt32 COMMENT 'Readings that the interval of then lets expect between the two'
)
AS SELECT station, parameter, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toTimeZone(ends_at, 'Asia/Ho_Chi_Minh') AS ends_local,
    toUInt32(ends_at - starts_at) AS seconds,
    toUInt32(round(seconds / interval)) - 1 AS absent
FROM
(
    SELECT g.station AS station, g.parameter AS parameter, g.starts_at AS starts_at, g.ends_at AS ends_at,
        if(
            arrayExists(i -> i.1 <= g.starts_at AND g.starts_at < i.2, s.intervals),
            arrayFirst(i -> i.1 <= g.starts_at AND g.starts_at < i.2, s.intervals).3,
            s.interval_seconds
        ) AS interval
    FROM
    (
        SELECT station, parameter, at AS ends_at,
            lagInFrame(at, 1, at) OVER (PARTITION BY station, parameter ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS starts_at
        FROM
        (
            SELECT station, parameter, measured_at AS at
            FROM readings
            WHERE measured_at >= toDateTime({first:Date}, 'Asia/Ho_Chi_Minh')
                AND measured_at < toDateTime({last:Date} + 1, 'Asia/Ho_Chi_Minh')
            UNION ALL
            SELECT station, parameter, arrayJoin(bounds) AS at
            FROM
            (
                SELECT p.station AS station, p.parameter AS parameter,
                    [
                        greatest(toDateTime({first:Date}, 'Asia/Ho_Chi_Minh'), p.valid_from, ifNull(s.valid_from, p.valid_from)),
                        least(toDateTime({last:Date} + 1, 'Asia/Ho_Chi_Minh'), now(), ifNull(p.valid_to, now()), ifNull(s.valid_to, now()))
                    ] AS bounds
                FROM station_parameters_current AS p
                GLOBAL INNER JOIN (SELECT code, valid_from, valid_to FROM stations FINAL) AS s ON s.code = p.station
            )
            WHERE bounds[1] < bounds[2]
        )
    ) AS g
    GLOBAL INNER JOIN (SELECT code, interval_seconds, intervals FROM stations FINAL) AS s ON s.code = g.station
)
WHERE interval > 0 AND seconds >= 1.5 * interval
COMMENT 'gaps(first = ''2026-03-01'', last = ''2026-03-31''), Vietnam''s days: times without a reading, at least half an interval longer than the interval of the station; of silent series, too';

CREATE OR REPLACE VIEW flags_by_test
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    day Date COMMENT 'Vietnam''s day',
    test String COMMENT 'Name of the quality test',
    judged UInt64 COMMENT 'Readings that it gave another outcome than 2, not evaluated',
    suspect UInt64 COMMENT 'Readings that it called 3, suspect',
    fail UInt64 COMMENT 'Readings that it called 4, fail',
    missing UInt64 COMMENT 'Readings that it called 9, missing'
)
AS SELECT station, parameter, day, outcome.1 AS test,
    sumIf(readings, outcome.2 != 2) AS judged,
    sumIf(readings, outcome.2 = 3) AS suspect,
    sumIf(readings, outcome.2 = 4) AS fail,
    sumIf(readings, outcome.2 = 9) AS missing
FROM
(
    SELECT station, parameter, toDate(measured_at, 'Asia/Ho_Chi_Minh') AS day, count() AS readings,
        JSONExtractKeysAndValues(tests, 'UInt8') AS outcomes
    FROM readings FINAL
    GROUP BY station, parameter, day, tests
)
ARRAY JOIN outcomes AS outcome
GROUP BY station, parameter, day, test
HAVING suspect + fail + missing > 0
COMMENT 'What each quality test flagged; a reading counts at every test that called it so. Counts the readings themselves, so ask for a span of days';

CREATE OR REPLACE VIEW current_breaches
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
    hours UInt32 COMMENT 'From starts_at to ends_at',
    periods UInt32 COMMENT 'Averages beyond the limit',
    peak Float64 COMMENT 'The mean farthest beyond the limit, corrected to the reference oxygen where the limit has one',
    peak_at DateTime('UTC') COMMENT 'Start of its period, UTC',
    ratio Float64 COMMENT 'Peak to maximum, or minimum to peak',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, period, standard, column, minimum, maximum, unit, starts_at, starts_local, ends_at, ends_local,
    toUInt32(dateDiff('hour', starts_at, ends_at)) AS hours, periods, peak, peak_at, ratio, computed_at
FROM
(
    SELECT * FROM exceedances_current
    ORDER BY starts_at DESC
    LIMIT 1 BY station, parameter, period, standard, column
)
WHERE open = 1
COMMENT 'Limits that are exceeded now, a row a station, parameter, period and standard: its newest episode, where that is open';

ALTER TABLE reading_revisions
    COMMENT COLUMN cause 'Why another one counts: correction = another file gave the reading, reread = its own file was read again with another result; else why it was judged again: late, decision, replay, …';

ALTER TABLE reading_revisions
    UPDATE cause = 'correction' WHERE cause = '' AND bitShiftRight(version, 10) != bitShiftRight(superseded_by, 10);


ALTER TABLE readings
    MODIFY COMMENT 'One row a station, parameter and time; analysts read readings_current, who reads the table adds FINAL. The file is found by (station, received_at)';

ALTER TABLE averages
    MODIFY COMMENT 'Averages; analysts read averages_current, hourly_current or daily_current, who reads the table adds FINAL. The period comes first in the key: the 30 days of a month would lie among 1,400 shorter averages';

ALTER TABLE indices
    MODIFY COMMENT 'Indices of stations that the registry lets publish; every version is kept, the highest counts: analysts read indices_current';

ALTER TABLE exceedances
    MODIFY COMMENT 'Episodes of complete averages beyond a limit; every version is kept, the highest counts: analysts read exceedances_current or current_breaches';

ALTER TABLE alerts
    MODIFY COMMENT 'Alerts in their present state; analysts read alerts_current, who reads the table adds FINAL';
