"""The hot path's way in and out of JSON: msgspec, straight into columns; one module a kind of message.

pydantic (``schemas.messages``) states the contract; it takes several times as long. Contract tests hold the
two forms against the same messages.
"""
