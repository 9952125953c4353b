"""What every resource uses and that knows none of them: context, keys, pages, problems, times, SELECTs."""
