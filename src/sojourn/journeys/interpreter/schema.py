"""The JSON schema of a journey file, for editors; generated from the same classes that read it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import ConfigDict, Field, create_model

from sojourn.journeys.interpreter.definition import NODES_MAX, Envelope
from sojourn.journeys.interpreter.node import NodeId
from sojourn.journeys.interpreter.nodes import NODE_KINDS

SCHEMA_ID = "urn:sojourn:journey:1"


def journey_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a journey definition."""
    union: Any = reduce(or_, (kind.model for kind in NODE_KINDS))
    node: Any = Annotated[union, Field(discriminator="type")]
    nodes: Any = Annotated[dict[NodeId, node], Field(min_length=1, max_length=NODES_MAX)]
    model = create_model("Journey", __base__=Envelope, nodes=(nodes, ...))
    model.model_config = ConfigDict(extra="forbid", title="Sojourn journey")
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}
