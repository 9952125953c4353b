"""The thresholds of the quality tests, read from a YAML file and checked when a service starts.

A file has three scopes, each with ``tests`` (all parameters) and ``parameters`` (by catalogue code):
``national``, ``station_types.<type>`` and ``stations.<code>``. A narrower scope replaces single thresholds
of a wider one, in the order national, its parameters, station type, its parameters, station, its
parameters. ``<test>: off`` switches a test off. ``source`` beside thresholds says where they come from.
"""

import difflib
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.qa.table import TESTS, thresholds_of
from quantrac.domain.qa.window import Window
from quantrac.domain.stations import StationType

NATIONAL = Path(__file__).parent / "national.yaml"

TYPES = ("", *(each.value for each in StationType))
"""Station types, and the one of a station that nobody registered."""
CODES = {parameter.code for parameter in CATALOGUE}
EMPTY = Window.of(np.empty(0))

Setting = Mapping[str, float] | bool
"""Thresholds of one test by keyword; ``False`` switches it off."""
Tests = Mapping[str, Setting]
Scope = Mapping[str, Any]
"""``{"tests": Tests, "parameters": {code: Tests}}``."""


class RuleSet:
    """Checked thresholds; satisfies :class:`quantrac.domain.qa.expectations.Rules`."""

    def __init__(
        self,
        *,
        required: Iterable[str],
        national: Scope,
        station_types: Mapping[str, Scope],
        stations: Mapping[str, Scope],
    ) -> None:
        self.required = frozenset(required)
        self._national, self._station_types, self._stations = national, station_types, stations
        self._cache: dict[tuple[str, str, str], dict[str, dict[str, float]]] = {}
        content = [sorted(self.required), national, station_types, stations]
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        self.version = hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def thresholds(
        self, station_type: str, station: str, parameter: str
    ) -> Mapping[str, Mapping[str, float]]:
        """Return the thresholds of a series by test and keyword; a test that is no key is off."""
        # Every station without rules of its own shares the entry of its type.
        key = (station_type, station if station in self._stations else "", parameter)
        if key not in self._cache:
            self._cache[key] = self._resolve(*key)
        return self._cache[key]

    def check(self) -> None:
        """Let every test see every threshold it may get; raises ValueError with the place.

        A station's own thresholds complete those of its type. The type stands in the registry, so here they
        have to fit one of the types.
        """
        scopes = (self._national, *self._station_types.values(), *self._stations.values())
        for code in ("", *sorted({code for scope in scopes for code in scope["parameters"]})):
            for station_type in TYPES:
                if error := _refusal(self.thresholds(station_type, "", code)):
                    raise ValueError(f"{_place(station_type, code)}: {error}")
            for station in self._stations:
                refusals = [_refusal(self.thresholds(station_type, station, code)) for station_type in TYPES]
                if all(refusals):
                    raise ValueError(f"{_place(station, code)}: {refusals[0]}")

    def _resolve(self, station_type: str, station: str, parameter: str) -> dict[str, dict[str, float]]:
        merged: dict[str, dict[str, float]] = {}
        scopes = (self._national, self._station_types.get(station_type), self._stations.get(station))
        for scope in filter(None, scopes):
            for tests in (scope["tests"], scope["parameters"].get(parameter, {})):
                _overlay(merged, tests)
        return {test: merged[test] for test in TESTS if test in merged}


def load(path: Path = NATIONAL) -> RuleSet:
    """Read and check a rule file.

    Raises ValueError with file, line and the nearest valid key for a misspelt one, and with file and place
    for thresholds that a test refuses.
    """
    rules = RuleSet(**_File(path).read())
    try:
        rules.check()
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    return rules


def _refusal(thresholds: Mapping[str, Mapping[str, float]]) -> str:
    """Run the tests on a window without rows; return what the first one to refuse its thresholds says."""
    for test, given in thresholds.items():
        try:
            TESTS[test](EMPTY, **given)
        except (TypeError, ValueError) as error:
            return f"{test}: {error}"
    return ""


