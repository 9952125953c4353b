"""The registry as a workbook: one sheet for each list of its records, one row a record.

Cells are plain values here; ``quantrac.io.workbooks`` reads and writes the file.
"""
