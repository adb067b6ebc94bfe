"""Whatever others write stays inert and within every channel's limits."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from time import perf_counter
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagewatch.model import About, Evidence, Incident, Labels, Ref
from sagewatch.receivers.amazon_q import render as chatbot
from sagewatch.receivers.pagerduty import render as pagerduty
from sagewatch.receivers.slack import render as slack
from sagewatch.receivers.sns import render as text
from sagewatch.receivers.webhook import render as webhook
from sagewatch.receivers.wording.phrases import harmless
from tests.sample_incidents import ONCALL, ROUTE, after, clicked, failure, incident, latency, line, memory, part
from tests.slack_limits import broken

ABOUTS: tuple[About, ...] = get_args(About.__value__)
NASTY = st.sampled_from(
    [
        "<!channel>",
        "<@U0EVE> <!subteam^S0EVE> <!here|here>",
        "<https://evil.example|click>",
        "&lt;!channel&gt; &amp;lt;",
        "```\n<!everyone>\n```",
        "`*_~>",
        "\u202egnp.exe\u2066\u061c\u200f",
        "\ud800 half \udfff",
        "\x00\x07\x1b[31mred\x1b[0m\r\n\u2028",
        "&" * 700,
        '"\\' * 700,
        "|",
        "",
        " ",
        "…",
        "😀" * 700,
    ]
)
TEXT = st.one_of(st.text(max_size=300), NASTY, st.builds(str.__add__, NASTY, st.text(max_size=50)))


@st.composite
def hostile(draw: st.DrawFn) -> Incident:
    """Draw an incident all of whose texts are somebody else's."""

    def said() -> str:
        return draw(TEXT)

    labels = {"resource": said(), "scope": said(), "alarm": said(), "team": said(), "kind": said()}
    link = draw(
        st.sampled_from(["https://a.example/?x=1&y=2", "javascript:alert(1)", "https://e.example/|<!here>", said()])
    )
    words: dict[str, Any] = {
        "title": said(),
        "reason": said(),
        "advice": said(),
        "links": {"logs": link, "alarm": link, said(): link},
        "subject": Ref(said(), said()),
        "execution": said(),
        "arn": said(),
    }
    lead = replace(draw(st.sampled_from([latency, failure]))(), labels=labelled("critical", labels), **words)
    other = replace(
        memory(), labels=labelled("warning", {**labels, "scope": said()}), title=said(), subject=words["subject"]
    )
    steps = tuple((said(), draw(st.sampled_from(["Failed", "Succeeded", said()])), 1.0, said()) for _ in range(4))
    evidence = Evidence(
        cause=said(), remedy=said(), steps=steps, stream=said(), log=(said(), said()), facts={said(): said()}
    )
    return incident(
        part(lead),
        *(part(other) for _ in range(draw(st.integers(0, 12)))),
        status=draw(st.sampled_from(["open", "acked", "snoozed", "resolved", "closed", "failed"])),
        acked_by=said(),
        acked_at=after(1),
        reopened=draw(st.integers(0, 3)),
        evidence={lead.key: evidence},
    )


def labelled(severity: str, values: dict[str, str]) -> Labels:
    return Labels({**values, "severity": severity})