def _overlay(merged: dict[str, dict[str, float]], tests: Tests) -> None:
    for test, setting in tests.items():
        if isinstance(setting, bool):
            merged.pop(test, None)
        else:
            merged[test] = {**merged.get(test, {}), **setting}


def _place(scope: str, parameter: str) -> str:
    return "/".join(filter(None, (scope or "national", parameter)))


class _File:
    """Reads one file node by node, so that every complaint can name a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        with self._path.open(encoding="utf-8") as stream:
            root = yaml.compose(stream, Loader=yaml.SafeLoader)
        if root is None:
            raise ValueError(f"{self._path.name}: the file is empty")
        keys = {"required", "national", "station_types", "stations"}
        nodes = dict(self._items(root, keys, "section"))
        if "national" not in nodes:
            raise self._error(root, "section 'national' is missing")
        return {
            "required": self._required(nodes.get("required")),
            "national": self._scope(nodes["national"]),
            "station_types": self._scopes(nodes.get("station_types"), set(TYPES[1:])),
            "stations": self._scopes(nodes.get("stations"), None),
        }

    def _required(self, node: yaml.Node | None) -> list[str]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, "required must be a list of tests")
        return [self._name(each, set(TESTS), "test") for each in node.value]

    def _scopes(self, node: yaml.Node | None, valid: set[str] | None) -> dict[str, Scope]:
        return {name: self._scope(each) for name, each in self._items(node, valid, "station type")}

    def _scope(self, node: yaml.Node) -> Scope:
        nodes = dict(self._items(node, {"tests", "parameters"}, "key"))
        codes = self._items(nodes.get("parameters"), CODES, "parameter")
        return {
            "tests": self._tests(nodes.get("tests")),
            "parameters": {code: self._tests(each) for code, each in codes},
        }

    def _tests(self, node: yaml.Node | None) -> dict[str, Setting]:
        return {test: self._setting(test, each) for test, each in self._items(node, set(TESTS), "test")}

    def _setting(self, test: str, node: yaml.Node) -> Setting:
        if isinstance(node, yaml.ScalarNode):
            if self._scalar(node) is False:
                return False
            raise self._error(node, f"{test} must be a mapping of thresholds, or off")
        keywords = {*thresholds_of(TESTS[test]), "source"}
        items = self._items(node, keywords, f"threshold of {test}")
        return {key: self._number(f"{test}.{key}", each) for key, each in items if key != "source"}

    def _number(self, name: str, node: yaml.Node) -> float:
        value = self._scalar(node)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(node, f"{name} must be a number, not {node.value!r}")
        return float(value)

    def _items(
        self, node: yaml.Node | None, valid: set[str] | None, kind: str
    ) -> Iterable[tuple[str, yaml.Node]]:
        if node is None:
            return
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"expected a mapping with a {kind} as each key")
        seen = set()
        for key_node, value_node in node.value:
            key = self._name(key_node, valid, kind)
            if key in seen:
                raise self._error(key_node, f"{kind} {key!r} stands twice")
            seen.add(key)
            yield key, value_node

    def _name(self, node: yaml.Node, valid: set[str] | None, kind: str) -> str:
        name = str(node.value)
        if valid is not None and name not in valid:
            near = difflib.get_close_matches(name, sorted(valid), n=1, cutoff=0.0)
            raise self._error(node, f"unknown {kind} {name!r}; the nearest is {near[0]!r}")
        return name

    def _scalar(self, node: yaml.Node) -> Any:
        construct: Callable[..., Any] = yaml.SafeLoader("").construct_object
        return construct(node)

    def _error(self, node: yaml.Node, message: str) -> ValueError:
        return ValueError(f"{self._path.name}, line {node.start_mark.line + 1}: {message}")
