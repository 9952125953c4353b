ALTER TABLE files
    ADD COLUMN IF NOT EXISTS rejected_lines Array(UInt32) COMMENT 'Lines that give none by the newest reading of the file; 0 = the whole file';

ALTER TABLE raw_files
    ADD COLUMN IF NOT EXISTS marks LowCardinality(String) COMMENT 'What is known of the way it came: truncated, not-renamed; commas between' AFTER transport;

INSERT INTO files
SELECT f.station, f.received_at, f.file_id, f.name, f.account, f.transport, f.format, f.rules, f.readings, f.rejects, r.lines
FROM files AS f FINAL
INNER JOIN
(
    SELECT station, received_at, file_id, groupUniqArray(line) AS lines
    FROM rejects FINAL
    GROUP BY station, received_at, file_id
) AS r ON f.station = r.station AND f.received_at = r.received_at AND f.file_id = r.file_id;
