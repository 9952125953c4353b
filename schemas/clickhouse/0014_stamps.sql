ALTER TABLE stations
    ADD COLUMN IF NOT EXISTS stamps Array(Tuple(valid_from DateTime('UTC'), valid_to DateTime('UTC'), offset Int32)) COMMENT 'Spans of measured_at (UTC, the end exclusive) whose readings are means: offset = seconds from the stamp to the middle of what was averaged, below 0 where stamps name its end; the middle decides the hour and day. Empty = stamps name instants' AFTER intervals;

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
    stamps Array(Tuple(valid_from DateTime('UTC'), valid_to DateTime('UTC'), offset Int32)) COMMENT 'Spans of measured_at (UTC, the end exclusive) whose readings are means: offset = seconds from the stamp to the middle of what was averaged, below 0 where stamps name its end; the middle decides the hour and day. Empty = stamps name instants',
    publish_index UInt8 COMMENT '1 = VN_AQI or VN_WQI is made of it',
    pollution Array(Tuple(valid_from DateTime('UTC'), valid_to DateTime('UTC'), kind String)) COMMENT 'What is known of the surface water it measures: organic, pesticides, metals, with spans (UTC, the end exclusive; 1970 and 2106 = open); decides the formula of VN_WQI',
    valid_from Nullable(DateTime('UTC')) COMMENT 'Inclusive, UTC; NULL = always was',
    valid_to Nullable(DateTime('UTC')) COMMENT 'Exclusive, UTC; NULL = still is'
)
AS SELECT s.code AS code, s.name AS name, s.name_en AS name_en, s.type AS type, s.province AS province, p.name AS province_name,
    s.latitude AS latitude, s.longitude AS longitude, s.interval_seconds AS interval_seconds, s.intervals AS intervals,
    s.stamps AS stamps, s.publish_index AS publish_index, s.pollution AS pollution, s.valid_from AS valid_from, s.valid_to AS valid_to
FROM stations AS s FINAL
GLOBAL LEFT JOIN (SELECT code, name FROM provinces FINAL WHERE valid_to IS NULL) AS p ON s.province = p.code
COMMENT 'Stations as the registry has them now; ended ones have valid_to';

ALTER TABLE readings
    COMMENT COLUMN measured_at 'UTC, seconds as sent: the stamp; what it names of a mean says stamps of stations_current';
