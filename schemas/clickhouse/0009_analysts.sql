CREATE TABLE IF NOT EXISTS stations
(
    code LowCardinality(String) COMMENT 'Station code',
    name String COMMENT 'Vietnamese',
    name_en String COMMENT 'English',
    type LowCardinality(String) COMMENT 'ambient-air, stack, surface-water, groundwater, wastewater',
    province LowCardinality(String) COMMENT 'Two-digit code of today (Decision 19/2025/QĐ-TTg)',
    latitude Float64 COMMENT 'Degrees north, WGS 84',
    longitude Float64 COMMENT 'Degrees east, WGS 84',
    interval_seconds UInt32 COMMENT 'Distance between two files',
    intervals Array(Tuple(valid_from DateTime('UTC'), valid_to DateTime('UTC'), seconds UInt32)) COMMENT 'Spans (UTC, the end exclusive) in which it was another one; 1970 and 2106 = open',
    publish_index UInt8 COMMENT '1 = VN_AQI or VN_WQI is made of it',
    valid_from Nullable(DateTime('UTC')) COMMENT 'Inclusive, UTC; NULL = always was',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = still is',
    version UInt64 COMMENT 'Time of writing in ms since 1970; the highest counts',
    removed UInt8 COMMENT '1 = it is no more'
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY code
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Stations of the registry; read stations_current';

CREATE TABLE IF NOT EXISTS station_parameters
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    unit LowCardinality(String) COMMENT 'Unit its values are kept in; empty = dimensionless',
    range_low Nullable(Float64) COMMENT 'Lower end of the equipment range (LRV), in unit',
    range_high Nullable(Float64) COMMENT 'Upper end of the equipment range (URV), in unit',
    valid_from DateTime('UTC') COMMENT 'Inclusive, UTC; 1970 = always',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = no end is known',
    version UInt64 COMMENT 'Time of writing in ms since 1970; the highest counts'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (station, parameter, valid_from)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What stations measure; read station_parameters_current: only rows not older than their station count';

CREATE TABLE IF NOT EXISTS station_limits
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'Of the averages that are judged: hour, 8h, day, month, year',
    standard LowCardinality(String) COMMENT 'Such as QCVN 40:2011/BTNMT, or the number of the permit that states the limit',
    column LowCardinality(String) COMMENT 'Column of the standard; empty where it has none',
    minimum Nullable(Float64) COMMENT 'What the average must not be below, coefficients multiplied in; NULL = none',
    maximum Nullable(Float64) COMMENT 'What the average must not be above, coefficients multiplied in; NULL = none',
    unit LowCardinality(String) COMMENT 'Unit of minimum and maximum',
    reference_oxygen Nullable(Float64) COMMENT 'Volume percent of O2 that values are corrected to before they are judged; NULL = not corrected',
    source String COMMENT 'Where the figure stands',
    certainty LowCardinality(String) COMMENT 'How sure the figure is: high, medium, low, unverified',
    valid_from DateTime('UTC') COMMENT 'Inclusive, by the start of the average, UTC; 1970 = always',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = no end is known',
    version UInt64 COMMENT 'Time of writing in ms since 1970; the highest counts'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (station, parameter, period, standard, column, valid_from)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What averages of stations are judged by; read station_limits_current: only rows not older than their station count';

CREATE TABLE IF NOT EXISTS parameters
(
    code LowCardinality(String) COMMENT 'Catalogue code, such as PM2.5',
    name String COMMENT 'English',
    name_vi String COMMENT 'Vietnamese',
    aliases Array(String) COMMENT 'Other spellings in files',
    combined LowCardinality(String) COMMENT 'How the values of a period become one: mean, total (added up), angle (a direction)',
    units Map(LowCardinality(String), String) COMMENT 'Station type -> usual unit there; empty = dimensionless',
    molar_mass Nullable(Float64) COMMENT 'g/mol, of gases',
    unverified String COMMENT 'What about this entry stands in no source',
    version UInt64 COMMENT 'Time of writing in ms since 1970; the highest counts',
    removed UInt8 COMMENT '1 = it is no more'
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY code
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'The catalogue of parameters; read parameters_current';

CREATE TABLE IF NOT EXISTS limits
(
    standard LowCardinality(String) COMMENT 'Such as QCVN 05:2023/BTNMT',
    title String COMMENT 'English',
    title_vi String COMMENT 'Vietnamese',
    media Array(LowCardinality(String)) COMMENT 'Station types it is for',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'Of the averages that are judged: hour, 8h, day, month, year',
    column LowCardinality(String) COMMENT 'Column of the standard; empty = every',
    category LowCardinality(String) COMMENT 'Kind of source; empty = every',
    minimum Nullable(Float64) COMMENT 'Before any coefficient; NULL = none',
    maximum Nullable(Float64) COMMENT 'Before any coefficient; NULL = none',
    unit LowCardinality(String) COMMENT 'Unit of minimum and maximum',
    reference_oxygen Nullable(Float64) COMMENT 'Volume percent of O2 that values are corrected to; NULL = not corrected',
    coefficients Array(LowCardinality(String)) COMMENT 'Names of the factors of the permit that multiply it, such as Kq and Kf',
    source String COMMENT 'Where the figure stands',
    certainty LowCardinality(String) COMMENT 'How sure the figure is: high, medium, low, unverified',
    valid_from DateTime('UTC') COMMENT 'Inclusive, by the start of the average, UTC; 1970 = always',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = no end is known',
    version UInt64 COMMENT 'Time of writing in ms since 1970; the highest counts',
    removed UInt8 COMMENT '1 = it is no more'
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY (standard, parameter, period, column, category, valid_from)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Rows of national standards as printed; read limits_current. What applies to a station is in station_limits';

CREATE TABLE IF NOT EXISTS provinces
(
    code LowCardinality(String) COMMENT 'Two digits; means nothing without its dates: 15 was Yên Bái and is Lào Cai',
    name String COMMENT 'Vietnamese',
    name_en String COMMENT 'Without diacritics',
    letters String COMMENT 'Letters that old station codes begin with; default, unverified; empty of the new ones',
    successor LowCardinality(String) COMMENT 'New code that an old unit belongs to; empty of the new ones',
    valid_from DateTime('UTC') COMMENT 'Inclusive, UTC; 1970 = always',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = no end is known',
    version UInt64 COMMENT 'Time of writing in ms since 1970; the highest counts',
    removed UInt8 COMMENT '1 = it is no more'
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY (code, valid_from)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Provinces and cities before and after 1 July 2025; read provinces_current';

CREATE OR REPLACE VIEW provinces_current
(
    code LowCardinality(String) COMMENT 'Two digits; means nothing without its dates: 15 was Yên Bái and is Lào Cai',
    name String COMMENT 'Vietnamese',
    name_en String COMMENT 'Without diacritics',
    letters String COMMENT 'Letters that old station codes begin with; default, unverified; empty of the new ones',
    successor LowCardinality(String) COMMENT 'New code that an old unit belongs to; empty of the new ones',
    valid_from DateTime('UTC') COMMENT 'Inclusive, UTC; 1970 = always',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = no end is known'
)
AS SELECT code, name, name_en, letters, successor, valid_from, valid_to
FROM provinces FINAL
COMMENT 'Provinces and cities by their dated codes; those of today have valid_to NULL';

CREATE OR REPLACE VIEW parameters_current
(
    code LowCardinality(String) COMMENT 'Catalogue code, such as PM2.5',
    name String COMMENT 'English',
    name_vi String COMMENT 'Vietnamese',
    aliases Array(String) COMMENT 'Other spellings in files',
    combined LowCardinality(String) COMMENT 'How the values of a period become one: mean, total (added up), angle (a direction)',
    units Map(LowCardinality(String), String) COMMENT 'Station type -> usual unit there; empty = dimensionless',
    molar_mass Nullable(Float64) COMMENT 'g/mol, of gases',
    unverified String COMMENT 'What about this entry stands in no source'
)
AS SELECT code, name, name_vi, aliases, combined, units, molar_mass, unverified
FROM parameters FINAL
COMMENT 'The catalogue of parameters';

CREATE OR REPLACE VIEW limits_current
(
    standard LowCardinality(String) COMMENT 'Such as QCVN 05:2023/BTNMT',
    title String COMMENT 'English',
    title_vi String COMMENT 'Vietnamese',
    media Array(LowCardinality(String)) COMMENT 'Station types it is for',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'Of the averages that are judged: hour, 8h, day, month, year',
    column LowCardinality(String) COMMENT 'Column of the standard; empty = every',
    category LowCardinality(String) COMMENT 'Kind of source; empty = every',
    minimum Nullable(Float64) COMMENT 'Before any coefficient; NULL = none',
    maximum Nullable(Float64) COMMENT 'Before any coefficient; NULL = none',
    unit LowCardinality(String) COMMENT 'Unit of minimum and maximum',
    reference_oxygen Nullable(Float64) COMMENT 'Volume percent of O2 that values are corrected to; NULL = not corrected',
    coefficients Array(LowCardinality(String)) COMMENT 'Names of the factors of the permit that multiply it, such as Kq and Kf',
    source String COMMENT 'Where the figure stands',
    certainty LowCardinality(String) COMMENT 'How sure the figure is: high, medium, low, unverified',
    valid_from DateTime('UTC') COMMENT 'Inclusive, by the start of the average, UTC; 1970 = always',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = no end is known'
)
AS SELECT standard, title, title_vi, media, parameter, period, column, category, minimum, maximum, unit, reference_oxygen, coefficients, source, certainty, valid_from, valid_to
FROM limits FINAL
COMMENT 'Rows of national standards, before any coefficient of a permit';

CREATE OR REPLACE VIEW stations_current
(
    code LowCardinality(String) COMMENT 'Station code',
    name String COMMENT 'Vietnamese',
    name_en String COMMENT 'English',
    type LowCardinality(String) COMMENT 'ambient-air, stack, surface-water, groundwater, wastewater',
    province LowCardinality(String) COMMENT 'Two-digit code of today (Decision 19/2025/QĐ-TTg)',
    province_name String COMMENT 'Its name today',
    latitude Float64 COMMENT 'Degrees north, WGS 84',
    longitude Float64 COMMENT 'Degrees east, WGS 84',
    interval_seconds UInt32 COMMENT 'Distance between two files',
    intervals Array(Tuple(valid_from DateTime('UTC'), valid_to DateTime('UTC'), seconds UInt32)) COMMENT 'Spans (UTC, the end exclusive) in which it was another one; 1970 and 2106 = open',
    publish_index UInt8 COMMENT '1 = VN_AQI or VN_WQI is made of it',
    valid_from Nullable(DateTime('UTC')) COMMENT 'Inclusive, UTC; NULL = always was',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = still is'
)
AS SELECT s.code AS code, s.name AS name, s.name_en AS name_en, s.type AS type, s.province AS province, p.name AS province_name,
    s.latitude AS latitude, s.longitude AS longitude, s.interval_seconds AS interval_seconds, s.intervals AS intervals,
    s.publish_index AS publish_index, s.valid_from AS valid_from, s.valid_to AS valid_to
FROM stations AS s FINAL
GLOBAL LEFT JOIN (SELECT code, name FROM provinces FINAL WHERE valid_to IS NULL) AS p ON s.province = p.code
COMMENT 'Stations as the registry has them now; ended ones have valid_to';

CREATE OR REPLACE VIEW station_parameters_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    unit LowCardinality(String) COMMENT 'Unit its values are kept in; empty = dimensionless',
    range_low Nullable(Float64) COMMENT 'Lower end of the equipment range (LRV), in unit',
    range_high Nullable(Float64) COMMENT 'Upper end of the equipment range (URV), in unit',
    valid_from DateTime('UTC') COMMENT 'Inclusive, UTC; 1970 = always',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = no end is known'
)
AS SELECT r.station AS station, r.parameter AS parameter, r.unit AS unit, r.range_low AS range_low, r.range_high AS range_high, r.valid_from AS valid_from, r.valid_to AS valid_to
FROM station_parameters AS r FINAL
GLOBAL INNER JOIN (SELECT code, version FROM stations FINAL) AS s ON r.station = s.code
WHERE r.version >= s.version
COMMENT 'What stations measure, each between two dates';

CREATE OR REPLACE VIEW station_limits_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'Of the averages that are judged: hour, 8h, day, month, year',
    standard LowCardinality(String) COMMENT 'Such as QCVN 40:2011/BTNMT, or the number of the permit that states the limit',
    column LowCardinality(String) COMMENT 'Column of the standard; empty where it has none',
    minimum Nullable(Float64) COMMENT 'What the average must not be below, coefficients multiplied in; NULL = none',
    maximum Nullable(Float64) COMMENT 'What the average must not be above, coefficients multiplied in; NULL = none',
    unit LowCardinality(String) COMMENT 'Unit of minimum and maximum',
    reference_oxygen Nullable(Float64) COMMENT 'Volume percent of O2 that values are corrected to before they are judged; NULL = not corrected',
    source String COMMENT 'Where the figure stands',
    certainty LowCardinality(String) COMMENT 'How sure the figure is: high, medium, low, unverified',
    valid_from DateTime('UTC') COMMENT 'Inclusive, by the start of the average, UTC; 1970 = always',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = no end is known'
)
AS SELECT r.station AS station, r.parameter AS parameter, r.period AS period, r.standard AS standard, r.column AS column, r.minimum AS minimum, r.maximum AS maximum, r.unit AS unit, r.reference_oxygen AS reference_oxygen, r.source AS source, r.certainty AS certainty, r.valid_from AS valid_from, r.valid_to AS valid_to
FROM station_limits AS r FINAL
GLOBAL INNER JOIN (SELECT code, version FROM stations FINAL) AS s ON r.station = s.code
WHERE r.version >= s.version
COMMENT 'What averages of stations are judged by, each between two dates';

CREATE OR REPLACE VIEW station_limit_ranges
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    period LowCardinality(String) COMMENT 'Of the averages that are judged: hour, 8h, day, month, year',
    first_at DateTime('UTC') COMMENT 'First second, UTC; 1970 = always',
    last_at DateTime('UTC') COMMENT 'Last second, UTC; 2106 = no end is known',
    standard LowCardinality(String) COMMENT 'Such as QCVN 40:2011/BTNMT, or the number of the permit that states the limit',
    column LowCardinality(String) COMMENT 'Column of the standard; empty where it has none',
    minimum Nullable(Float64) COMMENT 'What the average must not be below, coefficients multiplied in; NULL = none',
    maximum Nullable(Float64) COMMENT 'What the average must not be above, coefficients multiplied in; NULL = none',
    unit LowCardinality(String) COMMENT 'Unit of minimum and maximum',
    reference_oxygen Nullable(Float64) COMMENT 'Volume percent of O2 that values are corrected to before they are judged; NULL = not corrected'
)
AS SELECT station, parameter, period, valid_from AS first_at,
    ifNull(valid_to - 1, toDateTime(4294967295, 'UTC')) AS last_at, standard, column, minimum, maximum, unit, reference_oxygen
FROM station_limits_current
COMMENT 'What the dictionary station_limit is made of: both ends inclusive, none open';

CREATE OR REPLACE DICTIONARY station
(
    code String, name String, name_en String, type String, province String, province_name String,
    latitude Float64, longitude Float64, interval_seconds UInt32, publish_index UInt8
)
PRIMARY KEY code
SOURCE(CLICKHOUSE(TABLE 'stations_current'))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN 30 MAX 60)
COMMENT 'stations_current in memory: dictGet(''station'', ''name'', code); at most a minute old';

