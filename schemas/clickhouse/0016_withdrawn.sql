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
COMMENT 'The newest reading of each station and parameter; what is stamped ahead of the clock, and parameters that are withdrawn (flag 9), are left out'
