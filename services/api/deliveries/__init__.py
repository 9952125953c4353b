"""``/deliveries``: what a province has sent to the ministry, and what is still to come."""
