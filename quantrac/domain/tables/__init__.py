"""Tables of measurements as people and systems export them: many rows, the columns named by a header.

A table is *wide*, a column a parameter, or *long*, a row a reading. Pure, as all of the domain.

- ``headings`` divides a heading into name and unit; ``columns`` finds what the columns of a header hold;
- ``layout`` is what was found; ``part`` is some rows of a table with it, as the bytes of one raw file;
- ``reader`` turns such a part into readings and rejects; ``compass`` knows the words for wind directions.
"""
