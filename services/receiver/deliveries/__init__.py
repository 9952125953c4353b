"""The ministry takes the deliveries of provinces."""
