"""How the API documents itself: the page and the OpenAPI document."""

import re
from html.parser import HTMLParser

from support.api import api_client


class Page(HTMLParser):
    """Gathers anchors, links and everything a browser would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids.add(values.get("id") or "")
        self.targets.add(values.get("href") or "")
        if tag in ("script", "img", "link", "iframe") or "src" in values:
            self.loaded.append(tag)


def test_the_documentation_page_stands_alone_and_its_links_lead_somewhere() -> None:
    answer = api_client()[0].get("/docs")
    page = Page(answer.text)
    assert page.loaded == []
    assert "url(" not in answer.text
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert {target[1:] for target in page.targets if target.startswith("#")} - page.ids == set()


def test_every_operation_is_on_the_documentation_page_with_its_curl_line() -> None:
    api, _ = api_client()
    text = api.get("/docs").text
    paths = api.get("/openapi.json").json()["paths"]
    assert len(paths) == 23
    for path in paths:
        assert f'<span class="path">{path}</span>' in text
    assert text.count("<pre>curl ") == len(paths)
    assert (
        "curl -H &quot;X-Api-Key: $KEY&quot; &#x27;http://testserver/v1/stations/HN_BKHN_KHIKXQ&#x27;" in text
    )


def test_every_parameter_and_field_is_described() -> None:
    document = api_client()[0].get("/openapi.json").json()
    plain = {"station", "parameter", "items", "minimum", "maximum", "parameters", "status", "code"}
    bare = {
        (path, p["name"])
        for path, methods in document["paths"].items()
        for p in methods["get"].get("parameters", ())
        if not p.get("description")
    }
    assert bare == set()
    for name, schema in document["components"]["schemas"].items():
        fields = schema.get("properties", {})
        assert {
            f for f, kind in fields.items() if "description" not in kind and "$ref" not in kind
        } <= plain, name


def test_problems_are_documented_as_problems() -> None:
    operation = api_client()[0].get("/openapi.json").json()["paths"]["/v1/readings"]["get"]
    assert set(operation["responses"]) == {"200", "401", "404", "422", "429", "503"}
    assert list(operation["responses"]["422"]["content"]) == ["application/problem+json"]
    assert {scheme for entry in operation["security"] for scheme in entry} == {"X-Api-Key", "Bearer"}


def test_markup_in_a_description_is_escaped() -> None:
    text = api_client()[0].get("/docs").text
    assert not re.search(
        r"<(?!/?(a|article|body|br|code|h1|h2|h3|head|html|meta|nav|p|pre|small|span|strong|style|table|td|th|title|tr|!)\b|!doctype)",
        text,
    )
