ALTER TABLE readings
    ADD INDEX IF NOT EXISTS by_version version TYPE minmax GRANULARITY 1;

ALTER TABLE reading_revisions
    ADD INDEX IF NOT EXISTS by_version version TYPE minmax GRANULARITY 1;

CREATE OR REPLACE VIEW schedules
(
    station LowCardinality(String) COMMENT 'Station code',
    parameter LowCardinality(String) COMMENT 'Catalogue code',
    starts_at DateTime('UTC') COMMENT 'Inclusive, UTC; 1970 = always',
    ends_at DateTime('UTC') COMMENT 'Exclusive, UTC; 2106 = no end is known',
    interval_seconds UInt32 COMMENT 'Distance between two readings; one is due at each multiple of it since 1970, UTC'
)
AS SELECT station, parameter, toDateTime(span.1, 'UTC') AS starts_at, toDateTime(span.2, 'UTC') AS ends_at, span.3 AS interval_seconds
FROM
(
    SELECT station, parameter, arrayJoin(arrayMap(
        (a, b) -> (a, b, arrayFirst(i -> i.1 <= a AND a < i.2, intervals).3),
        arrayPopBack(cuts), arrayPopFront(cuts))) AS span
    FROM
    (
        SELECT station, parameter, intervals,
            arraySort(arrayDistinct(arrayFilter(t -> first <= t AND t <= last, arrayConcat(changes, [first, last])))) AS cuts
        FROM
        (
            SELECT p.station AS station, p.parameter AS parameter, s.intervals AS intervals, s.changes AS changes,
                greatest(toUnixTimestamp(p.valid_from), s.first) AS first,
                least(ifNull(toUnixTimestamp(p.valid_to), 4294967295), s.last) AS last
            FROM station_parameters AS p FINAL
            GLOBAL INNER JOIN
            (
                SELECT code, version,
                    -- The usual one comes last: a span of another one goes before it.
                    arrayPushBack(arrayMap(i -> (toUnixTimestamp(i.1), toUnixTimestamp(i.2), i.3), intervals), (0, 4294967295, interval_seconds)) AS intervals,
                    arrayConcat(arrayMap(i -> i.1, intervals), arrayMap(i -> i.2, intervals)) AS changes,
                    ifNull(toUnixTimestamp(valid_from), 0) AS first, ifNull(toUnixTimestamp(valid_to), 4294967295) AS last
                FROM stations FINAL
            ) AS s ON s.code = p.station
            WHERE p.version >= s.version
        )
    )
)
COMMENT 'When readings are expected by the registry: of each station and parameter the spans of time with one interval';

CREATE OR REPLACE VIEW data_share
(
    station LowCardinality(String) COMMENT 'Station code; empty = files of no station',
    expected UInt64 COMMENT 'Readings that were due by the registry, until now (view schedules)',
    present UInt64 COMMENT 'Due readings that are stored',
    absent UInt64 COMMENT 'Due readings that are not: expected = present + absent',
    extra UInt64 COMMENT 'Readings stored beyond those present: a second one for a due time, or one that was not due',
    stored UInt64 COMMENT 'Readings stored: stored = present + extra',
    good UInt64 COMMENT 'Readings stored and flagged 1: stored = good + not_evaluated + suspect + fail + missing',
    not_evaluated UInt64 COMMENT 'Readings stored and flagged 2',
    suspect UInt64 COMMENT 'Readings stored and flagged 3',
    fail UInt64 COMMENT 'Readings stored and flagged 4',
    missing UInt64 COMMENT 'Readings stored and flagged 9',
    confirmed UInt64 COMMENT 'Readings that the ministry has as they stand here: stored = confirmed + waiting + refused + undelivered',
    waiting UInt64 COMMENT 'Readings that the ministry has and keeps until it approves the station',
    refused UInt64 COMMENT 'Readings that the ministry rejected; why stands in rejected_sets',
    undelivered UInt64 COMMENT 'Readings that the ministry has not as they stand here',
    files UInt64 COMMENT 'Files received and read; this and what follows goes by the time of receipt',
    received UInt64 COMMENT 'What these files held: received = read + rejected',
    read UInt64 COMMENT 'Readings that they gave',
    rejected UInt64 COMMENT 'Lines that gave none; of a file with over a thousand, those that are listed',
    reasons Map(LowCardinality(String), UInt64) COMMENT 'Reason of a reject -> lines: together they are rejected',
    replaced UInt64 COMMENT 'Readings read that another file has given again since (reading_revisions)',
    lost UInt64 COMMENT 'Readings read that are neither stored nor replaced: 0, or something is wrong here',
    unread_files UInt64 COMMENT 'Files received whose readings are not stored yet'
)
AS SELECT station,
    counts['expected'] AS expected, counts['present'] AS present, expected - present AS absent,
    stored - present AS extra, counts['stored'] AS stored,
    counts['1'] AS good, counts['2'] AS not_evaluated, counts['3'] AS suspect, counts['4'] AS fail, counts['9'] AS missing,
    counts['confirmed'] AS confirmed, counts['waiting'] AS waiting, counts['refused'] AS refused, counts['undelivered'] AS undelivered,
    counts['files'] AS files, read + rejected AS received, counts['read'] AS read, counts['rejected'] AS rejected, reasons,
    counts['replaced'] AS replaced, counts['lost'] AS lost, counts['unread'] AS unread_files
