"""Where in a YAML file a value stands, for what is said about it."""

from collections.abc import Sequence

import yaml


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the line, counted from 1, of the value at a path of keys and places in lists counted from 0.

    Of a path that leads further than the file the line of the last value on it. Raises ``yaml.YAMLError``.

    >>> line_of("stations:\\n- code: A\\n  aliases:\\n  - B\\n", ("stations", 0, "aliases", 0, "any"))
    4
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 0
    for part in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if part not in pairs:
                break
            key, node = pairs[part]
            line = key.start_mark.line
        else:
            break
    return line + 1
