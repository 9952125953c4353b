"""Comparing a province's tables with the ministry's API, and sending again what the ministry lacks.

The command ``quantrac reconcile`` and the role ``forwarder.reconcile`` do the same by it.
"""
