"""``/readings``, ``/latest``, ``/stations/{code}/latest``: readings with their flags."""
