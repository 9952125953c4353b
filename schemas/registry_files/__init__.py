"""The registry as people keep it: folders of YAML files, and workbooks.

Both are read into entries (``entries.py``), and judged alike (``judge.py``): every mistake of all files is
named at once, each with file and line, or sheet and cell.
"""
