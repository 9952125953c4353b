"""``/exceedances``: consecutive averages beyond a limit."""
