"""Routes that only a sandbox has, under /sandbox: faults, what was asked, and what each sandbox adds to them.

Only this machine may use them (`serving` sees to that), and every write must say that it is JSON, so that no
web page can.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.errors import SandboxError
from engine.sandbox import answers
from engine.sandbox.answers import Answer, Refused
from engine.sandbox.faults import Faults
from engine.sandbox.lenient import Json
from engine.sandbox.request import Request
from engine.sandbox.traffic import Traffic

PREFIX = "/sandbox"
Said = Mapping[str, Json]
Act = Callable[[Said], object]
"""What a route does: the JSON that came in, the JSON that goes out. Raises Refused, SandboxError, or what a
look into JSON raises.
"""


@dataclass(frozen=True, slots=True)
class Control:
    """The control routes by verb and name below /sandbox; the one without a name shows the overview."""

    overview: Callable[[], Said]
    acts: Mapping[tuple[str, str], Act]

    def answer(self, request: Request) -> Answer:
        """The answer to a control request."""
        name = request.path.removeprefix(PREFIX).strip("/")
        act = self._overview if (request.verb, name) == ("GET", "") else self.acts.get((request.verb, name))
        if act is None:
            return answers.as_json({"routes": self.routes()}, status=404)
        try:
            return answers.as_json(act(_said(request)))
        except Refused as refused:
            return answers.errors(refused.texts, status=400 if refused.status == 500 else refused.status)  # noqa: PLR2004 -- HTTP
        except SandboxError as error:
            return answers.errors([str(error)], status=400)
        except KeyError as error:
            return answers.errors([f"the body has no {error}"], status=400)
        except (TypeError, ValueError, ArithmeticError) as error:
            return answers.errors([f"the body is not as it must be: {error}"], status=400)

    def routes(self) -> list[str]:
        """Each as it is asked for."""
        return sorted(f"{verb} {PREFIX}/{name}" for verb, name in [("GET", ""), *self.acts])

    def _overview(self, _said: Said) -> object:
        return {**self.overview(), "routes": self.routes()}


def _said(request: Request) -> Said:
    if request.verb != "GET" and "json" not in request.headers.get("content-type", "application/json"):
        raise Refused("Content-Type must be application/json.", status=415)
    said = json.loads(request.body) if request.body.strip() else {}
    if not isinstance(said, dict):
        raise Refused("The body must be a JSON object.")
    return said


def common(faults: Faults, traffic: Traffic) -> dict[tuple[str, str], Act]:
    """What every sandbox has: faults to set, look at and take away; the request log."""

    def cleared(said: Said) -> object:
        faults.clear(said.get("id"))
        return {"faults": faults.known()}

    def forgotten(_said: Said) -> object:
        traffic.clear()
        return {"done": True}

    return {
        ("GET", "faults"): lambda _: {"faults": faults.known()},
        ("POST", "faults"): lambda said: {"id": faults.set(said)},
        ("DELETE", "faults"): cleared,
        ("GET", "requests"): lambda _: {"requests": traffic.latest(), "counts": traffic.counts()},
        ("DELETE", "requests"): forgotten,
    }
