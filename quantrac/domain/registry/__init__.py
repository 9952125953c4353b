"""The registry: who may send what, and what people have laid down about readings.

Stations, their parameters, permits, accounts and API keys are each valid between two dates
(:class:`quantrac.domain.registry.validity.Valid`).
"""
