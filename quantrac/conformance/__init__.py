"""The conformance corpus: good and bad station files, each with what is read of it, as data.

Whoever writes a logger, or a parser of such files, can hold it against this corpus with nothing running.

- ``cases`` says by hand what each file is about, and which rejects and doubts it must give;
- ``corpus.jsonl`` holds the files with the whole answer, written from the cases by ``make docs``;
- ``registry`` is the registry by which they are read;
- ``corpus`` reads the data, compares answers with it, and writes it out as plain files.
"""
