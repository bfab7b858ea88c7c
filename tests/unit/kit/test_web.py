"""Problem documents, cursors and body limits."""

from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from sojourn.kit.errors import DatabaseUnavailable, InvalidInput, NotFound
from sojourn.kit.web import BodyLimit, decode_cursor, encode_cursor, install_error_handlers


class Body(BaseModel):
    name: Annotated[str, Field(max_length=3)]
    inner: list[int] = []


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/missing")
    async def missing() -> None:
        raise NotFound(kind="profile")

    @app.get("/away")
    async def away() -> None:
        raise DatabaseUnavailable(cause="x")

    @app.get("/crash")
    async def crash() -> None:
        raise ZeroDivisionError

    @app.post("/body")
    async def body(body: Body, n: Annotated[int, Query(ge=1)] = 1) -> dict[str, Any]:
        return {"name": body.name}

    return TestClient(BodyLimit(app, limit=100, larger={"/large": 200}), raise_server_exceptions=False)


def test_each_error_is_a_problem_document_with_a_stable_code(client: TestClient) -> None:
    answers = {path: client.get(path) for path in ("/missing", "/away", "/crash", "/nowhere")}
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/missing": 404,
        "/away": 503,
        "/crash": 500,
        "/nowhere": 404,
    }
    for answer in answers.values():
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "code"} <= set(answer.json())
    assert answers["/away"].headers["retry-after"] == "2"
    assert answers["/crash"].json()["code"] == "internal_error"


def test_a_mistake_names_its_field_and_limit(client: TestClient) -> None:
    answer = client.post("/body?n=0", json={"name": "long", "inner": ["x"]})
    assert answer.status_code == 422
    errors = {error["field"]: error for error in answer.json()["errors"]}
    assert errors["name"]["limit"] == 3
    assert errors["n"]["limit"] == 1
    assert "inner.0" in errors
    assert (
        client.post("/body", content=b"{", headers={"content-type": "application/json"}).json()["code"]
        == "malformed_body"
    )


def test_a_large_body_is_refused_before_it_is_read(client: TestClient) -> None:
    answer = client.post("/body", content=b"x" * 101)
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (413, "body_too_large", 100)

    def chunks() -> Any:
        yield b"x" * 60
        yield b"x" * 60

    assert client.post("/body", content=chunks()).status_code == 413


def test_a_path_may_take_more_but_not_anything(client: TestClient) -> None:
    assert client.post("/large", content=b"x" * 150).status_code == 404
    assert client.post("/large", content=b"x" * 201).json()["limit"] == 200


@given(st.lists(st.text(max_size=50), min_size=1, max_size=4))
def test_a_cursor_reads_back(parts: list[str]) -> None:
    assert decode_cursor(encode_cursor(*parts)) == parts


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_a_clear_error(text: str) -> None:
    try:
        parts = decode_cursor(text)
    except InvalidInput as error:
        assert error.errors[0]["field"] == "cursor"
    else:
        assert parts is None or all(isinstance(part, str) for part in parts)
