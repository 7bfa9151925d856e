"""Reads the configured graph files into edges, by file name; for the worker and the doctor."""

from agents.errors import SettingsError
from agents.files import GraphFilesConfig, read_graph_files
from pipeline.graph_files import read_graph
from schemas.errors import SchemaError
from schemas.signal import GraphEdge


def declared_edges(config: GraphFilesConfig) -> dict[str, tuple[GraphEdge, ...]]:
    """Read every configured graph file.

    Raises:
        SettingsError: a file cannot be read or holds no graph; the sentence names it.
    """
    edges = {}
    for name, data in read_graph_files(config).items():
        try:
            edges[name] = read_graph(data.decode(), name=name)
        except SchemaError as error:
            msg = f"graph.files: {error}"
            raise SettingsError(msg) from error
        except UnicodeDecodeError as error:
            msg = f"graph.files: {name} is not UTF-8 text; save it as UTF-8"
            raise SettingsError(msg) from error
    return edges
