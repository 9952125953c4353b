"""Registry requests at the ministry: provinces ask for their stations to be taken, a person decides.

Sets of a station that is not approved yet are kept on ``unapproved-set`` and released once it is.
"""
