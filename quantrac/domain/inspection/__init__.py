"""What would become of one station file if it were sent: for whoever builds the logger that writes it.

Nothing here knows better than the receiver and the validator. The readings are those of
:mod:`quantrac.domain.parsing`, the station that of :mod:`quantrac.domain.assignment`, the flags those of the
quality tests; beside them stand the few things about a file that are taken for granted when it is read.

- ``file`` reads a file as the receiver does, and keeps how each line was written;
- ``doubt`` lists every code of a doubt, and what to do about it;
- ``assumptions`` finds what no test looks at, ``flags`` asks the tests, ``doubts`` puts both together;
- ``json_form`` is what the command prints.
"""
