"""The role ``windows``: dirty hours become averages, indices and exceedances."""
