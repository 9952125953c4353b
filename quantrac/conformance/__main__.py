"""``python -m quantrac.conformance``: write ``corpus.jsonl`` from the cases, as ``make docs`` does."""

from quantrac.conformance.corpus import DATA, build_corpus, format_corpus

if __name__ == "__main__":
    DATA.write_text(format_corpus(build_corpus()), encoding="utf-8")
