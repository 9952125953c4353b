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
    body = "".join(
        (
            f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
            *(f"<p>{_prose(paragraph)}</p>" for paragraph in info["description"].strip().split("\n\n")),
            '<p><a href="/openapi.json">openapi.json</a></p>',
            _contents(openapi),
            *_operations(openapi, base_url.rstrip("/")),
            '<h2 id="Answers">Answers</h2>',
            *(_schema(name, schema) for name, schema in sorted(openapi["components"]["schemas"].items())),
            '<h2 id="Problems">Problems</h2>',
            *_problems(),
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _contents(openapi: Json) -> str:
    tags = dict.fromkeys(tag for *_, operation in _each(openapi) for tag in operation["tags"])
    names = [*tags, "Answers", "Problems"]
    return "<nav>" + "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names) + "</nav>"


def _operations(openapi: Json, base_url: str) -> Iterator[str]:
    section = ""
    for path, method, operation in _each(openapi):
        if operation["tags"][0] != section:
            section = operation["tags"][0]
            yield f'<h2 id="{escape(section)}">{escape(section)}</h2>'
        yield _operation(path, method, operation, base_url)


def _operation(path: str, method: str, operation: Json, base_url: str) -> str:
    parameters = operation.get("parameters", [])
    secured = "security" in operation
    return "".join(
        (
            f'<article><h3><span class="method">{method.upper()}</span>',
            f'<span class="path">{escape(path)}</span></h3>',
            f"<p><strong>{escape(operation['summary'])}</strong> {_prose(operation['description'])}</p>",
            _table(("Parameter", "", "Type", ""), (_parameter_row(p) for p in parameters))
            if parameters
            else "",
            _table(("Answer", "", ""), (_response_row(s, r) for s, r in operation["responses"].items())),
            f"<pre>{escape(_curl(path, parameters, base_url, secured=secured))}</pre></article>",
        )
    )


def _parameter_row(parameter: Json) -> tuple[str, ...]:
    schema = parameter["schema"]
    default = f" <small>Default {escape(str(schema['default']))}.</small>" if "default" in schema else ""
    most = f", at most {schema['maximum']:,}" if "maximum" in schema else ""
    need = "required" if parameter.get("required") else ""
    name = f"<code>{escape(parameter['name'])}</code>"
    place = f"{parameter['in']} {need}".strip()
    return name, place, _type(schema) + most, _prose(parameter.get("description", "")) + default


def _response_row(status: str, response: Json) -> tuple[str, ...]:
    kinds = (
        f"<code>{escape(media)}</code> {_type(content['schema']) if content.get('schema') else ''}"
        for media, content in response.get("content", {}).items()
    )
    return status, escape(response["description"]), "<br>".join(kinds)


def _schema(name: str, schema: Json) -> str:
    fields = schema.get("properties", {}).items()
    rows = [
        (f"<code>{escape(f)}</code>", _type(kind), _prose(kind.get("description", ""))) for f, kind in fields
    ]
    values = " or ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", ()))
    about = f"<p>{_prose(schema.get('description', ''))} {values}</p>"
    return f'<article id="schema-{escape(name)}"><h3>{escape(name)}</h3>{about}{_table((), rows)}</article>'


def _problems() -> Iterator[str]:
    for kind in PROBLEM_TYPES:
        about = escape((kind.__doc__ or "").split("\n")[0])
        yield f'<article id="{kind.name}"><h3>{kind.status} {escape(kind.title)}</h3><p>{about}</p></article>'


def _type(schema: Json) -> str:
    """Name a type in words, with links to the schemas it is made of."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in values)
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    return escape(str(schema.get("format") or schema.get("title" if "properties" in schema else "type", "")))


def _curl(path: str, parameters: list[Json], base_url: str, *, secured: bool) -> str:
    examples = {p["name"]: _example(p) for p in parameters if p["in"] == "path"}
    for name, value in examples.items():
        path = path.replace(f"{{{name}}}", quote(value))
    shown = [p for p in parameters if p["in"] == "query" and (p.get("required") or _has_example(p))]
    query = urlencode({p["name"]: _example(p) for p in shown})
    key = '-H "X-Api-Key: $KEY" ' if secured else ""
    return f"curl {key}'{base_url}{path}{'?' + query if query else ''}'"


def _has_example(parameter: Json) -> bool:
    return "examples" in parameter["schema"]


def _example(parameter: Json) -> str:
    examples = parameter["schema"].get("examples") or [parameter["name"].upper()]
    return str(examples[0])


def _table(head: tuple[str, ...], rows: Any) -> str:
    top = "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>" if head else ""
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{top}{lines}</table>"


def _prose(text: str) -> str:
    """Escape a text; what stands between backquotes becomes code."""
    parts = escape(text).replace("``", "`").split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def _each(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
