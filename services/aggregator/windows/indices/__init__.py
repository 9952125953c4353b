"""VN_AQI and VN_WQI of the touched hours and days."""
