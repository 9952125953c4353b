ALTER TABLE indices ADD COLUMN IF NOT EXISTS formula Nullable(UInt8)
    DEFAULT multiIf(kind != 'VN_WQI' OR isNull(value), NULL, hasAny(mapKeys(subindices), ['Coliform', 'E. coli']), 5, 4)
    COMMENT 'Of VN_WQI, the formula of Decision 1460/QĐ-TCMT that gave it: 3 groups IV and V weigh the same, 4 IV alone, 5 IV twice; NULL = VN_AQI or no index. Rows from before the column followed 5 or 4';

ALTER TABLE indices
    COMMENT COLUMN kind 'VN_AQI or VN_WQI; Decision 1460/QĐ-TCMT speaks of periodic samples: a VN_WQI of automatic data is outside it',
    COMMENT COLUMN subindices 'Parameter -> sub-index; indices made of other parameters cannot be compared',
    COMMENT COLUMN version 'Counts up when the same period gives another result, or the same one by another formula';

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
    parameters Array(LowCardinality(String)) COMMENT 'What has a sub-index, in alphabetical order; VN_WQI of waters with different parameters cannot be compared',
    formula Nullable(UInt8) COMMENT 'Of VN_WQI, the formula of Decision 1460/QĐ-TCMT that gave it: 3 groups IV and V weigh the same, 4 IV alone, 5 IV twice; NULL = VN_AQI or no index',
    caveat String COMMENT 'What is to be said wherever the index is shown; empty = nothing',
    computed_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT station, kind, period, starts_at, toTimeZone(starts_at, 'Asia/Ho_Chi_Minh') AS starts_local,
    ends_at, toDate(starts_at, 'Asia/Ho_Chi_Minh') AS day, value, level, responsible, subindices,
    arraySort(mapKeys(subindices)) AS parameters, formula,
    if(kind = 'VN_WQI', 'Decision 1460/QĐ-TCMT speaks of periodic samples: an index of automatic data is outside it', '') AS caveat,
    computed_at
FROM indices FINAL
ORDER BY version DESC, computed_at DESC
LIMIT 1 BY station, kind, period, starts_at
COMMENT 'VN_AQI and VN_WQI as they stand now; Decision 1460/QĐ-TCMT speaks of periodic samples, so a VN_WQI of automatic data is outside it';

ALTER TABLE stations ADD COLUMN IF NOT EXISTS pollution Array(Tuple(valid_from DateTime('UTC'), valid_to DateTime('UTC'), kind String))
    COMMENT 'What is known of the surface water it measures: organic, pesticides, metals, with spans (UTC, the end exclusive; 1970 and 2106 = open); decides the formula of VN_WQI'
    AFTER publish_index;

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
    pollution Array(Tuple(valid_from DateTime('UTC'), valid_to DateTime('UTC'), kind String)) COMMENT 'What is known of the surface water it measures: organic, pesticides, metals, with spans (UTC, the end exclusive; 1970 and 2106 = open); decides the formula of VN_WQI',
    valid_from Nullable(DateTime('UTC')) COMMENT 'Inclusive, UTC; NULL = always was',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = still is'
)
AS SELECT s.code AS code, s.name AS name, s.name_en AS name_en, s.type AS type, s.province AS province, p.name AS province_name,
    s.latitude AS latitude, s.longitude AS longitude, s.interval_seconds AS interval_seconds, s.intervals AS intervals,
    s.publish_index AS publish_index, s.pollution AS pollution, s.valid_from AS valid_from, s.valid_to AS valid_to
FROM stations AS s FINAL
GLOBAL LEFT JOIN (SELECT code, name FROM provinces FINAL WHERE valid_to IS NULL) AS p ON s.province = p.code
COMMENT 'Stations as the registry has them now; ended ones have valid_to';
