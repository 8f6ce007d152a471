"""Client of the Martlet model server, over its native protocol or gRPC, blocking or on asyncio."""

from martlet.calls import StreamRequest
from martlet.client import Client
from martlet.client_async import AsyncClient
from martlet.errors import Code, MartletError
from martlet.options import TLS, Retry
from martlet.types import (
    Aggregation,
    ClassifyAnswer,
    Coverage,
    DetokenizeAnswer,
    DocumentEvent,
    EmbedAnswer,
    EmbedResult,
    FinalVerdict,
    LabelScore,
    ModelIdentity,
    ModelStatistics,
    ModelStatus,
    Overflow,
    RunningVerdict,
    ServerStatus,
    Span,
    StreamAnswer,
    TextResult,
    Timing,
    Token,
    TokenizeAnswer,
    WindowResult,
)

__version__ = "0.1.0"

__all__ = [
    "TLS",
    "Aggregation",
    "AsyncClient",
    "ClassifyAnswer",
    "Client",
    "Code",
    "Coverage",
    "DetokenizeAnswer",
    "DocumentEvent",
    "EmbedAnswer",
    "EmbedResult",
    "FinalVerdict",
    "LabelScore",
    "MartletError",
    "ModelIdentity",
    "ModelStatistics",
    "ModelStatus",
    "Overflow",
    "Retry",
    "RunningVerdict",
    "ServerStatus",
    "Span",
    "StreamAnswer",
    "StreamRequest",
    "TextResult",
    "Timing",
    "Token",
    "TokenizeAnswer",
    "WindowResult",
]
