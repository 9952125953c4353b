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
    SELECT station, parameter, measured_at, value, unit, status, qualifier, flag, tests, rules, line, received_at
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
)
WHERE flag != 9
COMMENT 'The newest reading of each station and parameter; what is stamped ahead of the clock, and parameters that are withdrawn (flag 9), are left out';

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
    a.readings AS readings, a.good AS good, s.present_seconds AS interval_seconds
FROM
(
    SELECT station, parameter, argMax(y.unit, y.starts_at) AS unit, min(y.first_at) AS first_at, max(y.last_at) AS last_at,
        sum(y.received) AS readings, sum(y.good) AS good
    FROM averages AS y FINAL
    WHERE y.period = 'year' AND y.received > 0
    GROUP BY station, parameter
    HAVING sum(y.received) > sum(y.missing)
) AS a
GLOBAL LEFT JOIN
(
    SELECT code, if(
        arrayExists(i -> i.1 <= now() AND now() < i.2, intervals),
        arrayFirst(i -> i.1 <= now() AND now() < i.2, intervals).3,
        interval_seconds
    ) AS present_seconds
    FROM stations FINAL
) AS s ON s.code = a.station
COMMENT 'Each station and parameter that has readings, but for those that are withdrawn: from when to when, how many; made of the averages of years';