CREATE OR REPLACE DICTIONARY parameter
(
    code String, name String, name_vi String, combined String
)
PRIMARY KEY code
SOURCE(CLICKHOUSE(TABLE 'parameters_current'))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN 30 MAX 60)
COMMENT 'parameters_current in memory: dictGet(''parameter'', ''name'', code); at most a minute old';

CREATE OR REPLACE DICTIONARY station_limit
(
    station String, parameter String, period String, first_at DateTime, last_at DateTime,
    standard String, column String, minimum Nullable(Float64), maximum Nullable(Float64), unit String, reference_oxygen Nullable(Float64)
)
PRIMARY KEY station, parameter, period
SOURCE(CLICKHOUSE(TABLE 'station_limit_ranges'))
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN first_at MAX last_at)
LIFETIME(MIN 30 MAX 60)
COMMENT 'Limits in memory: dictGet(''station_limit'', ''maximum'', (station, parameter, ''day''), starts_at); at most a minute old';

CREATE OR REPLACE VIEW readings_current
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    measured_at DateTime('UTC') COMMENT 'UTC, seconds as sent',
    measured_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    value Float64 COMMENT 'In unit',
    unit LowCardinality(String) COMMENT 'Unit of value; empty = dimensionless',
    status LowCardinality(String) COMMENT 'Device status as sent: 00 measuring, 01 calibrating, 02 device error',
    flag UInt8 COMMENT 'QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing',
    tests LowCardinality(String) COMMENT 'Outcome of each quality test, JSON object name -> flag',
    rules LowCardinality(String) COMMENT 'Version of the rule set that judged it',
    line UInt32 COMMENT 'Line in the file, from 1',
    received_at DateTime64(3, 'UTC') COMMENT 'When the intake had the file, UTC; with the station it names the file in files'
)
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, flag, tests, rules, line, received_at
FROM readings FINAL
COMMENT 'Readings as they stand now, one row a station, parameter and time';

