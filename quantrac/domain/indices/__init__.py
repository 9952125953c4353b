"""The two indices shown to the public: VN_AQI for ambient air, VN_WQI for surface water.

Pure functions over values that passed quality control. Both compute with fractions: see ``rounding``.
"""
