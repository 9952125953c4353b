"""Fakes and builders shipped with the code: what a test of a service, here or elsewhere, starts from.

A fake keeps the same promises as the real thing; ``tests/integration`` runs one suite over both.
"""