@given(found=hostile(), about=st.sampled_from(ABOUTS), by=TEXT, controls=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_text_at_all_stays_inert_and_within_limits(found: Incident, about: About, by: str, controls: bool) -> None:
    deed = about if about in {"acked", "snoozed"} else None
    told = line(about, clicked(deed, 3, by) if deed else found.lead)

    for message in (
        slack.root(found, ROUTE, controls=controls, previous=by, now=after(5)),
        slack.reply(found, told, ROUTE),
        slack.announced(found, told, ROUTE),
    ):
        assert broken(message, called=(ONCALL,)) == []
        assert broken(slack.plain_text(message), called=(ONCALL,)) == []
    for entry in (None, told):
        assert faults_of_letter(text.mail(found, entry, ROUTE)) == []
        assert faults_of_notification(chatbot.notification(found, entry, ROUTE)) == []
        json.dumps(webhook.document(found, entry, ROUTE), allow_nan=False).encode()
    assert faults_of_event(pagerduty.event(found, ROUTE)) == []


def faults_of_letter(letter: text.Letter) -> list[str]:
    """Return what SNS would refuse (Publish)."""
    wrong = []
    if not 1 <= len(letter.subject) < 100 or re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", letter.subject):
        wrong.append(f"subject: {letter.subject!r}")
    if not 1 <= len(letter.body.encode()) < 200_000:
        wrong.append(f"a body of {len(letter.body)} characters")
    if not 1 <= len(letter.attributes) <= 10 or not all(0 < len(each) <= 256 for each in letter.attributes.values()):
        wrong.append(f"attributes: {letter.attributes}")
    return wrong


def faults_of_notification(said: dict[str, Any]) -> list[str]:
    """Return what Amazon Q Developer would refuse, or its chats would parse."""
    content = said["content"]
    shown = [content["title"], content["description"], *content["nextSteps"], *content["keywords"]]
    longest = [250, 8_000, *[350] * len(content["nextSteps"]), *[75] * len(content["keywords"])]
    texts = [*shown, said["metadata"]["summary"]]
    return [
        *(f"{len(each)} characters" for each, most in zip(shown, longest, strict=True) if len(each) > most),
        *(f"not inert: {each[:200]!r}" for each in texts if re.search(r"[<>]|&(?!(amp|lt|gt);)", each)),
        *(["no title"] if not content["title"] else []),
    ]


def faults_of_event(event: dict[str, Any]) -> list[str]:
    """Return what PagerDuty would refuse: over 512 kB, a summary over 1,024 characters, a key over 255."""
    summary = event.get("payload", {}).get("summary", "x")
    sizes = {"event": (len(json.dumps(event)), 500_000), "summary": (len(summary), 1_024)}
    return [f"{name}: {size}" for name, (size, most) in sizes.items() if not 1 <= size <= most]


@pytest.mark.parametrize("character", ["x", "&", "<", '"', "\\", " ", "\n", "😀", "\ud800", "secret ", "://a:"])
def test_a_reason_of_a_hundred_thousand_characters_is_cut_in_no_time(character: str) -> None:
    found = incident(part(failure(reason=character * (100_000 // len(character)))), status="failed")
    began = perf_counter()

    message = slack.root(found, ROUTE, controls=True, now=after(1))

    assert perf_counter() - began < 2
    assert broken(message, called=(ONCALL,)) == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("HF_TOKEN=hf_abcdefghijklmnopqrstuvwx", "HF_TOKEN=[redacted]"),
        ("login with hf_abcdefghijklmnopqrstuvwx now", "login with [redacted] now"),
        ("ghp_0123456789abcdefghij0123456789abcdef", "[redacted]"),
        ("--password hunter2 --epochs 3", "--password [redacted] --epochs 3"),
        ("WANDB_API_KEY: 0123abcd", "WANDB_API_KEY: [redacted]"),
        ("api-key=0123abcd&x=1", "api-key=[redacted]&x=1"),
        ("got eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmVk back", "got [redacted] back"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY----- end", "[redacted] end"),
        ("redis://:hunter2@cache:6379", "redis://[redacted]@cache:6379"),
        ("\x1b[31mERROR\x1b[0m: no space", "ERROR: no space"),
        ("a\u200bb\ufeffc\u2069d", "a b c d"),
        ("max_depth=12 tokens 512", "max_depth=12 tokens 512"),
    ],
)
def test_secrets_colours_and_marks_are_taken_out(written: str, shown: str) -> None:
    assert harmless(written, 200) == shown


def test_a_link_that_is_none_leads_nowhere() -> None:
    found = incident(part(latency(links={"endpoint": "javascript:alert(1)", "logs": "https://x|<!here>", "alarm": ""})))

    said = json.dumps(slack.root(found, replace(ROUTE, runbook="//x"), controls=True, now=after(1)))

    assert "javascript" not in said
    assert "url_" not in said


def test_a_person_is_named_only_by_an_id_of_slacks() -> None:
    told = slack.reply(incident(part(latency())), line("acked", clicked("acked", 2, "!channel")), ROUTE)

    assert told == {"text": ":eyes: Acknowledged"}
