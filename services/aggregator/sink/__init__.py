"""The role ``sink``: flagged readings, files, receipts and alerts become rows."""
