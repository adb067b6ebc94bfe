"""Draw Slack messages as Slack shows them: HTML made of their JSON, a picture of it by a headless Chromium.

Without arguments it plays one incident through the functions (scripts/in_process.py) and writes
docs/incident-light.png and docs/incident-dark.png, the README's picture. With files it draws their messages:

    python -m scripts.slack_picture tests/unit/golden/slack-job_failed.json --out /tmp/job

writes /tmp/job-light.png and /tmp/job-dark.png. With --messages it draws the typical messages of docs/messages.md
(scripts/messages.py) into docs/messages/, and writes into docs/messages/drawn.txt what each was drawn from.

A file holds one message, or a list of messages; the first of a list
is the message of the channel and the others are its thread. It needs Chromium, pngquant for small files, and looks
best with Slack's fonts: apt-get install chromium pngquant fonts-lato fonts-noto-color-emoji. It is no part of
`make test`.
"""

from __future__ import annotations

import argparse
import base64
import copy
import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scripts import in_process, messages

type Json = Mapping[str, Any]

DOCS = Path(__file__).parents[1] / "docs"
THEMES = ("light", "dark")
AT = datetime(2026, 11, 21, 9, 12, tzinfo=UTC)
"""When messages of files are drawn as posted."""

SCALE = 2
SMALL_SCALE, SMALL_COLOURS = 1.5, 48
"""Of the typical messages, of which there are many."""

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "chrome-headless-shell")
_NAMES = {"U0ANA": "ana", "S0ONCALL": "ml-oncall", "S0MLONCALL": "ml-oncall"}
_CIRCLES = {
    "red_circle": "#E0245E",
    "large_orange_circle": "#F4900C",
    "large_yellow_circle": "#FDCB58",
    "large_green_circle": "#2EB67D",
    "white_circle": "#C9CDD1",
}
_EMOJI = {
    "white_check_mark": "✅",
    "eyes": "👀",
    "zzz": "💤",
    "repeat": "🔁",
    "page_facing_up": "📄",
    "warning": "⚠️",
    "bar_chart": "📊",
    "x": "❌",
    "loud_sound": "🔊",
    "thread": "🧵",
}
_TOKEN = re.compile(
    r"<(?P<angle>[^<>]+)>"
    r"|`(?P<code>[^`\n]+)`"
    r"|\*(?P<bold>[^*\n]+)\*"
    r"|\b_(?P<italic>[^_\n]+)_\b"
    r"|:(?P<emoji>[a-z0-9_]+):"
    r"|(?P<line>\n)"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as it is drawn: its content, when it was posted, and the file that it shows, if any."""

    content: Json
    at: datetime
    image: bytes = b""


@dataclass(frozen=True, slots=True)
class Panel:
    """One message of the channel with the caption above it and the number of replies under it."""

    message: Shown
    caption: str = ""
    replies: int = 0


# ---------------------------------------------------------------------------------------------- Slack's JSON as HTML
def mrkdwn(text: str, now: datetime) -> str:
    """Return Slack's mrkdwn as HTML: `*bold* <https://a.example|link>` → `<b>bold</b> <a>link</a>`.

    `&`, `<` and `>` of other people's text are escaped in mrkdwn already, as they are in HTML.
    """

    def token(found: re.Match[str]) -> str:
        if angle := found["angle"]:
            return _angle(angle, now)
        if code := found["code"]:
            return f"<code>{code}</code>"
        if bold := found["bold"]:
            return f"<b>{mrkdwn(bold, now)}</b>"
        if italic := found["italic"]:
            return f"<i>{mrkdwn(italic, now)}</i>"
        if name := found["emoji"]:
            return _emoji(name)
        return "<br>"

    return _TOKEN.sub(token, text)


def _angle(inner: str, now: datetime) -> str:
    """Return what stands between < and >: a person, a group, a time, or a link."""
    target, _, label = inner.partition("|")
    if target.startswith("!date^"):
        _, seconds, form = target.split("^")[:3]
        return _time(datetime.fromtimestamp(int(seconds), UTC), form, now)
    if target.startswith(("@", "!subteam^", "!here", "!channel", "!everyone")):
        who = re.sub(r"^(@|!subteam\^|!)", "", target)
        return f'<span class="mention">@{html.escape(_NAMES.get(who, who))}</span>'
    return f"<a>{label or html.escape(target)}</a>"


def _time(at: datetime, form: str, now: datetime) -> str:
    """Return a time as Slack shows it to a reader in UTC; see "Formatting text: date formatting" in Slack's docs."""
    days = (now.date() - at.date()).days
    pretty = {0: "Today", 1: "Yesterday"}.get(days, f"{at:%b} {at.day}, {at.year}")
    return form.replace("{date_short_pretty}", pretty).replace("{time}", f"{at:%H:%M}")


def _emoji(name: str) -> str:
    if name in _CIRCLES:
        return f'<i class="circle" style="background:{_CIRCLES[name]}"></i>'
    return f'<span class="emoji">{_EMOJI[name]}</span>' if name in _EMOJI else f":{name}:"


def _text(text: Json, now: datetime) -> str:
    """Return a text object; plain_text is shown as it is."""
    if text["type"] == "mrkdwn":
        return mrkdwn(text["text"], now)
    return html.escape(text["text"]).replace("\n", "<br>")


def block(block: Json, now: datetime) -> str:
    """Return one Block Kit block as HTML; a type that is not known is an error, so that nothing is left out."""
    match block["type"]:
        case "section":
            text = f"<div>{_text(block['text'], now)}</div>" if "text" in block else ""
            fields = "".join(f"<div>{_text(each, now)}</div>" for each in block.get("fields", ()))
            return f'<div class="section">{text}{f"<div class=fields>{fields}</div>" if fields else ""}</div>'
        case "context":
            return f'<div class="context">{"".join(f"<div>{_text(e, now)}</div>" for e in block["elements"])}</div>'
        case "actions":
            return f'<div class="actions">{"".join(_element(each) for each in block["elements"])}</div>'
        case "rich_text":
            texts = [run.get("text", "") for each in block["elements"] for run in each["elements"]]
            return f"<pre>{html.escape(''.join(texts))}</pre>"
        case "header":
            return f'<div class="header">{_text(block["text"], now)}</div>'
        case "divider":
            return "<hr>"
        case other:
            raise SystemExit(f"There is no drawing of a block of type {other}: add it to scripts/slack_picture.py.")


def _element(element: Json) -> str:
    if element["type"] == "button":
        return f'<span class="button {element.get("style", "")}">{html.escape(element["text"]["text"])}</span>'
    return f'<span class="button menu">{html.escape(element["placeholder"]["text"])}<i></i></span>'


def _body(message: Shown) -> str:
    content, now = message.content, message.at
    if not any(content.get(part) for part in ("text", "blocks", "attachments")) and not message.image:
        raise SystemExit("There is no Slack message in the JSON: no text, no blocks and no attachments.")
    said = f'<div class="text">{mrkdwn(content.get("text", ""), now)}</div>'
    if content.get("blocks"):  # Slack shows blocks in place of the text, attachments below it
        said = "".join(block(each, now) for each in content["blocks"])
    for each in content.get("attachments", ()):
        inner = "".join(block(one, now) for one in each.get("blocks", ()))
        said += f'<div class="attachment"><i style="background:{each["color"]}"></i><div>{inner}</div></div>'
    if message.image:
        data = base64.b64encode(message.image).decode()
        title = html.escape(content.get("title", ""))
        said += f'<div class="file">{title}</div><img src="data:image/svg+xml;base64,{data}">'
    return said


def message_html(message: Shown, replies: int = 0, last: datetime | None = None) -> str:
    """Return one message with the app's name and the time, and the line that leads to its thread."""
    more = ""
    if replies:
        when = f"Last reply today at {last:%H:%M}" if last else ""
        answers = "reply" if replies == 1 else "replies"
        more = f'<div class="replies"><i></i><b>{replies} {answers}</b><span>{when}</span></div>'
    avatar = '<div class="avatar"><svg viewBox="0 0 24 24"><path d="M3 13h4l2.5-7 4 13L16 11l1.5 2H21"/></svg></div>'
    who = f'<div class="who"><b>Sagewatch</b><em>APP</em><span>{message.at:%H:%M}</span></div>'
    return f'<div class="message">{avatar}<div class="main">{who}{_body(message)}{more}</div></div>'


def page(panels: Sequence[Panel], thread: Sequence[Shown], theme: str, channel: str = "ml-alerts") -> str:
    """Return the whole picture: the channel on the left, the open thread, when there is one, on the right."""
    left = ""
    for panel in panels:
        caption = f'<div class="caption"><span>{html.escape(panel.caption)}</span></div>' if panel.caption else ""
        last = max((each.at for each in thread[: panel.replies]), default=None)
        left += caption + message_html(panel.message, panel.replies, last)
    right = "".join(message_html(each) for each in thread)
    count = f'<div class="count"><span>{len(thread)} replies</span></div>'
    pane = f'<section class="thread"><header>Thread <span># {channel}</span></header>{count}{right}</section>'
    wide = "wide" if thread else ""
    return (
        f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><body class="{theme} {wide}"><main>'
        f'<section class="channel"><header># {channel}</header>{left}</section>{pane if thread else ""}</main>'
        "<script>document.title = Math.ceil(document.querySelector('main').getBoundingClientRect().bottom + 1)</script>"
    )


STYLE = """
* { box-sizing: border-box; margin: 0 }
.light { --bg: #fff; --text: #1d1c1d; --dim: #616061; --line: rgba(29,28,29,.13); --edge: rgba(29,28,29,.3);
  --link: #1264a3; --code: #c01343; --pre: #f8f8f8; --call: #fff3d1; --called: #1264a3; --app: #ededed }
.dark { --bg: #1a1d21; --text: #d1d2d3; --dim: #ababad; --line: rgba(232,232,232,.13); --edge: rgba(232,232,232,.3);
  --link: #1d9bd1; --code: #e8912d; --pre: #222529; --call: #4a3c17; --called: #e3b64f; --app: #35373b }
html { background: transparent }
body { width: 620px; color: var(--text); font: 15px/1.4667 Lato, "Slack-Lato", "Helvetica Neue", Arial, sans-serif;
  font-variant-ligatures: none; background: transparent }
body.wide { width: 1000px }
main { display: flex; background: var(--bg); border: 1px solid var(--line); border-radius: 10px; overflow: hidden }
.channel { flex: 1; min-width: 0; padding-bottom: 14px }
.thread { width: 392px; border-left: 1px solid var(--line); padding-bottom: 10px }
header { font-weight: 900; font-size: 16px; padding: 11px 20px; border-bottom: 1px solid var(--line) }
header span { font-weight: 400; font-size: 13px; color: var(--dim); margin-left: 6px }
.message { display: flex; gap: 8px; padding: 9px 20px 5px }
.thread .message { padding: 7px 16px 4px }
.avatar { flex: none; width: 36px; height: 36px; border-radius: 8px; background: #2f7d5b }
.avatar svg { width: 36px; padding: 5px; fill: none; stroke: #fff; stroke-width: 2; stroke-linecap: round;
  stroke-linejoin: round }
.main { flex: 1; min-width: 0 }
.who b { font-weight: 900 }
.who em { font: 700 10px/1 Lato, Arial, sans-serif; background: var(--app); color: var(--dim); padding: 2px 4px;
  border-radius: 3px; margin: 0 6px 0 5px; vertical-align: 2px }
.who span { font-size: 12px; color: var(--dim) }
b { font-weight: 700 }
a { color: var(--link) }
code { font: 12px/1.5 "DejaVu Sans Mono", Menlo, Consolas, monospace; color: var(--code); background: var(--pre);
  border: 1px solid var(--line); border-radius: 3px; padding: 2px 3px 1px }
pre { font: 12px/1.5 Menlo, "DejaVu Sans Mono", Consolas, monospace; background: var(--pre); white-space: pre-wrap;
  border: 1px solid var(--line); border-radius: 4px; padding: 8px; margin: 4px 0; overflow-wrap: anywhere }
.mention { background: var(--call); color: var(--called); border-radius: 3px; padding: 0 2px; white-space: nowrap }
.circle { display: inline-block; width: 15px; height: 15px; border-radius: 50%; vertical-align: -2px;
  margin-right: 1px }
.emoji { font-family: "Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji", sans-serif }
.attachment { display: flex; gap: 12px; margin-top: 6px }
.attachment > i { flex: none; width: 4px; border-radius: 8px }
.attachment > div { flex: 1; min-width: 0 }
.section { margin: 2px 0 8px }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; margin: 6px 0 }
.fields > div { min-width: 0; overflow-wrap: anywhere }
.context { font-size: 13px; color: var(--dim); display: flex; flex-wrap: wrap; gap: 2px 10px; margin: 4px 0 2px }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 }
.button { font-weight: 700; font-size: 13px; line-height: 28px; height: 30px; padding: 0 11px;
  border: 1px solid var(--edge); border-radius: 8px; white-space: nowrap }
.button.primary { background: #007a5a; border-color: #007a5a; color: #fff }
.button.danger { color: #e01e5a; border-color: #e01e5a }
.menu { font-weight: 400; min-width: 108px; display: inline-flex; justify-content: space-between; align-items: center }
.menu i { width: 7px; height: 7px; border: solid var(--dim); border-width: 0 1.5px 1.5px 0; transform: rotate(45deg);
  margin: -4px 2px 0 14px }
.header { font-weight: 900; font-size: 18px }
hr { border: 0; border-top: 1px solid var(--line); margin: 8px 0 }
.replies { font-size: 13px; margin-top: 6px; display: flex; align-items: center; gap: 6px; color: var(--dim) }
.replies i { width: 20px; height: 20px; border-radius: 5px; background: #2f7d5b }
.replies b { color: var(--link) }
.caption, .count { display: flex; align-items: center; padding: 8px 20px 2px; color: var(--dim); font-size: 13px }
.caption::before, .caption::after, .count::after { content: ""; flex: 1; border-top: 1px solid var(--line) }
.caption span { border: 1px solid var(--line); border-radius: 20px; padding: 3px 12px; font-weight: 700 }
.count { padding: 10px 16px 2px } .count span { margin-right: 8px }
.file { font-size: 13px; color: var(--dim) }
img { display: block; width: 100%; border-radius: 8px; border: 1px solid var(--line); margin: 4px 0 }
"""


# -------------------------------------------------------------------------------------------------- HTML as a picture
def screenshot(source: str, target: Path, scale: float = SCALE, colours: int = 256) -> None:
    """Write the picture of a page that gives its height in CSS pixels as its title."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not browser:
        raise SystemExit(
            "This needs Chromium, and there is none on the PATH. Debian, Ubuntu: apt-get install chromium fonts-lato "
            "fonts-noto-color-emoji pngquant. macOS: brew install --cask chromium, brew install pngquant."
        )
    width = 1000 if "wide" in source.partition("<main>")[0].rpartition("<body")[2] else 620
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(source, encoding="utf-8")
        common = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}",
        ]
        dump = subprocess.run(
            [*common, f"--window-size={width},2000", "--dump-dom", file.as_uri()],
            capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        found = re.search(r"<title>(\d+)</title>", dump.stdout)
        if not found:
            raise SystemExit("Chromium did not lay the page out: it has no title.")
        shot = (f"--screenshot={target}", f"--force-device-scale-factor={scale}", "--default-background-color=00000000")
        size = f"--window-size={width},{found[1]}"
        subprocess.run([*common, size, *shot, file.as_uri()], capture_output=True, check=True, timeout=120)
    if quantise := shutil.which("pngquant"):  # a third of the size, by a palette
        options = ["--force", "--ext", ".png", "--speed", "1", str(colours)]
        subprocess.run([quantise, *options, str(target)], check=True, timeout=120)
    else:
        print("The picture is three times as large as it could be: there is no pngquant on the PATH.")


# ------------------------------------------------------------------------------------------------ the README's incident
POLICY = """
routes:
  - name: everyone
    slack: default
    mention: {critical: "<!subteam^S0ONCALL>"}
    runbook: https://runbooks.example.com/{kind}/{alarm}
"""
LATENCIES = (400_000.0, 420_000.0, 1_200_000.0, 1_500_000.0, 1_843_221.0)  # µs
RECOVERED = (1_900_000.0, 2_310_000.0, 700_000.0, 450_000.0, 430_000.0)


def incident() -> tuple[list[Panel], list[Shown]]:
    """Play 14 minutes of an endpoint through the functions and return the message, red and green, and its thread."""
    today = datetime.now(UTC).replace(hour=9, minute=12, second=0, microsecond=0)
    start = today if today < datetime.now(UTC) else today - timedelta(days=1)
    with in_process.recording_slack() as slack, in_process.account(slack, graph=chart, policy=POLICY):
        in_process.create_endpoint(
            "churn-prod", config="churn-prod-v7", at=start - timedelta(hours=49), team="fraud-ml"
        )
        in_process.handler("reconcile")(in_process.messages({"kind": "endpoint", "name": "churn-prod"}), None)
        alarms, notify = in_process.alarms(), in_process.handler("notify")

        def tell(minute: float, event: Callable[[datetime], Any]) -> None:
            slack.now = start + timedelta(minutes=minute)
            failed = notify(in_process.messages(event(slack.now)), None)["batchItemFailures"]
            if failed:
                raise SystemExit(f"The notify function failed in minute {minute}.")

        def alarm(name: str, state: str, points: tuple[float, ...]) -> Callable[[datetime], Any]:
            return lambda at: in_process.alarm_event(alarms[name], state, at, points)

        tell(0, alarm("latency-p99", "ALARM", LATENCIES))
        tell(1, alarm("cpu", "ALARM", (310.0, 340.0, 372.0)))
        [root] = (each for each in slack.messages.values() if not each.thread)
        red, replies = copy.deepcopy(root.content), len(slack.messages) - 1
        tell(2, lambda at: in_process.click("Sagewatch Acknowledged", "everyone", "endpoint", "churn-prod", at))
        tell(12, alarm("cpu", "OK", (372.0, 240.0, 190.0)))
        tell(14, alarm("latency-p99", "OK", RECOVERED))
        thread = [Shown(each.content, each.at, each.file) for each in slack.messages.values() if each.thread]
    opened = Shown(red, start)
    panels = [
        Panel(opened, "09:13 · two alarms of one endpoint, one message", replies),
        Panel(replace(opened, content=root.content), "09:26 · the same message, after the all-clear", len(thread)),
    ]
    return panels, thread


def chart(widget: Json) -> bytes:
    """Return an SVG in place of CloudWatch's PNG of a MetricWidget: its title and limit, with values made up."""
    values = (0.42, 0.4, 0.44, 0.41, 0.43, 0.4, 0.45, 0.42, 0.41, 0.44, 0.43, 0.42, 0.46, 0.6, 1.2, 1.5, 1.84)
    line = " ".join(f"{40 + n * 34},{250 - value * 100:.0f}" for n, value in enumerate(values))
    grid = (f'<path d="M40 {y}H590" stroke="#e8eaed"/>' for y in range(50, 251, 50))
    ticks = (_label(32, 255 - n * 50, "end", f"{n / 2:.1f}") for n in range(5))
    parts = (
        '<rect width="600" height="290" fill="#fff"/>',
        *grid,
        *ticks,
        _label(40, 276, "start", "06:15"),
        _label(584, 276, "end", "09:12"),
        '<path d="M40 150H590" stroke="#d13212" stroke-width="2"/>',
        _label(48, 143, "start", widget["annotations"]["horizontal"][0]["label"], "#d13212"),
        f'<polyline points="{line}" fill="none" stroke="#1f77b4" stroke-width="3"/>',
        _label(14, 26, "start", widget["title"], "#16191f"),
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 290">{"".join(parts)}</svg>'
    return svg.encode()


def _label(x: int, y: int, anchor: str, text: str, colour: str = "#545b64") -> str:
    font = f'font-family="Lato, Arial, sans-serif" font-size="15" fill="{colour}"'
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" {font}>{html.escape(text)}</text>'


def read(files: Iterable[Path], at: datetime) -> tuple[list[Panel], list[Shown]]:
    """Return the messages of JSON files: a message stands in the channel, a list is a message and its thread."""
    panels: list[Panel] = []
    thread: list[Shown] = []
    for file in files:
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found, dict) and "slack" in found:  # one text for every receiver, as the digest's files have
            found = found["slack"]
        root, *replies = found if isinstance(found, list) else [found]
        panels.append(Panel(Shown(root, at), replies=len(replies)))
        thread += [Shown(each, at) for each in replies]
    return panels, thread


def typical_messages() -> None:
    """Draw the typical messages, and write down of what their pictures are."""
    messages.FOLDER.mkdir(exist_ok=True)
    for name in messages.MESSAGES:
        panels, thread = read([messages.golden(name)], AT)
        for theme in THEMES:
            target = messages.picture(name, theme)
            screenshot(page(panels, thread, theme), target, SMALL_SCALE, SMALL_COLOURS)
            print(f"{target} {target.stat().st_size // 1024} kB")
    messages.DRAWN.write_text(messages.drawn_from(), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="JSON of messages; without any, the README's incident")
    parser.add_argument("--out", type=Path, default=DOCS / "incident", help="path of the pictures, without -light.png")
    parser.add_argument("--at", type=datetime.fromisoformat, default=AT)
    parser.add_argument("--messages", action="store_true", help="draw the typical messages of docs/messages.md")
    given = parser.parse_args()
    if given.messages:
        typical_messages()
        return
    panels, thread = read(given.files, given.at) if given.files else incident()
    for theme in THEMES:
        target = given.out.with_name(f"{given.out.name}-{theme}.png").absolute()
        screenshot(page(panels, thread, theme), target)
        print(f"{target} {target.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
