"""The documentation page: the OpenAPI document as one HTML page that needs no other host."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

from services.api.common.problems import PROBLEM_TYPES

Json = Mapping[str, Any]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: light-dark(#0b6e4f, #5fd3a8) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line) }
code, pre { font: .875em/1.5 ui-monospace, monospace }
pre { background: var(--soft); padding: .75rem; overflow: auto }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0 }
td, th { border-top: 1px solid var(--line) } th { font-weight: 600 }
a { color: var(--accent) } nav a { margin-right: 1rem }
article { margin: 2rem 0 } .method { color: var(--accent); font-weight: 700; margin-right: .5rem }
.path { font-family: ui-monospace, monospace } small { opacity: .7 }
"""


def render(openapi: Json, base_url: str) -> str:
    """Render an OpenAPI document; ``base_url`` is where the examples send their requests."""
    info = openapi["info"]
    paragraphs = info["description"].strip().split("\n\n")
    schemas = sorted(openapi["components"]["schemas"].items())
    body = "".join(
        (
            f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
            *(f"<p>{_render_prose(paragraph)}</p>" for paragraph in paragraphs),
            '<p><a href="/openapi.json">openapi.json</a></p>',
            _render_contents(openapi),
            *_render_operations(openapi, base_url.rstrip("/")),
            '<h2 id="Answers">Answers</h2>',
            *(_render_schema(name, schema) for name, schema in schemas),
            '<h2 id="Problems">Problems</h2>',
            *_render_problems(),
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _render_contents(openapi: Json) -> str:
    tags = dict.fromkeys(tag for *_, operation in _list_operations(openapi) for tag in operation["tags"])
    names = [*tags, "Answers", "Problems"]
    return "<nav>" + "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names) + "</nav>"


def _render_operations(openapi: Json, base_url: str) -> Iterator[str]:
    section = ""
    for path, method, operation in _list_operations(openapi):
        if operation["tags"][0] != section:
            section = operation["tags"][0]
            yield f'<h2 id="{escape(section)}">{escape(section)}</h2>'
        yield _render_operation(path, method, operation, base_url)


def _render_operation(path: str, method: str, operation: Json, base_url: str) -> str:
    parameters = operation.get("parameters", [])
    parameter_rows = [_render_parameter(parameter) for parameter in parameters]
    response_rows = [_render_response(status, r) for status, r in operation["responses"].items()]
    curl = _render_curl(path, parameters, base_url, secured="security" in operation)
    return "".join(
        (
            f'<article><h3><span class="method">{method.upper()}</span>',
            f'<span class="path">{escape(path)}</span></h3>',
            f"<p><strong>{escape(operation['summary'])}</strong> ",
            f"{_render_prose(operation['description'])}</p>",
            _render_table(("Parameter", "", "Type", ""), parameter_rows) if parameters else "",
            _render_table(("Answer", "", ""), response_rows),
            f"<pre>{escape(curl)}</pre></article>",
        )
    )


def _render_parameter(parameter: Json) -> tuple[str, ...]:
    schema = parameter["schema"]
    default = f" <small>Default {escape(str(schema['default']))}.</small>" if "default" in schema else ""
    maximum = f", at most {schema['maximum']:,}" if "maximum" in schema else ""
    necessity = "required" if parameter.get("required") else ""
    name = f"<code>{escape(parameter['name'])}</code>"
    location = f"{parameter['in']} {necessity}".strip()
    description = _render_prose(parameter.get("description", ""))
    return name, location, _render_type(schema) + maximum, description + default


def _render_response(status: str, response: Json) -> tuple[str, ...]:
    kinds = (
        f"<code>{escape(media)}</code> {_render_type(content['schema']) if content.get('schema') else ''}"
        for media, content in response.get("content", {}).items()
    )
    return status, escape(response["description"]), "<br>".join(kinds)


def _render_schema(name: str, schema: Json) -> str:
    fields = schema.get("properties", {}).items()
    rows = [
        (f"<code>{escape(field)}</code>", _render_type(type_), _render_prose(type_.get("description", "")))
        for field, type_ in fields
    ]
    values = " or ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", ()))
    description = f"<p>{_render_prose(schema.get('description', ''))} {values}</p>"
    body = f"<h3>{escape(name)}</h3>{description}{_render_table((), rows)}"
    return f'<article id="schema-{escape(name)}">{body}</article>'


def _render_problems() -> Iterator[str]:
    for type_ in PROBLEM_TYPES:
        description = escape((type_.__doc__ or "").split("\n")[0])
        title = f"{type_.status} {escape(type_.title)}"
        yield f'<article id="{type_.name}"><h3>{title}</h3><p>{description}</p></article>'


def _render_type(schema: Json) -> str:
    """Name a type in words, with links to the schemas it is made of."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_render_type(option) for option in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in values)
    if schema.get("type") == "array":
        return f"list of {_render_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_render_type(schema['additionalProperties'])}"
    return escape(str(schema.get("format") or schema.get("title" if "properties" in schema else "type", "")))


def _render_curl(path: str, parameters: list[Json], base_url: str, *, secured: bool) -> str:
    examples = {p["name"]: _find_example(p) for p in parameters if p["in"] == "path"}
    for name, value in examples.items():
        path = path.replace(f"{{{name}}}", quote(value))
    in_query = [p for p in parameters if p["in"] == "query"]
    query = urlencode({p["name"]: _find_example(p) for p in in_query if p.get("required") or _has_example(p)})
    key = '-H "X-Api-Key: $KEY" ' if secured else ""
    return f"curl {key}'{base_url}{path}{'?' + query if query else ''}'"


def _has_example(parameter: Json) -> bool:
    return "examples" in parameter["schema"]


def _find_example(parameter: Json) -> str:
    examples = parameter["schema"].get("examples") or [parameter["name"].upper()]
    return str(examples[0])


def _render_table(head: tuple[str, ...], rows: Any) -> str:
    header = "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>" if head else ""
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{header}{lines}</table>"


def _render_prose(text: str) -> str:
    """Escape a text; what stands between backquotes becomes code."""
    parts = escape(text).replace("``", "`").split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def _list_operations(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
