"""What ``quantrac import`` is made of.

- ``mapping`` is the file in which a person says what columns mean; ``tables`` opens what is imported;
- ``plan`` finds what the columns of a table hold and cuts it into parts; ``tally`` counts what a part gives;
- ``sources`` are all files with their stations;
- ``sending`` puts what is not stored yet on the topic of late files; ``summary`` tells what became of it.
"""
