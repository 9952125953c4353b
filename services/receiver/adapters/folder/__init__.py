"""The door of a watched folder."""
