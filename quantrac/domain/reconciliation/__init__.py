"""Comparing what two tiers have stored: counts and digests by level, and where they differ."""
