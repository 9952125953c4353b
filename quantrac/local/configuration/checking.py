"""Whether a configuration can be used: its own mistakes, and what the services say of their settings."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from quantrac.domain.spellings import did_you_mean
from quantrac.local.configuration.configuration import Configuration
from quantrac.local.configuration.keys import KEYS
from quantrac.local.configuration.mistakes import ConfigurationError, Mistake

_PREFIX = "QUANTRAC_"
_KEY_OF = {key.variable: key.name for key in KEYS if key.variable}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the services say."""

    problems: list[tuple[str, str]]
    """(variable, what is wrong with it); the variable is empty where several together are wrong."""
    variables: frozenset[str]
    """All that they read."""


def check(
    configuration: Configuration,
    environments: Mapping[str, Mapping[str, str]],
    *,
    reserved: Collection[str],
) -> frozenset[str]:
    """Ask the services about the environment of each role (``service.role``) that is to run.

    ``reserved`` are the variables that the stack sets by itself. Returns all variables that services read.
    Raises ``ConfigurationError`` with every mistake of the file.
    """
    if not (configuration.text or configuration.mistakes) and not any(
        name.startswith(_PREFIX) for name in os.environ
    ):
        return frozenset()  # nothing but defaults, as in a trial: the question would take 2 s of its start
    answer = _ask_services(environments)
    mistakes = {*configuration.mistakes, *_settings_mistakes(configuration, answer.variables, reserved)}
    # A value that is refused here already is left out, and the services may well miss it.
    refused_keys = {mistake.key for mistake in mistakes}
    problems = {_mistake(configuration, *problem) for problem in answer.problems}
    mistakes |= {problem for problem in problems if not problem.key or problem.key not in refused_keys}
    if mistakes:
        raise ConfigurationError(configuration.file, mistakes)
    return answer.variables


def _ask_services(environments: Mapping[str, Mapping[str, str]]) -> _Answer:
    # In a process of its own: the stack starts services and imports none.
    bare = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
    question = json.dumps({role: dict(environment) for role, environment in environments.items()})
    command = [sys.executable, "-m", "services.settings"]
    answer = subprocess.run(command, input=question, env=bare, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"services.settings: {answer.stderr}")
    content = json.loads(answer.stdout)
    return _Answer([(name, text) for name, text in content["problems"]], frozenset(content["variables"]))


def _mistake(configuration: Configuration, variable: str, problem: str) -> Mistake:
    key = configuration.variables.get(variable) or _KEY_OF.get(variable, "")
    if not key and (key := _KEY_OF.get(f"{variable}_FILE", "")):
        problem = "the file is missing or empty"
    if key:
        return Mistake(configuration.line_of(key), key, problem)
    return Mistake(1, "", f"{variable}: {problem}" if variable else problem)


def _settings_mistakes(
    configuration: Configuration, variables: frozenset[str], reserved: Collection[str]
) -> Iterator[Mistake]:
    """Find names under `settings` that no service reads, and those that the stack sets by itself."""
    for name, key in configuration.variables.items():
        if not key.startswith("settings."):
            continue
        if name in reserved:
            yield Mistake(configuration.line_of(key), key, "`quantrac up` sets it by itself")
        elif name not in variables:
            problem = f"no service has this setting{did_you_mean(name, variables)}"
            yield Mistake(configuration.line_of(key), key, problem)
