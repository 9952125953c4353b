ALTER TABLE readings
    ADD COLUMN IF NOT EXISTS imported UInt8 COMMENT '1 = came by quantrac import, as history: received long after it was measured; else 0' AFTER rules;

ALTER TABLE reading_revisions
    ADD COLUMN IF NOT EXISTS imported UInt8 COMMENT '1 = came by quantrac import, as history: received long after it was measured; else 0' AFTER rules;
