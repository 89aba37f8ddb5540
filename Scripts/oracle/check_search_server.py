#!/usr/bin/env python3
"""Holds the example of a search server (Scripts/examples/search-server) to what its users need, by raw requests and in a real browser.

    swift build --package-path Scripts/examples/search-server --product search-server
    Scripts/oracle/check_search_server.py [--server PROGRAM] [--clip .build/debug/clip] [--folder PHOTOS] [--shots FOLDER]

The pictures are Models/examples, or those of a folder that `clip index` has indexed. Checked are answers, refusals of what makes no sense,
names and origins from elsewhere, addresses outside the index, pictures that change; in headless Chromium typing, dragging, excluding, the
threshold, pages, keys, the address, the console, contrast and widths from 360 to 1600 pixels in light and dark. Needs Python 3 and Chromium.
"""

import argparse
import base64
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from check_pages import CONTRASTS, OUTLINE, ROOT, WIDTHS, Browser, check, failures  # noqa: E402


class Server:
    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, *arguments], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.match(r"http://localhost:(\d+) ", line)
        if not found:
            raise SystemExit(f"the server doesn't start: {line}{self.process.stderr.read()}")
        self.port = int(found[1])
        self.address = f"http://localhost:{self.port}"

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Host": f"localhost:{self.port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data, answer.headers

    def search(self, **values):
        status, data, _ = self.ask("POST", "/api/search", json.dumps(values), Content_Type="application/json")
        return status, json.loads(data) if data else {}

    def raw(self, data):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(data)
            answer = b""
            while part := connection.recv(1 << 16):
                answer += part
                if b"\r\n\r\n" in answer:
                    break
            return answer


def check_answers(server, clip, folder):
    status, data, headers = server.ask("GET", "/")
    check(status == 200 and b"<!doctype html>" in data, "the page is there")
    check("default-src 'none'" in headers["Content-Security-Policy"], "nothing runs but the page's own")
    count = json.loads(server.ask("GET", "/api/index")[1])["pictures"]
    lines = subprocess.run([clip, "search", "a dog", "--index", folder, "--top", str(count), "--no-update", "-q"], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    expected = [json.loads(line) for line in lines]
    status, answer = server.search(text="a dog", count=min(count, 200))
    hits = answer["hits"]
    check(status == 200 and answer["searched"] == count, f"a search compares all {count}")
    check([round(hit["score"], 5) for hit in hits] == [round(hit["score"], 5) for hit in expected][:len(hits)], "scores are those of clip search")
    check([hit["fits"] for hit in hits] == [hit["fits"] for hit in expected][:len(hits)], "so is what fits")
    check(all(not hit["name"].startswith("/") for hit in hits), f"no path of the machine is told: {hits[0]}")
    pages = [server.search(text="a dog", offset=offset, count=3)[1] for offset in range(0, min(count, 12), 3)]
    check([hit["id"] for page in pages for hit in page["hits"]] == [hit["id"] for hit in hits][:min(count, 12)], "pages follow each other")
    check(server.search(text="a dog", offset=count - 1, count=3)[1]["hasMore"] is False, "the last page is the last")
    least = hits[len(hits) // 2]["score"]
    check(all(hit["score"] >= least for hit in server.search(text="a dog", threshold=least)[1]["hits"]), "a threshold holds")
    without = server.search(text="a dog", without=["a horse"], count=200)[1]["hits"]
    check(0 < len(without) < count, f"without leaves out some: {len(without)}")
    some = hits[-1]["name"].rsplit("/", 1)[-1]
    check([hit["name"].rsplit("/", 1)[-1] for hit in server.search(text="a dog", paths="*" + some)[1]["hits"]] == [some], "a pattern chooses")
    like = server.search(like=hits[3]["id"], count=2)[1]["hits"]
    check(like[0]["id"] == hits[3]["id"] and like[0]["score"] > 0.999 and "fits" not in like[0], "a picture is most like itself")
    status, jpeg, headers = server.ask("GET", f"/pictures/{hits[3]['id']}/320")
    check(status == 200 and jpeg[:2] == b"\xff\xd8" and "immutable" in headers["Cache-Control"], "a small copy comes")
    status, data, _ = server.ask("POST", "/api/embedding", jpeg)
    near = server.search(picture=json.loads(data)["picture"], count=1)[1]["hits"]
    check(status == 200 and near[0]["id"] == hits[3]["id"], "a picture that is brought finds itself")


def check_refusals(server, hits):
    identifier = hits[0]["id"]
    for values, words in [
        ({}, "nothing to search for"), ({"text": " "}, "nothing to search for"), ({"text": "x" * 1001}, "1000 bytes"),
        ({"text": "a", "count": 0}, "count"), ({"text": "a", "count": 201}, "count"), ({"text": "a", "offset": -1}, "offset"),
        ({"text": "a", "offset": 1 << 40}, "offset"), ({"picture": [1.0]}, "numbers"), ({"text": 3}, "text"),
        ({"text": "a", "treshold": 0.2}, "treshold"), ({"text": "a", "without": ["b"] * 17}, "without"),
    ]:
        status, answer = server.search(**values)
        check(status == 400 and words in answer["error"]["message"], f"{str(values)[:60]}: {status} {answer}")
    for like in ["", "x", "0", "-1-0", "99999999999999999999-0", "0-0000000000000000"]:
        check(server.search(like=like)[0] == 404, f"like {like!r} is no picture")
    for body in [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"text": "' + b"x" * (3 << 20) + b'"}']:
        status, _, _ = server.ask("POST", "/api/search", body, Content_Type="application/json")
        check(status in (400, 413), f"{body[:20]!r}: {status}")
    for body, expected in [(b"", 422), (b"no picture" * 100, 422), (b"\xff\xd8\xff" + b"\0" * 1000, 422), (b"x" * (33 << 20), 413)]:
        try:
            status, data, _ = server.ask("POST", "/api/embedding", body)
        except (BrokenPipeError, ConnectionResetError):
            # Who sends too much is hung up on.
            status = 413
        check(status == expected, f"an upload of {len(body)} bytes: {status}")
    for path in ["/pictures/../../etc/passwd", "/pictures/%2e%2e%2f%2e%2e%2fetc%2fpasswd/320", f"/pictures/{identifier}/319",
                 f"/pictures/{identifier}/99999", f"/pictures/{identifier}x/320", "/pictures/0/320", "/pictures/0-/320",
                 f"/pictures/0{identifier}/320", "/pictures/-1-0000/320", "/etc/passwd", "/.clip-index", "/pictures//320", "/page.html"]:
        status, data, _ = server.ask("GET", path)
        check(status == 404 and b"root:" not in data, f"{path}: {status}")
    for host in ["evil.example", f"evil.example:{server.port}", f"localhost.evil.example:{server.port}", "", f"0.0.0.0:{server.port}"]:
        for path in ["/", "/api/index", f"/pictures/{identifier}/320"]:
            status, data, _ = server.ask("GET", path, Host=host)
            check(status == 421 and b"doctype" not in data, f"the name {host!r}: {status}")
    check(server.raw(b"GET /api/index HTTP/1.0\r\n\r\n").split(b" ")[1] == b"421", "without a name nothing is told")
    for origin in ["http://evil.example", "null", "http://localhost:1", f"http://localhost.evil.example:{server.port}"]:
        status, _, _ = server.ask("POST", "/api/search", b'{"text":"a"}', Origin=origin, Content_Type="application/json")
        check(status == 403, f"a page of {origin}: {status}")
        check(server.ask("GET", "/api/index", Origin=origin)[0] == 403, f"a page of {origin} can't look")
    check(server.ask("GET", f"/pictures/{identifier}/320", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403,
          "pictures aren't shown in other pages")
    check(server.ask("GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200, "a link leads here")
    check(server.raw(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400"), "nonsense is refused")
    check(server.ask("GET", "/api/index")[0] == 200, "and the server goes on")


def check_changes(server, folder, clip, hits):
    """What isn't what was indexed any more isn't shown, and what is new is found without another start."""
    first = folder / hits[0]["name"]
    saved = first.read_bytes()
    address = f"/pictures/{hits[0]['id']}/320"
    first.write_bytes(b"root:x:0:0")
    status, data, _ = server.ask("GET", address)
    check(status == 422 and b"changed" in data and str(folder).encode() not in data, f"a changed file: {status} {data}")
    first.unlink()
    first.symlink_to("/etc/passwd")
    status, data, _ = server.ask("GET", address)
    check(status == 422 and b"root" not in data, f"a link to elsewhere: {status} {data[:80]}")
    first.unlink()
    status, data, _ = server.ask("GET", address)
    check(status == 422 and str(folder).encode() not in data, f"a file that is gone: {status} {data}")
    first.write_bytes(saved)
    check(server.ask("GET", address)[0] == 200, "the file is back")
    (folder / "new").mkdir()
    shutil.copy(ROOT / "Models/examples/cat.jpg", folder / "new/another.jpg")
    with open(folder / "new/another.jpg", "ab") as file:
        file.write(b"\0")
    before = json.loads(server.ask("GET", "/api/index")[1])["pictures"]
    subprocess.run([clip, "index", folder, "-q"], check=True, capture_output=True)
    check(json.loads(server.ask("GET", "/api/index")[1])["pictures"] == before + 1, "what is indexed meanwhile is found")


def typed(browser, selector, text):
    browser.run(f"document.querySelector({selector!r}).focus()")
    for letter in text:
        browser.do("Input.insertText", text=letter)


def shown(browser):
    return browser.run("[...document.querySelectorAll('#hits .name')].map(one => one.textContent)")


def until(browser, script, what, seconds=20):
    end = time.monotonic() + seconds
    while not browser.run(script):
        if time.monotonic() > end:
            return check(False, f"{what}: {browser.run('document.getElementById(`status`).textContent')}")
        time.sleep(0.02)


def settled(browser):
    """Waits until nothing is asked any more."""
    quiet, last = 0, -1
    while quiet < 10:
        count = browser.run("performance.getEntriesByType('resource').length")
        quiet, last = (quiet + 1 if count == last else 0), count
        time.sleep(0.05)


def pressed(browser, key, code):
    for kind in ["keyDown", "keyUp"]:
        text = {"text": key} if kind == "keyDown" and len(key) == 1 else {}
        browser.do("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)
    browser.settle()


def check_browser(server, program, shots, many):
    browser = Browser(program)
    try:
        browser.scheme("light")
        browser.size(1200)
        browser.events.clear()
        browser.do("Page.navigate", url=server.address)
        browser.wait("Page.loadEventFired")
        until(browser, "document.getElementById('status').textContent.includes('read by')", "the page says what it searches")
        typed(browser, "#text", "a dog")
        until(browser, "document.querySelectorAll('#hits li').length > 0", "typing finds")
        until(browser, "location.hash === '#text=a+dog'", "the address has what is asked for")
        settled(browser)
        until(browser, "[...document.querySelectorAll('#hits img')].slice(0, 4).every(one => one.complete && one.naturalWidth > 0)",
              "pictures are shown")
        all_of_them = shown(browser)
        check(any("dog" in name for name in all_of_them[:10]) or many, f"a dog is among the first: {all_of_them[:10]}")
        typed(browser, "#without", "a horse")
        pressed(browser, "Enter", 13)
        until(browser, f"document.querySelectorAll('#hits li').length < {len(all_of_them)} || {str(many).lower()}", "without leaves out")
        check(browser.run("document.querySelector('#terms').textContent") == "without a horse×", "what is left out is shown")
        browser.click("#terms button")
        until(browser, f"document.querySelectorAll('#hits li').length === {len(all_of_them)}", "and taken back")
        browser.run("const range = document.getElementById('threshold'); range.value = 0.15; range.dispatchEvent(new Event('input'))")
        until(browser, "[...document.querySelectorAll('.score')].every(one => parseFloat(one.textContent.replace('−', '-')) >= 0.15)",
              "a threshold holds")
        if shots:
            browser.shoot(shots / "search-1200-light.png")
        # The address brings the same search.
        browser.do("Page.reload")
        until(browser, "document.getElementById('text')?.value === 'a dog' && document.querySelectorAll('#hits li').length > 0",
              "the address brings the search back")
        check(browser.run("document.getElementById('threshold').value") == "0.15", "with its threshold")
        pressed(browser, "Escape", 27)
        until(browser, "document.querySelectorAll('#hits li').length === 0 && !location.hash", "Escape clears")
        browser.run("document.activeElement.blur()")
        pressed(browser, "/", 191)
        check(browser.run("document.activeElement.id === 'text' && document.activeElement.value === ''"), "a slash goes to the text")
        typed(browser, "#text", "an animal")
        until(browser, "document.querySelectorAll('#hits li').length > 3", "typing finds again")
        settled(browser)
        place = "[...document.querySelectorAll('.shot')].indexOf(document.activeElement)"
        pressed(browser, "ArrowDown", 40)
        check(browser.run(place) == 0, "an arrow goes to the first picture")
        pressed(browser, "ArrowRight", 39)
        check(browser.run(place) == 1, "and to the next")
        pressed(browser, "ArrowDown", 40)
        columns = browser.run("getComputedStyle(document.getElementById('hits')).gridTemplateColumns.split(' ').length")
        check(browser.run(place) == 1 + columns, f"and a row down: {browser.run(place)} of {columns} columns")
        pressed(browser, "ArrowUp", 38)
        browser.key("Enter")
        until(browser, "document.getElementById('large').open && document.querySelector('#large img').naturalWidth > 0", "Enter enlarges")
        large = browser.run("document.querySelector('#large p').textContent")
        pressed(browser, "ArrowRight", 39)
        check(browser.run("document.querySelector('#large p').textContent") != large, "an arrow shows the next")
        if shots:
            browser.shoot(shots / "large-1200-light.png")
        pressed(browser, "Escape", 27)
        until(browser, "!document.getElementById('large').open", "Escape closes")
        check(len(shown(browser)) > 3, "and clears nothing")
        name = browser.run("document.activeElement.closest('li').querySelector('.name').textContent")
        pressed(browser, "l", 76)
        until(browser, f"document.querySelector('#hits .name').textContent === {json.dumps(name)} || {str(many).lower()}", "L finds more like it")
        until(browser, "location.hash.startsWith('#like=')", "and the address has it")

        # A picture is dragged in from a folder.
        picture = ROOT / "Models/examples/teapot.png"
        data = {"items": [], "files": [str(picture)], "dragOperationsMask": 1}
        browser.do("Input.dispatchDragEvent", type="dragEnter", x=300, y=300, data=data)
        browser.do("Input.dispatchDragEvent", type="dragOver", x=300, y=300, data=data)
        browser.settle()
        check(browser.run("!document.getElementById('drop').hidden"), "the page says where to drop")
        if shots:
            browser.shoot(shots / "drag-1200-light.png")
        browser.do("Input.dispatchDragEvent", type="drop", x=300, y=300, data=data)
        until(browser, "document.querySelector('#terms')?.textContent === 'teapot.png×'", "what is dropped is looked for")
        check(browser.run("document.getElementById('drop').hidden"), "and the place is hidden again")
        if not many:
            until(browser, "document.querySelector('#hits .name')?.textContent.includes('teapot')", "it finds itself")
        typed(browser, "#text", "a red one")
        until(browser, "location.hash.startsWith('#text=a+red+one')", "words and a picture go together")
        settled(browser)
        browser.do("Input.dispatchDragEvent", type="dragEnter", x=300, y=300, data={**data, "files": [str(ROOT / "README.md")]})
        browser.do("Input.dispatchDragEvent", type="drop", x=300, y=300, data={**data, "files": [str(ROOT / "README.md")]})
        until(browser, "document.getElementById('status').className === 'fault'", "what is no picture is refused")

        if many:
            pressed(browser, "Escape", 27)
            for text in ["a dog on a beach", "city at night"]:
                browser.run("document.getElementById('text').value = ''")
                answered = "performance.getEntriesByType('resource').filter(one => one.name.endsWith('/api/search'))"
                times = []
                for letter in text:
                    browser.run("performance.clearResourceTimings()")
                    start = time.monotonic()
                    typed(browser, "#text", letter)
                    until(browser, f"{answered}.length > 0 && document.querySelectorAll('#hits li').length >= 60", "letters are answered")
                    times.append(time.monotonic() - start)
                times.sort()
                print(f"typing {text!r}: hits shown after p50 {times[len(times) // 2] * 1000:.0f} ms, longest {times[-1] * 1000:.0f} ms; "
                      f"the page says {browser.run('document.getElementById(`status`).textContent')!r}")
            browser.run("scrollTo(0, document.body.scrollHeight)")
            until(browser, "document.querySelectorAll('#hits li').length > 60", "more come at the end")
            browser.run("scrollTo(0, 0)")
        pressed(browser, "Escape", 27)
        typed(browser, "#text", "an animal in the grass")
        until(browser, "document.querySelectorAll('#hits li').length > 3", "typing finds at last")
        typed(browser, "#without", "a car")
        pressed(browser, "Enter", 13)
        time.sleep(1)
        check(not browser.run(OUTLINE), f"outline: {browser.run(OUTLINE)}")
        for scheme in ["light", "dark"]:
            browser.scheme(scheme)
            low = browser.run(CONTRASTS)
            check(not low, f"contrast in {scheme}: {low}")
            for width in WIDTHS:
                browser.size(width)
                wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                check(wide == 0, f"{wide} pixels too wide at {width}")
                if shots:
                    time.sleep(0.5)
                    browser.shoot(shots / f"search-{width}-{scheme}.png")
        for event in browser.events:
            method, values = event.get("method"), event.get("params", {})
            check(method not in ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"], f"console: {json.dumps(values)[:300]}")
            if method == "Network.requestWillBeSent":
                address = values["request"]["url"]
                check(address.startswith((server.address, "blob:", "data:")), f"a request to {address[:200]}")
    finally:
        browser.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default=str(ROOT / "Scripts/examples/search-server/.build/debug/search-server"))
    parser.add_argument("--clip", default=str(ROOT / ".build/debug/clip"))
    parser.add_argument("--folder", type=pathlib.Path, help="an indexed folder, which is left as it is, for the browser alone")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument("--shots", type=pathlib.Path)
    options = parser.parse_args()
    clip = str(pathlib.Path(options.clip).resolve())
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="check-search-server-") as name:
        folder = options.folder or pathlib.Path(name).resolve() / "photos"
        if not options.folder:
            folder.mkdir()
            for picture in sorted((ROOT / "Models/examples").glob("*.[jp][pn]g")):
                shutil.copy2(picture, folder)
            subprocess.run([clip, "index", folder, "-q"], check=True, capture_output=True)
        server = Server(options.server, str(folder), "--port", "0")
        try:
            check_browser(server, options.chromium, options.shots, bool(options.folder))
            if not options.folder:
                check_answers(server, clip, folder)
                hits = server.search(text="a dog")[1]["hits"]
                check_refusals(server, hits)
                check_changes(server, folder, clip, hits)
        finally:
            server.process.send_signal(signal.SIGTERM)
            status = server.process.wait(timeout=30)
            errors = server.process.stderr.read()
        check(status == 0 and not errors, f"the server ends with {status}: {errors[:500]}")
    print(f"{len(failures)} failed" if failures else "all hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
