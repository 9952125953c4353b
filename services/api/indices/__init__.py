"""``/indices``: VN_AQI and VN_WQI."""
