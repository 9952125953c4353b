"""``station-registry``: one record a key (``station/HN_BKHN_KHIKXQ``, ``account/...``, ``api-key/...``).

The same models read the registry's YAML files. Dates without a time mean midnight in Vietnam (UTC+7).
"""