FROM
(
    SELECT station, sumMap(part) AS counts, sumMap(reason_part) AS reasons
    FROM
    (
        -- What was due: the multiples of the interval within each span.
        SELECT station,
            map('expected', toUInt64(sum(intDiv(last + seconds - 1, seconds) - intDiv(first + seconds - 1, seconds)))) AS part,
            CAST(map(), 'Map(LowCardinality(String), UInt64)') AS reason_part
        FROM
        (
            SELECT station, toInt64(interval_seconds) AS seconds,
                toInt64(toUnixTimestamp(greatest(starts_at, parseDateTimeBestEffort({start:String}, 'UTC')))) AS first,
                toInt64(toUnixTimestamp(least(ends_at, least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC'))))) AS last
            FROM schedules
            WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)})
        )
        WHERE first < last
        GROUP BY station

        UNION ALL

        -- What is stored; in one pass, so that its sums are of one moment.
        SELECT station,
            map(
                'present', sum(met), 'stored', sum(readings),
                '1', sum(flag_1), '2', sum(flag_2), '3', sum(flag_3), '4', sum(flag_4), '9', sum(flag_9),
                'confirmed', sum(state_3), 'waiting', sum(state_2), 'refused', sum(state_1), 'undelivered', sum(state_0)
            ) AS part,
            CAST(map(), 'Map(LowCardinality(String), UInt64)') AS reason_part
        FROM
        (
            SELECT station, parameter, uniqExactIf(due, is_due) AS met, count() AS readings,
                countIf(flag = 1) AS flag_1, countIf(flag = 2) AS flag_2, countIf(flag = 3) AS flag_3,
                countIf(flag = 4) AS flag_4, countIf(flag = 9) AS flag_9,
                countIf(state = 3) AS state_3, countIf(state = 2) AS state_2, countIf(state = 1) AS state_1, countIf(state = 0) AS state_0
            FROM
            (
                SELECT r.station AS station, r.parameter AS parameter, r.flag AS flag, d.state AS state,
                    arrayFirst(x -> x.1 <= r.stamp AND r.stamp < x.2, s.spans).3 AS seconds,
                    -- The nearest multiple of the interval; where nothing is expected, the stamp itself.
                    if(seconds = 0, r.stamp, intDiv(2 * r.stamp + seconds, 2 * seconds) * seconds) AS due,
                    arrayExists(x -> x.1 <= due AND due < x.2 AND due % x.3 = 0, s.spans) AS is_due
                FROM
                (
                    WITH (SELECT intDiv(max(greatest(interval_seconds, arrayMax(i -> i.3, intervals))), 2) FROM stations) AS half
                    -- A file that was read again is delivered as its first judgement, whatever version its rows have.
                    SELECT station, parameter, toInt64(toUnixTimestamp(measured_at)) AS stamp, flag,
                        bitAnd(version, 1023) > 0 AND (station, parameter, measured_at, version) GLOBAL IN
                        (
                            SELECT station, parameter, measured_at, superseded_by
                            FROM reading_revisions
                            WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)}) AND measured_at >= parseDateTimeBestEffort({start:String}, 'UTC') - INTERVAL 1 DAY AND measured_at < least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC')) + INTERVAL 1 DAY AND cause = 'reread'
                        ) AS is_reread,
                        cityHash64(station, bitShiftRight(version, 10), if(is_reread, 0, bitAnd(version, 1023))) AS judgement
                    FROM readings FINAL
                    WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)}) AND measured_at >= parseDateTimeBestEffort({start:String}, 'UTC') - half AND measured_at <= least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC')) + half
                ) AS r
                GLOBAL ANY LEFT JOIN
                (
                    SELECT station, parameter,
                        groupArray((toInt64(toUnixTimestamp(starts_at)), toInt64(toUnixTimestamp(ends_at)), toInt64(interval_seconds))) AS spans
                    FROM schedules
                    WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)})
                    GROUP BY station, parameter
                ) AS s ON s.station = r.station AND s.parameter = r.parameter
                GLOBAL ANY LEFT JOIN
                (
                    WITH (SELECT (bitShiftRight(min(version), 10), bitShiftRight(max(version), 10)) FROM readings WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)}) AND measured_at >= parseDateTimeBestEffort({start:String}, 'UTC') - INTERVAL 1 DAY AND measured_at < least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC')) + INTERVAL 1 DAY) AS receipts_of
                    -- What the ministry said of a judgement of a file: 3 it has it, 2 it waits there, 1 rejected.
                    SELECT cityHash64(station, toUInt64(toUnixTimestamp64Milli(at)), toUInt64(least(revision, 1023))) AS judgement, max(answer) AS state
                    FROM
                    (
                        -- Sets that waited do so until their station is released.
                        SELECT r.station AS station, r.received_at AS at, r.revision AS revision,
                            if(r.waiting AND r.confirmed_at >= q.released_at, 2, 3) AS answer
                        FROM receipts AS r
                        GLOBAL LEFT JOIN
                        (
                            SELECT station, ifNull(released_at, toDateTime64(0, 3, 'UTC')) AS released_at
                            FROM registry_requests FINAL
                        ) AS q ON q.station = r.station
                        UNION ALL
                        SELECT station, assumeNotNull(received_at) AS at, revision, 1 AS answer
                        FROM rejected_sets
                        WHERE isNotNull(received_at)
                    )
                    WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)})
                        AND toUnixTimestamp64Milli(at) BETWEEN receipts_of.1 AND receipts_of.2
                    GROUP BY judgement
                ) AS d ON d.judgement = r.judgement
            )
            WHERE due >= toUnixTimestamp(parseDateTimeBestEffort({start:String}, 'UTC')) AND due < toUnixTimestamp(least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC')))
            GROUP BY station, parameter
        )
        GROUP BY station

        UNION ALL

        -- What files gave, and what became of it: readings that stand, and those that stood until another file gave them.
        SELECT station,
            map(
                'files', sum(is_file), 'read', sum(read), 'rejected', sum(rejected),
                'replaced', sumIf(toUInt64(least(former, read - standing)), read > standing),
                'lost', sumIf(toUInt64(read - standing - former), read > standing + former)
            ) AS part,
            CAST(map(), 'Map(LowCardinality(String), UInt64)') AS reason_part
        FROM
        (
            SELECT any(code) AS station, sum(n.1) AS is_file, sum(n.2) AS read, sum(n.3) AS rejected, sum(n.4) AS standing, sum(n.5) AS former
            FROM
            (
                SELECT station AS code, toUInt64(toUnixTimestamp64Milli(received_at)) AS receipt, (1, readings, length(rejected_lines), 0, 0) AS n
                FROM files FINAL
                WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)}) AND received_at >= parseDateTimeBestEffort({start:String}, 'UTC') AND received_at < least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC'))
                    -- What is left in place of a file that got its station later.
                    AND NOT (station = '' AND rejects = 0)
                UNION ALL
                SELECT any(station), any(bitShiftRight(version, 10)), (0, 0, 0, count(), 0)
                FROM readings FINAL
                WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)}) AND version >= toUnixTimestamp(parseDateTimeBestEffort({start:String}, 'UTC')) * 1024000 AND version < toUnixTimestamp(least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC'))) * 1024000
                GROUP BY cityHash64(station, bitShiftRight(version, 10))
                UNION ALL
                SELECT any(station), any(bitShiftRight(version, 10)), (0, 0, 0, 0, uniqExact(parameter, measured_at))
                FROM reading_revisions
                WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)}) AND version >= toUnixTimestamp(parseDateTimeBestEffort({start:String}, 'UTC')) * 1024000 AND version < toUnixTimestamp(least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC'))) * 1024000
                    AND bitShiftRight(version, 10) != bitShiftRight(superseded_by, 10)
                GROUP BY cityHash64(station, bitShiftRight(version, 10))
            )
            -- A number for a key takes a third of the time that a text takes.
            GROUP BY cityHash64(code, receipt)
        )
        GROUP BY station
        HAVING sum(is_file) > 0

        UNION ALL

        SELECT station, CAST(map(), 'Map(String, UInt64)') AS part, sumMap(map(reason, toUInt64(1))) AS reason_part
        FROM rejects FINAL
        WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)})
            AND received_at >= parseDateTimeBestEffort({start:String}, 'UTC') AND received_at < least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC'))
            -- A file that is read again may reject other lines.
            AND (station, received_at, file_id, line) GLOBAL IN
            (
                SELECT station, received_at, file_id, arrayJoin(rejected_lines)
                FROM files FINAL
                WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)}) AND received_at >= parseDateTimeBestEffort({start:String}, 'UTC') AND received_at < least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC'))
            )
        GROUP BY station

        UNION ALL

        SELECT if(sender GLOBAL IN (SELECT code FROM stations FINAL), sender, '') AS station, map('unread', toUInt64(count())) AS part,
            CAST(map(), 'Map(LowCardinality(String), UInt64)') AS reason_part
        FROM
        (
            SELECT anyIf(station, is_raw) AS sender, max(is_raw) AS is_received, max(NOT is_raw) AS is_read
            FROM
            (
                SELECT station, file_id, received_at, true AS is_raw
                FROM raw_files
                WHERE (empty({stations:Array(String)}) OR station IN {stations:Array(String)}) AND received_at >= parseDateTimeBestEffort({start:String}, 'UTC') AND received_at < least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC'))
                UNION ALL
                -- One received for no station may have been read as one of this station, and the other way round.
                SELECT station, file_id, received_at, false AS is_raw
                FROM files
                WHERE ((empty({stations:Array(String)}) OR station IN {stations:Array(String)}) OR station = '') AND received_at >= parseDateTimeBestEffort({start:String}, 'UTC') AND received_at < least(parseDateTimeBestEffort({end:String}, 'UTC'), now('UTC'))
            )
            GROUP BY file_id, received_at
        )
        WHERE is_received AND NOT is_read
        GROUP BY station
    )
    GROUP BY station
)
WHERE toUInt8(if(match({start:String}, '(Z|[+-][0-9]{2}:?[0-9]{2})$') AND match({end:String}, '(Z|[+-][0-9]{2}:?[0-9]{2})$'), '1', 'start and end need a zone: write +07:00 or Z after them')) = 1
COMMENT 'data_share(stations = [''HN_DEMO_KHI001''], start = ''2026-03-01T00:00+07:00'', end = ''2026-04-01T00:00+07:00''), [] = all: what was expected, stored, flagged, delivered of a span of time, and what became of the files received in it';
