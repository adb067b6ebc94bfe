"""One address for the whole local stack: each request goes to whoever answers for the service it is signed for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest
from werkzeug.middleware.http_proxy import ProxyMiddleware

from sagewatch_cli.local.machine.loopback import served

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SLOWEST_ANSWER = 60
SIGNED: Mapping[str, str] = {"monitoring": "cloudwatch"}
"""Services that sign with another name than that of their client."""


@contextmanager
def gateway(endpoint: Callable[[str], str]) -> Iterator[str]:
    """Serve until the block ends, and yield the address; `endpoint` says where a service is answered."""
    with served(_Gateway(endpoint)) as url:
        yield url


class _Gateway:
    def __init__(self, endpoint: Callable[[str], str]) -> None:
        self.endpoint = endpoint
        self.proxy = ProxyMiddleware(
            BadRequest("This request is not signed for any service."), {}, timeout=SLOWEST_ANSWER
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        service = signed_for(environ.get("HTTP_AUTHORIZATION", ""))
        if service is None:
            return self.proxy.app(environ, start_response)
        # The host stays as it was signed.
        options: dict[str, Any] = {
            "target": self.endpoint(service),
            "host": None,
            "remove_prefix": False,
            "headers": {},
        }
        return self.proxy.proxy_to(options, environ["PATH_INFO"], "/")(environ, start_response)


def signed_for(authorization: str) -> str | None:
    """Return the service of a signature (version 4), as boto3 calls its client; None when there is no signature."""
    # AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/monitoring/aws4_request, SignedHeaders=…
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return SIGNED.get(scope[-2], scope[-2]) if len(scope) >= 5 else None