CREATE OR REPLACE VIEW readings_as_of
AS SELECT station, parameter, measured_at, toTimeZone(measured_at, 'Asia/Ho_Chi_Minh') AS measured_local,
    value, unit, status, flag, tests, rules, line, received_at
FROM
(
    SELECT station, parameter, measured_at, value, unit, status, flag, tests, rules, line, received_at, version FROM readings FINAL
    WHERE received_at <= {as_of:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT station, parameter, measured_at, value, unit, status, flag, tests, rules, line, received_at, version FROM reading_revisions FINAL
    WHERE received_at <= {as_of:DateTime64(3, 'UTC')} AND superseded_at > {as_of:DateTime64(3, 'UTC')}
)
ORDER BY version
LIMIT 1 BY station, parameter, measured_at
COMMENT 'readings_as_of(as_of = ''2026-04-01 00:00:00''), UTC: readings as they stood then; the columns of readings_current';

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
    first_at DateTime('UTC') COMMENT 'Time of the first reading, UTC; 1970 = not known',
    last_at DateTime('UTC') COMMENT 'Time of the last reading, UTC; 1970 = not known',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, period, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS
    starts_local, ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum,
    maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received,
    good, not_evaluated, suspect, fail, missing, first_at, last_at, computed_at
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
    first_at DateTime('UTC') COMMENT 'Time of the first reading, UTC; 1970 = not known',
    last_at DateTime('UTC') COMMENT 'Time of the last reading, UTC; 1970 = not known',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum, maximum, sd,
    p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, first_at, last_at, computed_at
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
    first_at DateTime('UTC') COMMENT 'Time of the first reading, UTC; 1970 = not known',
    last_at DateTime('UTC') COMMENT 'Time of the last reading, UTC; 1970 = not known',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum, maximum, sd,
    p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, first_at, last_at, computed_at
FROM averages FINAL
WHERE period = 'day'
COMMENT 'Daily averages as they stand now; days are Vietnam''s';

CREATE OR REPLACE VIEW hourly_as_of
AS SELECT station, parameter, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, unit, mean, total, minimum, maximum, sd,
    p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good,
    not_evaluated, suspect, fail, missing, first_at, last_at, computed_at
FROM
(
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, first_at, last_at, computed_at, version
    FROM averages FINAL
    WHERE period = 'hour' AND computed_at <= {as_of:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, first_at, last_at, computed_at, version
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
    not_evaluated, suspect, fail, missing, first_at, last_at, computed_at
FROM
(
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, first_at, last_at, computed_at, version
    FROM averages FINAL
    WHERE period = 'day' AND computed_at <= {as_of:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT station, parameter, starts_at, ends_at, unit, mean, total, minimum, maximum, sd, p05, p25, p50, p75, p95, p98, count, expected, completeness, complete, received, good, not_evaluated, suspect, fail, missing, first_at, last_at, computed_at, version
    FROM average_versions FINAL
    WHERE period = 'day' AND computed_at <= {as_of:DateTime64(3, 'UTC')}
)
ORDER BY version DESC
LIMIT 1 BY station, parameter, starts_at
COMMENT 'daily_as_of(as_of = ''2026-04-01 00:00:00''), UTC: as daily_current, the last version computed until then';

CREATE OR REPLACE VIEW indices_current
(
    station LowCardinality(String) COMMENT 'Station code',
    kind LowCardinality(String) COMMENT 'VN_AQI or VN_WQI',
    period LowCardinality(String) COMMENT 'hour or day; the day is Vietnam''s (UTC+7)',
    starts_at DateTime('UTC') COMMENT 'Inclusive, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    ends_at DateTime('UTC') COMMENT 'Exclusive, UTC',
    day Date COMMENT 'Vietnam''s day that it starts in',
    value Nullable(UInt16) COMMENT 'The index; NULL where the decision gives none',
    level LowCardinality(String) COMMENT 'English name of its level; empty without an index',
    responsible Array(LowCardinality(String)) COMMENT 'Parameters that give it',
    subindices Map(LowCardinality(String), Float64) COMMENT 'Parameter -> sub-index',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, kind, period, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, value, level, responsible, subindices,
    computed_at
FROM indices FINAL
ORDER BY version DESC, computed_at DESC
LIMIT 1 BY station, kind, period, starts_at
COMMENT 'VN_AQI and VN_WQI as they stand now';

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
    open UInt8 COMMENT '1 = no later complete average within the limit is known',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, parameter, period, standard, column, minimum, maximum, unit, starts_at,
    toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local, ends_at, toTimeZone(ends_at,
    'Asia/Ho_Chi_Minh') AS ends_local, periods, peak, peak_at, ratio, open, computed_at
FROM
(
    SELECT * FROM exceedances FINAL
    ORDER BY version DESC, computed_at DESC
    LIMIT 1 BY station, parameter, period, standard, column, starts_at
)
WHERE periods > 0
COMMENT 'Episodes of complete averages beyond a limit as they stand now';

CREATE OR REPLACE VIEW alerts_current
(
    alert_id String COMMENT 'Function of the cause and the opening time',
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code; empty = the whole station',
    kind LowCardinality(String) COMMENT 'station-silent, parameter-silent, data-incomplete, analyser-stuck, limit-exceeded, warning-level, backlog-arriving',
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

CREATE OR REPLACE VIEW daily_counts
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

CREATE OR REPLACE VIEW daily_status
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    day Date COMMENT 'Vietnam''s day',
    measuring UInt64 COMMENT 'Readings of status 00',
    calibrating UInt64 COMMENT 'Readings of status 01',
    device_error UInt64 COMMENT 'Readings of status 02',
    other UInt64 COMMENT 'Readings of any other status'
)
AS SELECT station, parameter, toDate(measured_at, 'Asia/Ho_Chi_Minh') AS day,
    countIf(status = '00') AS measuring,
    countIf(status = '01') AS calibrating,
    countIf(status = '02') AS device_error,
    countIf(status NOT IN ('00', '01', '02')) AS other
FROM readings FINAL
GROUP BY station, parameter, day
COMMENT 'Readings by device status; counts the readings themselves, so ask for a span of days';

CREATE OR REPLACE VIEW ambient_air_hourly
(
    station LowCardinality(String) COMMENT 'Station code',
    starts_at DateTime('UTC') COMMENT 'Start of the hour, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    pm2_5 Nullable(Float64) COMMENT 'Fine particles, µg/m3: mean of the hour',
    pm10 Nullable(Float64) COMMENT 'Inhalable particles, µg/m3: mean of the hour',
    pm1 Nullable(Float64) COMMENT 'Particles below 1 µm, µg/m3: mean of the hour',
    tsp Nullable(Float64) COMMENT 'Total suspended particles, µg/m3: mean of the hour',
    no Nullable(Float64) COMMENT 'Nitric oxide, µg/m3: mean of the hour',
    no2 Nullable(Float64) COMMENT 'Nitrogen dioxide, µg/m3: mean of the hour',
    nox Nullable(Float64) COMMENT 'Nitrogen oxides, µg/m3: mean of the hour',
    so2 Nullable(Float64) COMMENT 'Sulphur dioxide, µg/m3: mean of the hour',
    co Nullable(Float64) COMMENT 'Carbon monoxide, µg/m3: mean of the hour',
    o3 Nullable(Float64) COMMENT 'Ozone, µg/m3: mean of the hour',
    h2s Nullable(Float64) COMMENT 'Hydrogen sulphide, µg/m3: mean of the hour',
    nh3 Nullable(Float64) COMMENT 'Ammonia, µg/m3: mean of the hour',
    hcl Nullable(Float64) COMMENT 'Hydrogen chloride, µg/m3: mean of the hour',
    hf Nullable(Float64) COMMENT 'Hydrogen fluoride, µg/m3: mean of the hour',
    co2 Nullable(Float64) COMMENT 'Carbon dioxide, ppm: mean of the hour',
    thc Nullable(Float64) COMMENT 'Total hydrocarbons, ppmC: mean of the hour',
    ch4 Nullable(Float64) COMMENT 'Methane, ppm: mean of the hour',
    benzene Nullable(Float64) COMMENT 'Benzene, ppb: mean of the hour',
    toluene Nullable(Float64) COMMENT 'Toluene, ppb: mean of the hour',
    ethylbenzene Nullable(Float64) COMMENT 'Ethylbenzene, ppb: mean of the hour',
    m_p_xylene Nullable(Float64) COMMENT 'Meta- and para-xylene, ppb: mean of the hour',
    o_xylene Nullable(Float64) COMMENT 'Ortho-xylene, ppb: mean of the hour',
    styrene Nullable(Float64) COMMENT 'Styrene, ppb: mean of the hour',
    butadiene Nullable(Float64) COMMENT '1,3-Butadiene, ppb: mean of the hour',
    vinyl_chloride Nullable(Float64) COMMENT 'Vinyl chloride, ppb: mean of the hour',
    acrylonitrile Nullable(Float64) COMMENT 'Acrylonitrile, ppb: mean of the hour',
    tetrachloroethene Nullable(Float64) COMMENT 'Tetrachloroethene, ppb: mean of the hour',
    temp Nullable(Float64) COMMENT 'Temperature, °C: mean of the hour',
    tempin Nullable(Float64) COMMENT 'Temperature inside the station, °C: mean of the hour',
    humidity Nullable(Float64) COMMENT 'Relative humidity, %: mean of the hour',
    pressure Nullable(Float64) COMMENT 'Pressure, hPa: mean of the hour',
    radiation Nullable(Float64) COMMENT 'Solar radiation, W/m2: mean of the hour',
    windspeed Nullable(Float64) COMMENT 'Wind speed, m/s: mean of the hour',
    winddir Nullable(Float64) COMMENT 'Wind direction, °: mean direction of the hour',
    rain Nullable(Float64) COMMENT 'Rainfall, mm: sum of the hour',
    hg Nullable(Float64) COMMENT 'Mercury, ng/m3: mean of the hour',
    pb Nullable(Float64) COMMENT 'Lead, µg/m3: mean of the hour'
)
AS SELECT
    station,
    starts_at,
    toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    maxIf(mean, parameter = 'PM2.5' AND unit = 'µg/m3') AS pm2_5,
    maxIf(mean, parameter = 'PM10' AND unit = 'µg/m3') AS pm10,
    maxIf(mean, parameter = 'PM1' AND unit = 'µg/m3') AS pm1,
    maxIf(mean, parameter = 'TSP' AND unit = 'µg/m3') AS tsp,
    maxIf(mean, parameter = 'NO' AND unit = 'µg/m3') AS no,
    maxIf(mean, parameter = 'NO2' AND unit = 'µg/m3') AS no2,
    maxIf(mean, parameter = 'NOx' AND unit = 'µg/m3') AS nox,
    maxIf(mean, parameter = 'SO2' AND unit = 'µg/m3') AS so2,
    maxIf(mean, parameter = 'CO' AND unit = 'µg/m3') AS co,
    maxIf(mean, parameter = 'O3' AND unit = 'µg/m3') AS o3,
    maxIf(mean, parameter = 'H2S' AND unit = 'µg/m3') AS h2s,
    maxIf(mean, parameter = 'NH3' AND unit = 'µg/m3') AS nh3,
    maxIf(mean, parameter = 'HCl' AND unit = 'µg/m3') AS hcl,
    maxIf(mean, parameter = 'HF' AND unit = 'µg/m3') AS hf,
    maxIf(mean, parameter = 'CO2' AND unit = 'ppm') AS co2,
    maxIf(mean, parameter = 'THC' AND unit = 'ppmC') AS thc,
    maxIf(mean, parameter = 'CH4' AND unit = 'ppm') AS ch4,
    maxIf(mean, parameter = 'Benzene' AND unit = 'ppb') AS benzene,
    maxIf(mean, parameter = 'Toluene' AND unit = 'ppb') AS toluene,
    maxIf(mean, parameter = 'Ethylbenzene' AND unit = 'ppb') AS ethylbenzene,
    maxIf(mean, parameter = 'm,p-Xylene' AND unit = 'ppb') AS m_p_xylene,
    maxIf(mean, parameter = 'o-Xylene' AND unit = 'ppb') AS o_xylene,
    maxIf(mean, parameter = 'Styrene' AND unit = 'ppb') AS styrene,
    maxIf(mean, parameter = 'Butadiene' AND unit = 'ppb') AS butadiene,
    maxIf(mean, parameter = 'Vinyl chloride' AND unit = 'ppb') AS vinyl_chloride,
    maxIf(mean, parameter = 'Acrylonitrile' AND unit = 'ppb') AS acrylonitrile,
    maxIf(mean, parameter = 'Tetrachloroethene' AND unit = 'ppb') AS tetrachloroethene,
    maxIf(mean, parameter = 'Temp' AND unit = '°C') AS temp,
    maxIf(mean, parameter = 'TempIn' AND unit = '°C') AS tempin,
    maxIf(mean, parameter = 'Humidity' AND unit = '%') AS humidity,
    maxIf(mean, parameter = 'Pressure' AND unit = 'hPa') AS pressure,
    maxIf(mean, parameter = 'Radiation' AND unit = 'W/m2') AS radiation,
    maxIf(mean, parameter = 'WindSpeed' AND unit = 'm/s') AS windspeed,
    maxIf(mean, parameter = 'WindDir' AND unit = '°') AS winddir,
    maxIf(total, parameter = 'Rain' AND unit = 'mm') AS rain,
    maxIf(mean, parameter = 'Hg' AND unit = 'ng/m3') AS hg,
    maxIf(mean, parameter = 'Pb' AND unit = 'µg/m3') AS pb
FROM averages FINAL
WHERE period = 'hour' AND complete = 1
    AND station GLOBAL IN (SELECT code FROM stations FINAL WHERE type = 'ambient-air')
GROUP BY station, starts_at
COMMENT 'Hours of ambient-air stations, a column a parameter; NULL = no complete hour in that unit';

CREATE OR REPLACE VIEW stack_hourly
(
    station LowCardinality(String) COMMENT 'Station code',
    starts_at DateTime('UTC') COMMENT 'Start of the hour, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    pm Nullable(Float64) COMMENT 'Dust, mg/Nm3: mean of the hour',
    no Nullable(Float64) COMMENT 'Nitric oxide, mg/Nm3: mean of the hour',
    no2 Nullable(Float64) COMMENT 'Nitrogen dioxide, mg/Nm3: mean of the hour',
    nox Nullable(Float64) COMMENT 'Nitrogen oxides, mg/Nm3: mean of the hour',
    so2 Nullable(Float64) COMMENT 'Sulphur dioxide, mg/Nm3: mean of the hour',
    co Nullable(Float64) COMMENT 'Carbon monoxide, mg/Nm3: mean of the hour',
    h2s Nullable(Float64) COMMENT 'Hydrogen sulphide, mg/Nm3: mean of the hour',
    nh3 Nullable(Float64) COMMENT 'Ammonia, mg/Nm3: mean of the hour',
    hcl Nullable(Float64) COMMENT 'Hydrogen chloride, mg/Nm3: mean of the hour',
    hf Nullable(Float64) COMMENT 'Hydrogen fluoride, mg/Nm3: mean of the hour',
    co2 Nullable(Float64) COMMENT 'Carbon dioxide, %: mean of the hour',
    o2 Nullable(Float64) COMMENT 'Oxygen, %: mean of the hour',
    vhg Nullable(Float64) COMMENT 'Mercury vapour, mg/Nm3: mean of the hour',
    temp Nullable(Float64) COMMENT 'Temperature, °C: mean of the hour',
    pressure Nullable(Float64) COMMENT 'Pressure, kPa: mean of the hour',
    flow Nullable(Float64) COMMENT 'Flow, m3/h: mean of the hour'
)
AS SELECT
    station,
    starts_at,
    toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    maxIf(mean, parameter = 'PM' AND unit = 'mg/Nm3') AS pm,
    maxIf(mean, parameter = 'NO' AND unit = 'mg/Nm3') AS no,
    maxIf(mean, parameter = 'NO2' AND unit = 'mg/Nm3') AS no2,
    maxIf(mean, parameter = 'NOx' AND unit = 'mg/Nm3') AS nox,
    maxIf(mean, parameter = 'SO2' AND unit = 'mg/Nm3') AS so2,
    maxIf(mean, parameter = 'CO' AND unit = 'mg/Nm3') AS co,
    maxIf(mean, parameter = 'H2S' AND unit = 'mg/Nm3') AS h2s,
    maxIf(mean, parameter = 'NH3' AND unit = 'mg/Nm3') AS nh3,
    maxIf(mean, parameter = 'HCl' AND unit = 'mg/Nm3') AS hcl,
    maxIf(mean, parameter = 'HF' AND unit = 'mg/Nm3') AS hf,
    maxIf(mean, parameter = 'CO2' AND unit = '%') AS co2,
    maxIf(mean, parameter = 'O2' AND unit = '%') AS o2,
    maxIf(mean, parameter = 'VHg' AND unit = 'mg/Nm3') AS vhg,
    maxIf(mean, parameter = 'Temp' AND unit = '°C') AS temp,
    maxIf(mean, parameter = 'Pressure' AND unit = 'kPa') AS pressure,
    maxIf(mean, parameter = 'Flow' AND unit = 'm3/h') AS flow
FROM averages FINAL
WHERE period = 'hour' AND complete = 1
    AND station GLOBAL IN (SELECT code FROM stations FINAL WHERE type = 'stack')
GROUP BY station, starts_at
COMMENT 'Hours of stack stations, a column a parameter; NULL = no complete hour in that unit';

CREATE OR REPLACE VIEW surface_water_hourly
(
    station LowCardinality(String) COMMENT 'Station code',
    starts_at DateTime('UTC') COMMENT 'Start of the hour, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    temp Nullable(Float64) COMMENT 'Temperature, °C: mean of the hour',
    waterlevel Nullable(Float64) COMMENT 'Water level, m: mean of the hour',
    ph Nullable(Float64) COMMENT 'pH: mean of the hour',
    tss Nullable(Float64) COMMENT 'Total suspended solids, mg/L: mean of the hour',
    cod Nullable(Float64) COMMENT 'Chemical oxygen demand, mg/L: mean of the hour',
    bod Nullable(Float64) COMMENT 'Biochemical oxygen demand, mg/L: mean of the hour',
    toc Nullable(Float64) COMMENT 'Total organic carbon, mg/L: mean of the hour',
    do Nullable(Float64) COMMENT 'Dissolved oxygen, mg/L: mean of the hour',
    nh4 Nullable(Float64) COMMENT 'Ammonium, mg/L: mean of the hour',
    nh4_n Nullable(Float64) COMMENT 'Ammonium as nitrogen, mg/L: mean of the hour',
    no3 Nullable(Float64) COMMENT 'Nitrate, mg/L: mean of the hour',
    no3_n Nullable(Float64) COMMENT 'Nitrate as nitrogen, mg/L: mean of the hour',
    no2_n Nullable(Float64) COMMENT 'Nitrite as nitrogen, mg/L: mean of the hour',
    po4 Nullable(Float64) COMMENT 'Phosphate, mg/L: mean of the hour',
    po4_p Nullable(Float64) COMMENT 'Phosphate as phosphorus, mg/L: mean of the hour',
    tn Nullable(Float64) COMMENT 'Total nitrogen, mg/L: mean of the hour',
    tp Nullable(Float64) COMMENT 'Total phosphorus, mg/L: mean of the hour',
    ec Nullable(Float64) COMMENT 'Conductivity, µS/cm: mean of the hour',
    turbidity Nullable(Float64) COMMENT 'Turbidity, NTU: mean of the hour',
    orp Nullable(Float64) COMMENT 'Oxidation-reduction potential, mV: mean of the hour',
    salinity Nullable(Float64) COMMENT 'Salinity, ‰: mean of the hour',
    tds Nullable(Float64) COMMENT 'Total dissolved solids, mg/L: mean of the hour',
    chloride Nullable(Float64) COMMENT 'Chloride, mg/L: mean of the hour',
    fluoride Nullable(Float64) COMMENT 'Fluoride, mg/L: mean of the hour',
    cn Nullable(Float64) COMMENT 'Cyanide, mg/L: mean of the hour',
    phenol Nullable(Float64) COMMENT 'Phenol, mg/L: mean of the hour',
    coliform Nullable(Float64) COMMENT 'Coliform bacteria, MPN/100mL: mean of the hour',
    hg Nullable(Float64) COMMENT 'Mercury, mg/L: mean of the hour',
    pb Nullable(Float64) COMMENT 'Lead, mg/L: mean of the hour',
    arsenic Nullable(Float64) COMMENT 'Arsenic, mg/L: mean of the hour',
    cd Nullable(Float64) COMMENT 'Cadmium, mg/L: mean of the hour',
    hexavalent_chromium Nullable(Float64) COMMENT 'Hexavalent chromium, mg/L: mean of the hour',
    cu Nullable(Float64) COMMENT 'Copper, mg/L: mean of the hour',
    fe Nullable(Float64) COMMENT 'Iron, mg/L: mean of the hour',
    mn Nullable(Float64) COMMENT 'Manganese, mg/L: mean of the hour',
    ni Nullable(Float64) COMMENT 'Nickel, mg/L: mean of the hour',
    zn Nullable(Float64) COMMENT 'Zinc, mg/L: mean of the hour'
)
AS SELECT
    station,
    starts_at,
    toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    maxIf(mean, parameter = 'Temp' AND unit = '°C') AS temp,
    maxIf(mean, parameter = 'WaterLevel' AND unit = 'm') AS waterlevel,
    maxIf(mean, parameter = 'pH' AND unit = '') AS ph,
    maxIf(mean, parameter = 'TSS' AND unit = 'mg/L') AS tss,
    maxIf(mean, parameter = 'COD' AND unit = 'mg/L') AS cod,
    maxIf(mean, parameter = 'BOD' AND unit = 'mg/L') AS bod,
    maxIf(mean, parameter = 'TOC' AND unit = 'mg/L') AS toc,
    maxIf(mean, parameter = 'DO' AND unit = 'mg/L') AS do,
    maxIf(mean, parameter = 'NH4' AND unit = 'mg/L') AS nh4,
    maxIf(mean, parameter = 'NH4-N' AND unit = 'mg/L') AS nh4_n,
    maxIf(mean, parameter = 'NO3' AND unit = 'mg/L') AS no3,
    maxIf(mean, parameter = 'NO3-N' AND unit = 'mg/L') AS no3_n,
    maxIf(mean, parameter = 'NO2-N' AND unit = 'mg/L') AS no2_n,
    maxIf(mean, parameter = 'PO4' AND unit = 'mg/L') AS po4,
    maxIf(mean, parameter = 'PO4-P' AND unit = 'mg/L') AS po4_p,
    maxIf(mean, parameter = 'TN' AND unit = 'mg/L') AS tn,
    maxIf(mean, parameter = 'TP' AND unit = 'mg/L') AS tp,
    maxIf(mean, parameter = 'EC' AND unit = 'µS/cm') AS ec,
    maxIf(mean, parameter = 'Turbidity' AND unit = 'NTU') AS turbidity,
    maxIf(mean, parameter = 'ORP' AND unit = 'mV') AS orp,
    maxIf(mean, parameter = 'Salinity' AND unit = '‰') AS salinity,
    maxIf(mean, parameter = 'TDS' AND unit = 'mg/L') AS tds,
    maxIf(mean, parameter = 'Cl-' AND unit = 'mg/L') AS chloride,
    maxIf(mean, parameter = 'F-' AND unit = 'mg/L') AS fluoride,
    maxIf(mean, parameter = 'CN' AND unit = 'mg/L') AS cn,
    maxIf(mean, parameter = 'Phenol' AND unit = 'mg/L') AS phenol,
    maxIf(mean, parameter = 'Coliform' AND unit = 'MPN/100mL') AS coliform,
    maxIf(mean, parameter = 'Hg' AND unit = 'mg/L') AS hg,
    maxIf(mean, parameter = 'Pb' AND unit = 'mg/L') AS pb,
    maxIf(mean, parameter = 'As' AND unit = 'mg/L') AS arsenic,
    maxIf(mean, parameter = 'Cd' AND unit = 'mg/L') AS cd,
    maxIf(mean, parameter = 'Cr6+' AND unit = 'mg/L') AS hexavalent_chromium,
    maxIf(mean, parameter = 'Cu' AND unit = 'mg/L') AS cu,
    maxIf(mean, parameter = 'Fe' AND unit = 'mg/L') AS fe,
    maxIf(mean, parameter = 'Mn' AND unit = 'mg/L') AS mn,
    maxIf(mean, parameter = 'Ni' AND unit = 'mg/L') AS ni,
    maxIf(mean, parameter = 'Zn' AND unit = 'mg/L') AS zn
FROM averages FINAL
WHERE period = 'hour' AND complete = 1
    AND station GLOBAL IN (SELECT code FROM stations FINAL WHERE type = 'surface-water')
GROUP BY station, starts_at
COMMENT 'Hours of surface-water stations, a column a parameter; NULL = no complete hour in that unit';

CREATE OR REPLACE VIEW groundwater_hourly
(
    station LowCardinality(String) COMMENT 'Station code',
    starts_at DateTime('UTC') COMMENT 'Start of the hour, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    temp Nullable(Float64) COMMENT 'Temperature, °C: mean of the hour',
    tempenv Nullable(Float64) COMMENT 'Air temperature at a groundwater station, °C: mean of the hour',
    waterlevel Nullable(Float64) COMMENT 'Water level, m: mean of the hour',
    ph Nullable(Float64) COMMENT 'pH: mean of the hour',
    tss Nullable(Float64) COMMENT 'Total suspended solids, mg/L: mean of the hour',
    cod Nullable(Float64) COMMENT 'Chemical oxygen demand, mg/L: mean of the hour',
    bod Nullable(Float64) COMMENT 'Biochemical oxygen demand, mg/L: mean of the hour',
    toc Nullable(Float64) COMMENT 'Total organic carbon, mg/L: mean of the hour',
    do Nullable(Float64) COMMENT 'Dissolved oxygen, mg/L: mean of the hour',
    nh4 Nullable(Float64) COMMENT 'Ammonium, mg/L: mean of the hour',
    nh4_n Nullable(Float64) COMMENT 'Ammonium as nitrogen, mg/L: mean of the hour',
    no3 Nullable(Float64) COMMENT 'Nitrate, mg/L: mean of the hour',
    no3_n Nullable(Float64) COMMENT 'Nitrate as nitrogen, mg/L: mean of the hour',
    no2_n Nullable(Float64) COMMENT 'Nitrite as nitrogen, mg/L: mean of the hour',
    po4 Nullable(Float64) COMMENT 'Phosphate, mg/L: mean of the hour',
    po4_p Nullable(Float64) COMMENT 'Phosphate as phosphorus, mg/L: mean of the hour',
    tn Nullable(Float64) COMMENT 'Total nitrogen, mg/L: mean of the hour',
    tp Nullable(Float64) COMMENT 'Total phosphorus, mg/L: mean of the hour',
    ec Nullable(Float64) COMMENT 'Conductivity, µS/cm: mean of the hour',
    orp Nullable(Float64) COMMENT 'Oxidation-reduction potential, mV: mean of the hour',
    salinity Nullable(Float64) COMMENT 'Salinity, ‰: mean of the hour',
    tds Nullable(Float64) COMMENT 'Total dissolved solids, mg/L: mean of the hour',
    chloride Nullable(Float64) COMMENT 'Chloride, mg/L: mean of the hour',
    fluoride Nullable(Float64) COMMENT 'Fluoride, mg/L: mean of the hour',
    cn Nullable(Float64) COMMENT 'Cyanide, mg/L: mean of the hour',
    phenol Nullable(Float64) COMMENT 'Phenol, mg/L: mean of the hour',
    hg Nullable(Float64) COMMENT 'Mercury, mg/L: mean of the hour',
    pb Nullable(Float64) COMMENT 'Lead, mg/L: mean of the hour',
    arsenic Nullable(Float64) COMMENT 'Arsenic, mg/L: mean of the hour',
    cd Nullable(Float64) COMMENT 'Cadmium, mg/L: mean of the hour',
    hexavalent_chromium Nullable(Float64) COMMENT 'Hexavalent chromium, mg/L: mean of the hour',
    cu Nullable(Float64) COMMENT 'Copper, mg/L: mean of the hour',
    fe Nullable(Float64) COMMENT 'Iron, mg/L: mean of the hour',
    mn Nullable(Float64) COMMENT 'Manganese, mg/L: mean of the hour',
    ni Nullable(Float64) COMMENT 'Nickel, mg/L: mean of the hour',
    zn Nullable(Float64) COMMENT 'Zinc, mg/L: mean of the hour'
)
AS SELECT
    station,
    starts_at,
    toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    maxIf(mean, parameter = 'Temp' AND unit = '°C') AS temp,
    maxIf(mean, parameter = 'TempEnv' AND unit = '°C') AS tempenv,
    maxIf(mean, parameter = 'WaterLevel' AND unit = 'm') AS waterlevel,
    maxIf(mean, parameter = 'pH' AND unit = '') AS ph,
    maxIf(mean, parameter = 'TSS' AND unit = 'mg/L') AS tss,
    maxIf(mean, parameter = 'COD' AND unit = 'mg/L') AS cod,
    maxIf(mean, parameter = 'BOD' AND unit = 'mg/L') AS bod,
    maxIf(mean, parameter = 'TOC' AND unit = 'mg/L') AS toc,
    maxIf(mean, parameter = 'DO' AND unit = 'mg/L') AS do,
    maxIf(mean, parameter = 'NH4' AND unit = 'mg/L') AS nh4,
    maxIf(mean, parameter = 'NH4-N' AND unit = 'mg/L') AS nh4_n,
    maxIf(mean, parameter = 'NO3' AND unit = 'mg/L') AS no3,
    maxIf(mean, parameter = 'NO3-N' AND unit = 'mg/L') AS no3_n,
    maxIf(mean, parameter = 'NO2-N' AND unit = 'mg/L') AS no2_n,
    maxIf(mean, parameter = 'PO4' AND unit = 'mg/L') AS po4,
    maxIf(mean, parameter = 'PO4-P' AND unit = 'mg/L') AS po4_p,
    maxIf(mean, parameter = 'TN' AND unit = 'mg/L') AS tn,
    maxIf(mean, parameter = 'TP' AND unit = 'mg/L') AS tp,
    maxIf(mean, parameter = 'EC' AND unit = 'µS/cm') AS ec,
    maxIf(mean, parameter = 'ORP' AND unit = 'mV') AS orp,
    maxIf(mean, parameter = 'Salinity' AND unit = '‰') AS salinity,
    maxIf(mean, parameter = 'TDS' AND unit = 'mg/L') AS tds,
    maxIf(mean, parameter = 'Cl-' AND unit = 'mg/L') AS chloride,
    maxIf(mean, parameter = 'F-' AND unit = 'mg/L') AS fluoride,
    maxIf(mean, parameter = 'CN' AND unit = 'mg/L') AS cn,
    maxIf(mean, parameter = 'Phenol' AND unit = 'mg/L') AS phenol,
    maxIf(mean, parameter = 'Hg' AND unit = 'mg/L') AS hg,
    maxIf(mean, parameter = 'Pb' AND unit = 'mg/L') AS pb,
    maxIf(mean, parameter = 'As' AND unit = 'mg/L') AS arsenic,
    maxIf(mean, parameter = 'Cd' AND unit = 'mg/L') AS cd,
    maxIf(mean, parameter = 'Cr6+' AND unit = 'mg/L') AS hexavalent_chromium,
    maxIf(mean, parameter = 'Cu' AND unit = 'mg/L') AS cu,
    maxIf(mean, parameter = 'Fe' AND unit = 'mg/L') AS fe,
    maxIf(mean, parameter = 'Mn' AND unit = 'mg/L') AS mn,
    maxIf(mean, parameter = 'Ni' AND unit = 'mg/L') AS ni,
    maxIf(mean, parameter = 'Zn' AND unit = 'mg/L') AS zn
FROM averages FINAL
WHERE period = 'hour' AND complete = 1
    AND station GLOBAL IN (SELECT code FROM stations FINAL WHERE type = 'groundwater')
GROUP BY station, starts_at
COMMENT 'Hours of groundwater stations, a column a parameter; NULL = no complete hour in that unit';

CREATE OR REPLACE VIEW wastewater_hourly
(
    station LowCardinality(String) COMMENT 'Station code',
    starts_at DateTime('UTC') COMMENT 'Start of the hour, UTC',
    starts_local DateTime('Asia/Ho_Chi_Minh') COMMENT 'The same in Vietnam',
    temp Nullable(Float64) COMMENT 'Temperature, °C: mean of the hour',
    flow Nullable(Float64) COMMENT 'Flow, m3/h: mean of the hour',
    flowin Nullable(Float64) COMMENT 'Flow into the plant, m3/h: mean of the hour',
    flowout Nullable(Float64) COMMENT 'Flow out of the plant, m3/h: mean of the hour',
    ph Nullable(Float64) COMMENT 'pH: mean of the hour',
    tss Nullable(Float64) COMMENT 'Total suspended solids, mg/L: mean of the hour',
    cod Nullable(Float64) COMMENT 'Chemical oxygen demand, mg/L: mean of the hour',
    bod Nullable(Float64) COMMENT 'Biochemical oxygen demand, mg/L: mean of the hour',
    toc Nullable(Float64) COMMENT 'Total organic carbon, mg/L: mean of the hour',
    do Nullable(Float64) COMMENT 'Dissolved oxygen, mg/L: mean of the hour',
    nh4 Nullable(Float64) COMMENT 'Ammonium, mg/L: mean of the hour',
    nh4_n Nullable(Float64) COMMENT 'Ammonium as nitrogen, mg/L: mean of the hour',
    no3 Nullable(Float64) COMMENT 'Nitrate, mg/L: mean of the hour',
    no3_n Nullable(Float64) COMMENT 'Nitrate as nitrogen, mg/L: mean of the hour',
    no2_n Nullable(Float64) COMMENT 'Nitrite as nitrogen, mg/L: mean of the hour',
    po4 Nullable(Float64) COMMENT 'Phosphate, mg/L: mean of the hour',
    po4_p Nullable(Float64) COMMENT 'Phosphate as phosphorus, mg/L: mean of the hour',
    tn Nullable(Float64) COMMENT 'Total nitrogen, mg/L: mean of the hour',
    tp Nullable(Float64) COMMENT 'Total phosphorus, mg/L: mean of the hour',
    color Nullable(Float64) COMMENT 'Colour, Pt-Co: mean of the hour',
    ec Nullable(Float64) COMMENT 'Conductivity, mS/cm: mean of the hour',
    orp Nullable(Float64) COMMENT 'Oxidation-reduction potential, mV: mean of the hour',
    tds Nullable(Float64) COMMENT 'Total dissolved solids, mg/L: mean of the hour',
    cl Nullable(Float64) COMMENT 'Residual chlorine, mg/L: mean of the hour',
    chloride Nullable(Float64) COMMENT 'Chloride, mg/L: mean of the hour',
    fluoride Nullable(Float64) COMMENT 'Fluoride, mg/L: mean of the hour',
    cn Nullable(Float64) COMMENT 'Cyanide, mg/L: mean of the hour',
    phenol Nullable(Float64) COMMENT 'Phenol, mg/L: mean of the hour',
    oil Nullable(Float64) COMMENT 'Mineral oil, mg/L: mean of the hour',
    coliform Nullable(Float64) COMMENT 'Coliform bacteria, MPN/100mL: mean of the hour',
    hg Nullable(Float64) COMMENT 'Mercury, mg/L: mean of the hour',
    pb Nullable(Float64) COMMENT 'Lead, mg/L: mean of the hour',
    arsenic Nullable(Float64) COMMENT 'Arsenic, mg/L: mean of the hour',
    cd Nullable(Float64) COMMENT 'Cadmium, mg/L: mean of the hour',
    hexavalent_chromium Nullable(Float64) COMMENT 'Hexavalent chromium, mg/L: mean of the hour',
    cu Nullable(Float64) COMMENT 'Copper, mg/L: mean of the hour',
    fe Nullable(Float64) COMMENT 'Iron, mg/L: mean of the hour',
    mn Nullable(Float64) COMMENT 'Manganese, mg/L: mean of the hour',
    ni Nullable(Float64) COMMENT 'Nickel, mg/L: mean of the hour',
    zn Nullable(Float64) COMMENT 'Zinc, mg/L: mean of the hour'
)
AS SELECT
    station,
    starts_at,
    toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    maxIf(mean, parameter = 'Temp' AND unit = '°C') AS temp,
    maxIf(mean, parameter = 'Flow' AND unit = 'm3/h') AS flow,
    maxIf(mean, parameter = 'FlowIn' AND unit = 'm3/h') AS flowin,
    maxIf(mean, parameter = 'FlowOut' AND unit = 'm3/h') AS flowout,
    maxIf(mean, parameter = 'pH' AND unit = '') AS ph,
    maxIf(mean, parameter = 'TSS' AND unit = 'mg/L') AS tss,
    maxIf(mean, parameter = 'COD' AND unit = 'mg/L') AS cod,
    maxIf(mean, parameter = 'BOD' AND unit = 'mg/L') AS bod,
    maxIf(mean, parameter = 'TOC' AND unit = 'mg/L') AS toc,
    maxIf(mean, parameter = 'DO' AND unit = 'mg/L') AS do,
    maxIf(mean, parameter = 'NH4' AND unit = 'mg/L') AS nh4,
    maxIf(mean, parameter = 'NH4-N' AND unit = 'mg/L') AS nh4_n,
    maxIf(mean, parameter = 'NO3' AND unit = 'mg/L') AS no3,
    maxIf(mean, parameter = 'NO3-N' AND unit = 'mg/L') AS no3_n,
    maxIf(mean, parameter = 'NO2-N' AND unit = 'mg/L') AS no2_n,
    maxIf(mean, parameter = 'PO4' AND unit = 'mg/L') AS po4,
    maxIf(mean, parameter = 'PO4-P' AND unit = 'mg/L') AS po4_p,
    maxIf(mean, parameter = 'TN' AND unit = 'mg/L') AS tn,
    maxIf(mean, parameter = 'TP' AND unit = 'mg/L') AS tp,
    maxIf(mean, parameter = 'Color' AND unit = 'Pt-Co') AS color,
    maxIf(mean, parameter = 'EC' AND unit = 'mS/cm') AS ec,
    maxIf(mean, parameter = 'ORP' AND unit = 'mV') AS orp,
    maxIf(mean, parameter = 'TDS' AND unit = 'mg/L') AS tds,
    maxIf(mean, parameter = 'Cl' AND unit = 'mg/L') AS cl,
    maxIf(mean, parameter = 'Cl-' AND unit = 'mg/L') AS chloride,
    maxIf(mean, parameter = 'F-' AND unit = 'mg/L') AS fluoride,
    maxIf(mean, parameter = 'CN' AND unit = 'mg/L') AS cn,
    maxIf(mean, parameter = 'Phenol' AND unit = 'mg/L') AS phenol,
    maxIf(mean, parameter = 'Oil' AND unit = 'mg/L') AS oil,
    maxIf(mean, parameter = 'Coliform' AND unit = 'MPN/100mL') AS coliform,
    maxIf(mean, parameter = 'Hg' AND unit = 'mg/L') AS hg,
    maxIf(mean, parameter = 'Pb' AND unit = 'mg/L') AS pb,
    maxIf(mean, parameter = 'As' AND unit = 'mg/L') AS arsenic,
    maxIf(mean, parameter = 'Cd' AND unit = 'mg/L') AS cd,
    maxIf(mean, parameter = 'Cr6+' AND unit = 'mg/L') AS hexavalent_chromium,
    maxIf(mean, parameter = 'Cu' AND unit = 'mg/L') AS cu,
    maxIf(mean, parameter = 'Fe' AND unit = 'mg/L') AS fe,
    maxIf(mean, parameter = 'Mn' AND unit = 'mg/L') AS mn,
    maxIf(mean, parameter = 'Ni' AND unit = 'mg/L') AS ni,
    maxIf(mean, parameter = 'Zn' AND unit = 'mg/L') AS zn
FROM averages FINAL
WHERE period = 'hour' AND complete = 1
    AND station GLOBAL IN (SELECT code FROM stations FINAL WHERE type = 'wastewater')
GROUP BY station, starts_at
COMMENT 'Hours of wastewater stations, a column a parameter; NULL = no complete hour in that unit';
