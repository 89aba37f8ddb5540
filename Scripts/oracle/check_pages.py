#!/usr/bin/env python3
"""Makes every page that clip writes and holds it to what readers need, in a real browser.

    Scripts/.venv/bin/python Scripts/oracle/check_pages.py [--clip .build/release/clip] [--shots FOLDER] [--many 5000]

The pictures are Models/examples, once as they are and once under names that would do harm in careless HTML. Chromium
runs headless and is driven over its DevTools pipe: it clicks, types, and reads the console. Checked on each page: nothing
in the console, no request to elsewhere, no sideways scrolling at 360, 800 and 1600 pixels, nothing that moves while
loading, pictures that open, go on and close by mouse and keyboard, a plan that is ticked, saved and carried out, links inside the page, contrast in light and dark,
names that stay text, an outline and names for screen readers. --many makes one page of so many different pictures and
measures loading, scrolling and memory. --shots keeps screenshots.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTHS = [360, 800, 1600]
HOSTILE = [
    "<script>window.harm=1;alert(1)<∕script>.png",
    "\"><img src=x onerror=\"window.harm=2\">.jpg",
    "' onclick='window.harm=3' x='.png",
    "line\nbreak.png",
    "emoji 😀 café 猫.jpg",
    "a&amp;b&lt;c.png",
    "100%25 %3Cb%3E.png",
    "javascript:window.harm=4.png",
    "turned \u202egpj.png",
    "#fragment?query.png",
    "</bdi></figure><h1>harm.png".replace("/", "∕"),
    "-" * 120 + ".png",
]
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what, flush=True)


class Browser:
    """Chromium behind its DevTools pipe: messages end with NUL bytes."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(prefix="check-pages-")
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        saved = [os.dup(commands), os.dup(answers)]

        def place():
            os.dup2(saved[0], 3, inheritable=True)
            os.dup2(saved[1], 4, inheritable=True)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={self.profile.name}", "about:blank"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in [commands, answers, *saved]:
            os.close(end)
        self.rest, self.number, self.events = b"", 0, []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network", "DOM"]:
            self.do(f"{domain}.enable")

    def close(self):
        try:
            self.send("Browser.close")
        except (OSError, RuntimeError):
            pass
        self.process.wait(timeout=20)
        self.profile.cleanup()

    def send(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.take(answer)

    def do(self, method, **parameters):
        return self.send(method, self.session, **parameters)

    def receive(self):
        while b"\0" not in self.rest:
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise RuntimeError("Chromium is gone")
            self.rest += part
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def take(self, event):
        self.events.append(event)
        # A dialog would stop everything: it is a failure, and closed.
        if event.get("method") == "Page.javascriptDialogOpening":
            self.number += 1
            os.write(self.commands, json.dumps(
                {"id": self.number, "sessionId": self.session, "method": "Page.handleJavaScriptDialog",
                 "params": {"accept": False}}).encode() + b"\0")

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.take(self.receive())

    def run(self, script):
        result = self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description", script))
        return result["result"].get("value")

    def size(self, width, height=900):
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.settle()

    def scheme(self, name):
        self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])
        self.settle()

    def settle(self):
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def load(self, path):
        self.events.clear()
        self.do("Page.navigate", url=pathlib.Path(path).as_uri())
        self.wait("Page.loadEventFired")
        self.settle()

    def key(self, key, code=None, shift=False):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38,
                 "ArrowRight": 39, "ArrowDown": 40}
        for kind in ["keyDown", "keyUp"]:
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.do("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key],
                    modifiers=8 if shift else 0, **text)
        self.settle()

    def click(self, selector, number=0):
        self.run(f"document.querySelectorAll({selector!r})[{number}].scrollIntoView({{block: 'center'}})")
        self.settle()
        x, y = self.run(
            f"(() => {{const box = document.querySelectorAll({selector!r})[{number}].getBoundingClientRect();"
            "return [box.left + box.width / 2, box.top + box.height / 2]})()")
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"]:
            self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def shoot(self, path, whole=False):
        picture = self.do("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(picture["data"]))

    def memory(self):
        """The proportional memory of all its processes, in bytes."""
        total, waiting = 0, [self.process.pid]
        while waiting:
            process = waiting.pop()
            try:
                waiting += [int(child) for thread in os.listdir(f"/proc/{process}/task")
                            for child in open(f"/proc/{process}/task/{thread}/children").read().split()]
                for line in open(f"/proc/{process}/smaps_rollup"):
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
            except OSError:
                pass
        return total


CONTRASTS = """(() => {
  const parts = (colour) => {
    const numbers = colour.match(/[\\d.]+/g).map(Number);
    return numbers.length < 4 ? [...numbers, 1] : numbers;
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || ['SCRIPT', 'STYLE'].includes(element.tagName)) continue;
    let under = element;
    while (under && parts(getComputedStyle(under).backgroundColor)[3] === 0) under = under.parentElement;
    const [a, b] = [getComputedStyle(element).color, getComputedStyle(under ?? document.body).backgroundColor]
      .map((colour) => light(parts(colour))).sort((a, b) => b - a);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(low)];
})()"""

OUTLINE = """(() => {
  const faults = [];
  for (const tag of ['header', 'main', 'footer', 'h1']) {
    if (document.querySelectorAll(tag).length !== 1) faults.push(`not one ${tag}`);
  }
  if (document.documentElement.lang !== 'en') faults.push('no language');
  let last = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3')) {
    const level = Number(heading.tagName[1]);
    if (level > last + 1) faults.push(`h${level} follows h${last}`);
    last = level;
  }
  for (const image of document.querySelectorAll('img')) if (!image.hasAttribute('alt')) faults.push('img without alt');
  for (const control of document.querySelectorAll('a, button')) {
    const name = control.textContent.trim() || control.querySelector('img')?.alt;
    if (!name) faults.push(`${control.className} without a name`);
  }
  return faults;
})()"""


def check_events(browser, page, *folders):
    own = ("data:", *(folder.as_uri() + "/" for folder in folders))
    for event in browser.events:
        method, values = event.get("method"), event.get("params", {})
        check(method != "Page.javascriptDialogOpening", f"{page}: a dialog opened: {values.get('message')}")
        check(method != "Runtime.exceptionThrown", f"{page}: exception {values.get('exceptionDetails')}")
        check(method not in ["Runtime.consoleAPICalled", "Log.entryAdded"], f"{page}: console {json.dumps(values)[:300]}")
        if method == "Network.requestWillBeSent":
            address = values["request"]["url"]
            check(address.startswith(own), f"{page}: request to {address[:200]}")


def check_page(browser, path, hostile, shots):
    page = path.stem
    folder = path.parent
    browser.scheme("light")
    browser.size(800)
    browser.load(path)
    shifts = browser.run("""new Promise(done => { let sum = 0;
        new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
            .observe({type: 'layout-shift', buffered: true});
        setTimeout(() => done(sum), 300); })""")
    check(shifts < 0.01, f"{page}: layout moves by {shifts} while loading")
    for width in WIDTHS:
        browser.size(width)
        wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        check(wide == 0, f"{page}: {wide} pixels too wide at {width}")
    browser.size(800)
    faults = browser.run(OUTLINE)
    check(not faults, f"{page}: {faults}")

    count = browser.run("document.querySelectorAll('.shot').length")
    check(count > 1, f"{page}: {count} pictures")
    for number in range(0, count, 7):
        browser.run(f"document.querySelectorAll('.shot')[{number}].scrollIntoView()")
    broken = browser.run("""(async () => { let broken = 0;
        for (const image of document.querySelectorAll('.shot img')) {
          image.scrollIntoView(); try { await image.decode(); } catch { broken += 1; } }
        return broken; })()""")
    check(broken == 0, f"{page}: {broken} of {count} pictures are not shown")

    # By mouse.
    state = """(() => { const box = document.querySelector('dialog');
        return [box.open, box.querySelector('figcaption').innerText, box.querySelector('img').naturalWidth,
        document.activeElement.className]; })()"""
    browser.run("scrollTo(0, 0)")
    browser.click(".shot")
    whole = browser.run("""new Promise(async done => { const image = document.querySelector('dialog img');
        for (let wait = 0; wait < 100 && !image.src.startsWith('file:'); wait += 1) await new Promise(r => setTimeout(r, 20));
        done([image.src.slice(0, 5), image.className]); })""")
    check(whole == ["file:", ""], f"{page}: the whole picture isn't shown but {whole}")
    browser.settle()
    is_open, first, width, _ = browser.run(state)
    check(is_open and first and width > 0, f"{page}: a click opens no picture")
    if shots:
        browser.shoot(shots / f"{page}-open.png")
    browser.click("dialog .next")
    check(browser.run(state)[1] != first or count == 1, f"{page}: Next shows no other picture")
    browser.click("dialog .previous")
    check(browser.run(state)[1] == first, f"{page}: Previous doesn't go back")
    browser.click("dialog .close")
    is_open, _, _, focus = browser.run(state)
    check(not is_open and focus == "shot", f"{page}: Close leaves the picture open or loses the focus ({focus})")

    # By keyboard, from the top: a focus leaves its place behind.
    check_events(browser, page, folder)
    browser.load(path)
    rows = browser.run("new Set([...document.querySelectorAll('.card')].map(e => e.getBoundingClientRect().top)).size")
    for presses in range(200):
        browser.key("Tab")
        if browser.run("document.activeElement.className") == "shot":
            break
    place = "[...document.querySelectorAll('.shot')].indexOf(document.activeElement)"
    check(browser.run(place) == 0, f"{page}: Tab reaches picture {browser.run(place)}")
    browser.key("ArrowRight")
    check(browser.run(place) == 1, f"{page}: the right arrow goes to {browser.run(place)}")
    browser.key("ArrowLeft")
    browser.key("ArrowDown")
    under = browser.run(place)
    browser.key("ArrowUp")
    check((under > 0 or rows == 1) and browser.run(place) == 0, f"{page}: down and up lead to {under} and {browser.run(place)}")
    browser.key("End")
    check(browser.run(place) == count - 1, f"{page}: End goes to {browser.run(place)}")
    browser.key("Enter")
    check(browser.run(state)[0], f"{page}: Enter opens nothing")
    last = browser.run(state)[1]
    browser.key("ArrowRight")
    check(browser.run(state)[1] != last, f"{page}: the arrow shows no other picture")
    browser.key("ArrowLeft")
    check(browser.run(state)[1] == last, f"{page}: the arrow doesn't go back")
    browser.key("Escape")
    check(not browser.run(state)[0] and browser.run(place) == count - 1, f"{page}: Escape loses the place")

    # Inside the page.
    if browser.run("document.querySelectorAll('nav a').length"):
        browser.size(800, 400)
        browser.run("scrollTo(0, 0)")
        browser.click("nav a", 1)
        top = browser.run("document.getElementById('s1').getBoundingClientRect().top")
        check(browser.run("location.hash") == "#s1" and -1 <= top < 400, f"{page}: the link leads to {top}")
        browser.size(800)

    # What a name could do.
    check(browser.run("window.harm") is None, f"{page}: a name ran as a script")
    tags = set(browser.run("[...new Set([...document.querySelectorAll('*')].map(e => e.tagName))]"))
    known = set("HTML HEAD META TITLE STYLE BODY A HEADER H1 P NAV UL LI MAIN SECTION H2 H3 ARTICLE DIV TABLE THEAD TBODY TR "
                "TH TD SPAN BDI FIGURE FIGCAPTION IMG BUTTON FOOTER DIALOG SCRIPT WBR".split())
    # What a plan is ticked and saved by.
    known |= set("LABEL INPUT CODE OUTPUT".split()) if page.endswith("duplicates") else set()
    check(tags <= known and browser.run("document.scripts.length") == 1, f"{page}: holds {tags - known}")
    check(browser.run("[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !a.name.startsWith('on')))"),
          f"{page}: an element has a handler")
    if hostile:
        text = browser.run("document.body.textContent")
        for name in ["<script>window.harm=1", "onerror=\"window.harm=2\"", "line↵break", "a&amp;b&lt;c", "100%25 %3Cb%3E", "😀"]:
            check(name in text, f"{page}: the name {name} isn't there as it is")

    # Light and dark.
    colours = []
    for scheme in ["light", "dark"]:
        browser.scheme(scheme)
        colours.append(browser.run("getComputedStyle(document.body).backgroundColor"))
        for is_open in [False, True]:
            if is_open:
                browser.click(".shot")
            low = browser.run(CONTRASTS)
            check(not low, f"{page}: low contrast in the {scheme}: {low}")
            if is_open:
                browser.key("Escape")
        if shots:
            browser.run("document.activeElement.blur(); scrollTo(0, 0)")
            for width in [360, 1600]:
                browser.size(width)
                browser.shoot(shots / f"{page}-{scheme}-{width}.png")
            browser.size(800)
    check(colours[0] != colours[1], f"{page}: light and dark are the same")
    check_events(browser, page, folder)
    print(f"{page}: {count} pictures, {path.stat().st_size / 1e3:.0f} kB", flush=True)


def measure(browser, path, pictures, shots):
    """Loads a page of very many pictures and scrolls through it."""
    before = browser.memory()
    browser.scheme("light")
    browser.size(1600)
    start = time.monotonic()
    browser.load(path)
    loaded = time.monotonic() - start
    timing = browser.run("(() => { const t = performance.getEntriesByType('navigation')[0];"
                         "return [t.domContentLoadedEventEnd, t.loadEventEnd]; })()")
    frames = browser.run("""new Promise(done => { const deltas = []; let last = performance.now(), y = 0;
        const step = (now) => { deltas.push(now - last); last = now; y += 60; scrollTo(0, y);
          if (deltas.length < 600) requestAnimationFrame(step); else done(deltas.slice(2)); };
        requestAnimationFrame(step); })""")
    jump = browser.run("""new Promise(done => { const start = performance.now();
        scrollTo(0, document.documentElement.scrollHeight * 0.8);
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start))); })""")
    if shots:
        browser.shoot(shots / "many.png")
    browser.run("document.querySelectorAll('.shot')[0].focus()")
    keys = []
    for key in ["End", "Home", "ArrowDown", "ArrowRight", "Enter", "ArrowRight", "Escape"]:
        start = time.monotonic()
        browser.key(key)
        keys.append(time.monotonic() - start)
    check_events(browser, path.stem, path.parent, pictures)
    frames.sort()
    print(f"{path.stem}: {path.stat().st_size / 1e6:.1f} MB, loaded in {loaded:.2f} s (content {timing[0] / 1e3:.2f}, "
          f"load {timing[1] / 1e3:.2f}); {len(frames)} frames of 60 pixels: median {statistics.median(frames):.1f} ms, "
          f"99 % {frames[int(0.99 * len(frames))]:.1f}, worst {frames[-1]:.1f}; a jump {jump:.0f} ms; slowest key "
          f"{max(keys) * 1e3:.0f} ms; memory {(browser.memory() - before) / 1e6:.0f} MB over {before / 1e6:.0f}", flush=True)


def make_many(folder, count):
    """So many different pictures: windows of the examples, turned in colour."""
    from PIL import Image, ImageOps
    sources = [Image.open(path).convert("RGB").resize((512, 512)) for path in sorted((ROOT / "Models/examples").glob("*.*g"))]
    folder.mkdir()
    for number in range(count):
        source = sources[number % len(sources)]
        left, top = number * 37 % 150, number * 61 % 150
        part = source.crop((left, top, left + 360, top + (270 if number % 3 else 360)))
        if number % 2:
            part = ImageOps.mirror(part)
        hue, saturation, value = part.convert("HSV").split()
        hue = hue.point(lambda level, turn=number * 7 % 256: (level + turn) % 256)
        Image.merge("HSV", (hue, saturation, value)).convert("RGB").save(folder / f"picture {number:05}.jpg", quality=85)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clip", default=str(ROOT / ".build/release/clip"))
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome") or "chromium")
    parser.add_argument("--shots", type=pathlib.Path, help="a folder for screenshots")
    parser.add_argument("--many", type=int, default=0, help="also measure a page of so many pictures")
    parser.add_argument("--many-folder", type=pathlib.Path, help="keep those pictures here, and take them from here")
    options = parser.parse_args()
    clip = str(pathlib.Path(options.clip).resolve())
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
        options.shots = options.shots.resolve()
    with tempfile.TemporaryDirectory(prefix="check-pages-") as name:
        folder = pathlib.Path(name)
        examples = sorted((ROOT / "Models/examples").glob("*.*g"))
        (folder / "photos").mkdir()
        (folder / "hostile").mkdir()
        for path in examples:
            shutil.copy(path, folder / "photos")
        for number, hostile in enumerate(HOSTILE):
            source = next(path for path in examples[number:] + examples if path.suffix == pathlib.Path(hostile).suffix)
            shutil.copy(source, folder / "hostile" / hostile)
        shutil.copy(folder / "hostile" / HOSTILE[3], folder / "hostile" / "copy <b>.png")
        shutil.copy(folder / "photos/cat.jpg", folder / "photos/copy of a cat.jpg")

        def run(page, *arguments):
            target = folder / f"{page}.html"
            result = subprocess.run(
                [clip, *arguments, "--html", target.name], cwd=folder, capture_output=True, text=True)
            check(result.returncode == 0 and target.exists(), f"{page}: clip says {result.stderr.strip()}")
            return target

        for made in ["photos", "hostile"]:
            subprocess.run([clip, "index", made, "-q"], cwd=folder, check=True, capture_output=True)
        harmful = '"><script>window.harm=5</script>'
        labels = write(folder / "labels", f"{harmful}\na <b>bold</b> name\ncat\n")
        pages = [
            (run("search", "search", "a photo of an animal", "--index", "photos", "--top", "12"), False),
            (run("searches", "search", "--index", "photos", "--file", str(write(folder / "q", "a cat\na fruit\n"))), False),
            (run("search-both", "search", "a red fruit", "--image", "photos/peach.png", "--minus", "a person",
                 "--weights", "1,0.5", "--index", "photos", "--html-links"), False),
            (run("clusters", "cluster", "photos", "--count", "4", "--labels", "animal,fruit,vehicle,tool,flower"), False),
            (run("duplicates", "dedupe", "photos", "--threshold", "0.35"), False),
            (run("filter", "filter", "photos", "--keep", "an animal", "--drop", "a fruit", "--show", "all"), False),
            (run("outliers", "outliers", "photos", "--top", "5"), False),
            (run("audit", "audit", "photos", "--labels", "dog|puppy,cat|kitten,fruit,vehicle"), False),
            (run("evaluation", "evaluate", ".", "--template", "{}", "--template", "a drawing of {}"), False),
            (run("hostile-search", "search", harmful, "--minus", harmful, "--index", "hostile", "--top", "50",
                 "--minus-threshold", "0.99"), True),
            (run("hostile-links", "search", "a photo", "--index", "hostile", "--top", "50", "--html-links"), True),
            (run("hostile-clusters", "cluster", "hostile", "--count", "2", "--labels-file", str(labels)), True),
            (run("hostile-duplicates", "dedupe", "hostile", "--threshold", "-1"), True),
            (run("hostile-audit", "audit", "hostile", "--labels-file", str(labels)), False),
        ]
        browser = Browser(options.chromium)
        try:
            for path, is_hostile in pages:
                check_page(browser, path, is_hostile, options.shots)
            check_plan(browser, clip, folder)
            # Broken and gone after indexing: the page still comes, with place holders.
            (folder / "photos/bus.png").unlink()
            (folder / "photos/dog.jpg").write_bytes(b"no picture")
            gone = run("gone", "search", "a bus", "--index", "photos", "--top", "30", "--no-update")
            browser.load(gone)
            check(browser.run("document.querySelectorAll('.missing').length") == 2, "gone: two pictures are missing")
            check_events(browser, "gone", folder)
            if options.many:
                many = options.many_folder or folder / "many"
                if not many.exists():
                    make_many(many, options.many)
                subprocess.run([clip, "index", str(many), "-q"], cwd=folder, check=True, capture_output=True)
                for page, more in [("many", []), ("many-links", ["--html-links"])]:
                    start = time.monotonic()
                    path = run(page, "search", "a photo of a cat", "--index", str(many), "--top", str(options.many), *more)
                    print(f"{page}: made in {time.monotonic() - start:.1f} s")
                    measure(browser, path, many, options.shots)
        finally:
            browser.close()
    print("all pages hold" if not failures else f"{len(failures)} failures")
    return 1 if failures else 0


def check_plan(browser, clip, folder):
    """Ticks boxes of the page with hostile names, saves the plan, and lets clip carry it out and take it back."""
    browser.load(folder / "hostile-duplicates.html")
    saved = folder / "saved"
    saved.mkdir()
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(saved))
    boxes = "[...document.querySelectorAll('.choice input')]"
    count = browser.run(f"{boxes}.length")
    check(browser.run(f"{boxes}.filter((box) => box.checked).length") == count - 1, "plan: all but one are ticked")
    check(browser.run("getComputedStyle(document.querySelector('.plan')).display") == "flex", "plan: its tools are shown")
    browser.run(f"{boxes}[0].click()")
    check(browser.run("document.querySelector('.save').disabled"), "plan: of a group of which nothing stays none is saved")
    # Another is kept now, and a third stays too.
    browser.run(f"{boxes}[2].click()")
    browser.run(f"{boxes}[3].click()")
    check(f"{count - 2} of {count} ticked" in browser.run("document.querySelector('.plan output').textContent"), "plan: counts")
    browser.run("document.querySelector('.save').click()")
    deadline = time.monotonic() + 20
    while not (saved / "plan.jsonl").exists() and time.monotonic() < deadline:
        browser.settle()
    if not (saved / "plan.jsonl").exists():
        check(False, "plan: a click saves it")
        return
    records = [json.loads(line) for line in (saved / "plan.jsonl").read_text().splitlines()]
    check(len(records) == count - 2 and len({record["kept"] for record in records}) == 1, "plan: a record for each that is ticked")
    before = {path.name: path.read_bytes() for path in (folder / "hostile").iterdir()}
    result = subprocess.run(
        [clip, "dedupe", "--apply", "saved/plan.jsonl", "--move-to", "aside"], cwd=folder, capture_output=True, text=True)
    left = {path.name for path in (folder / "hostile").iterdir()} - {".clip-index"}
    check(result.returncode == 0 and len(left) == 2, f"plan: clip carries it out: {result.stderr}")
    result = subprocess.run([clip, "undo", "aside.undo.jsonl"], cwd=folder, capture_output=True, text=True)
    now = {path.name: path.read_bytes() for path in (folder / "hostile").iterdir()}
    check(result.returncode == 0 and now == before, f"plan: clip takes it back: {result.stderr}")


def write(path, text):
    path.write_text(text)
    return path


if __name__ == "__main__":
    sys.exit(main())
