"""Every message, as pydantic states it; ``schemas/json`` holds the JSON Schema generated from here.

All times on the wire are UTC in ISO 8601 with ``Z``. A field may be added; a removed or retyped one needs a
second version of the message beside the first.
"""
