"""The HTTP doors: files of stations, deliveries of provinces."""
