#!/usr/bin/env python3
"""The live page's socket as the device, without a browser: messages that are malformed, truncated, oversized or none, and
connections that are reset at any moment while an attempt is recorded. --messages and --kills say how many."""
import argparse, json, math, os, pathlib, random, socket, struct, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(__file__))
from browser import Served, WebSocket

NUMBERS, HEAD, PER_HAND = 75, 15, 30
START, DISCARD, STOP = 1, 2, 8
ENGAGED = 1
MOST_MB = 24  # that the program may grow by, whatever comes


def fail(text):
    sys.exit(text)


def wait(ready, what, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.01)
    fail(f"{what}: not within {seconds} s")


class Page:
    """One connection: what it is told is kept; a device sends its right hand 90 times per second."""

    def __init__(self, served):
        self.status, self.frame, self.refused, self.ended, self.sequence = {}, None, [], False, 0
        address, key = served.url.removeprefix("http://").split("/?key=")
        self.socket = WebSocket(f"ws://{address}/api/live?key={key}")
        self.hand = {"p": [0.2, 1.0, -0.4], "squeeze": 0, "buttons": 0, "flags": 15}
        self.sending = threading.Event()
        self.lock = threading.Lock()
        threading.Thread(target=self.listen, daemon=True).start()
        threading.Thread(target=self.be_device, daemon=True).start()

    def listen(self):
        message = b""
        try:
            while True:
                first, second = self.socket.take(2)
                size = second & 0x7F
                if size == 126:
                    size = struct.unpack(">H", self.socket.take(2))[0]
                elif size == 127:
                    size = struct.unpack(">Q", self.socket.take(8))[0]
                data = self.socket.take(size)
                kind = first & 0x0F
                if kind == 8:
                    break
                if kind > 2:
                    continue
                if kind:
                    text = kind == 1
                    message = b""
                message += data
                if not first & 0x80:
                    continue
                if text:
                    status = json.loads(message)
                    if "refused" in status:
                        self.refused.append(status["refused"])
                    self.status.update(status)
                else:
                    self.frame = read_frame(message)
        except (OSError, RuntimeError):
            pass
        self.ended = True

    def be_device(self):
        while not self.ended:
            if self.sending.wait(0.2):
                try:
                    self.put()
                except OSError:
                    return
                time.sleep(1 / 90)

    def put(self):
        self.sequence += 1
        n = [0.0] * NUMBERS
        n[0:6] = [1, self.sequence, time.monotonic() * 1000, 0, 0, 15]
        n[6:13] = [0, 1.5, 0, 0, 0, 0, 1]
        for hand in range(2):
            at = HEAD + PER_HAND * hand
            p = self.hand["p"] if hand else [-0.2, 1.0, -0.4]
            n[at:at + 16] = [1, self.hand["flags"], *p, 0, 0, 0, 1, *p, 0, 0, 0, 1]
            if hand:
                n[at + 24], n[at + 27] = self.hand["squeeze"], self.hand["buttons"]
        self.send(2, struct.pack(f"<{NUMBERS}d", *n))

    def send(self, kind, data):
        head = bytes([0x80 | kind])
        size = len(data)
        head += bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size)
        with self.lock:
            self.socket.line.sendall(head + b"\0\0\0\0" + data)  # a mask of zeros

    def go_silent(self):
        """As a headset whose network goes: nothing comes any more, and the socket stays open."""
        self.sending.clear()

    def reset(self):
        """As a browser that is killed: no farewell, and a reset to whoever sends."""
        self.sending.clear()
        self.ended = True
        with self.lock:
            self.socket.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.line.shutdown(socket.SHUT_RD)  # nobody waits for it any more
            self.socket.line.close()

    def close(self):
        self.ended = True
        self.socket.line.close()

    def press(self, button, until, what):
        time.sleep(0.1)  # what is down when the program begins to look is no press
        self.hand["buttons"] = button
        wait(until, what)
        self.hand["buttons"] = 0

    def phase(self):
        return self.status.get("phase", "")

    def pose(self):
        return self.frame["arms"][0][:7]

    def engaged(self):
        return bool(self.frame and self.frame["arms"] and self.frame["arms"][0][8] & ENGAGED)

    def lead(self):
        """Becomes the device once the program looks."""
        self.sending.set()
        wait(lambda: self.status.get("leads"), "the page does not lead")

    def start(self):
        wait(lambda: self.phase() == "ready", "not ready")
        self.press(START, lambda: "recording" in self.phase() or self.engaged(), "the attempt does not start")

    def take_hold(self):
        self.hand["squeeze"] = 0
        time.sleep(0.2)
        self.hand["squeeze"] = 1
        wait(self.engaged, "the clutch does not take hold")


def read_frame(message):
    head = struct.unpack_from("<8I", message)
    bodies, arms = head[4], head[5]
    poses = struct.unpack_from(f"<{7 * bodies}f", message, 32)
    at = 32 + 28 * bodies
    return {"step": head[1], "poses": poses, "arms": [struct.unpack_from("<8fI", message, at + 36 * i) for i in range(arms)]}


def off(a, b):
    return max(abs(x - y) for x, y in zip(a, b))


def memory_mb(served):
    text = pathlib.Path(f"/proc/{served.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def sample(**other):
    n = [0.0] * NUMBERS
    n[0:6] = [1, 5, 0, 0, 0, 15]
    for at in (HEAD, HEAD + PER_HAND):
        n[at:at + 16] = [1, 15, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1]
        n[at + 24] = 1
    for place, value in other.items():
        n[int(place[1:])] = value
    return struct.pack(f"<{NUMBERS}d", *n)


def messages(count):
    """Kind of frame and content, of every sort that is known to be trouble, then at random."""
    nan, inf = math.nan, math.inf
    sound = sample()
    known = [(2, b""), (2, b"x"), (2, sound[:-1]), (2, sound + b"\0"), (2, sample(n0=nan)), (2, sample(n0=2)), (2, sample(n0=inf)),
             (2, struct.pack("<75d", *[nan] * 75)), (2, sample(**{f"n{i}": nan for i in range(1, 75)})), (2, sample(n1=1e300, n17=1e300)),
             (2, b"\xff" * 600), (1, b""), (1, b"{"), (1, b"[]"), (1, b"null"), (1, b"1e999"), (1, b'"' + b"x" * 60000 + b'"'),
             (1, b"[" * 60000), (1, b'{"a":' * 12000), (1, b'{"hello": 3}'), (1, b'{"hello": []}'), (1, b'{"trip": "x"}'), (1, b'{"trip": {}}'),
             (1, b'{"hello": {"name": "' + b"\xc3\xbc" * 3000 + b'"}}'), (1, b'{"trip": 1e999}'), (1, b'{"hello": null, "trip": null}')]
    yield from known
    rng = random.Random(7)
    seeds = [sound, b'{"hello": {"name": "page", "buttons": {"start": "Enter"}}}', b'{"trip": 12.5}', b'{"hello": {"profile": ["x"]}}']
    for _ in range(count):
        content = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(6)):
            at = rng.randrange(len(content) or 1)
            how = rng.randrange(4)
            if how == 0 and content:
                content[at] = rng.randrange(256)
            elif how == 1:
                del content[at:at + rng.randrange(9)]
            elif how == 2:
                content[at:at] = rng.randbytes(rng.randrange(40))
            else:
                content[at:at] = rng.choice([b"[", b"{", b'"', b"\\", b"\0"]) * rng.randrange(3000)
        yield rng.choice((1, 2)), bytes(content)


def check_messages(program, folder, count):
    """Strangers' messages move nothing, and each sender is told one sentence; the leader works on."""
    with Served(program, "teleop", "--task", "stack", "--device", "page", "--demos", "1", "--seed", "2", "--out", "m.h5",
                "--record.max-seconds", "3600", folder=folder) as served:
        leader = Page(served)
        leader.lead()
        leader.start()
        leader.take_hold()
        leader.hand["squeeze"] = 0
        wait(lambda: not leader.engaged(), "the clutch does not let go")
        held, before = leader.pose(), memory_mb(served)
        told, cut = 0, 0
        stranger = Page(served)
        for kind, content in messages(count):
            if stranger.refused or stranger.ended:
                stranger.close()
                stranger = Page(served)
            try:
                stranger.send(kind, content)
            except OSError:
                pass
            if kind == 1 and len(content) > 4096 or kind == 2 and len(content) != 600:
                wait(lambda: stranger.refused or stranger.ended, f"nobody answers {content[:40]!r}")
            told += len(stranger.refused)
            cut += stranger.ended
            for text in stranger.refused:
                if not text or "\n" in text or len(text) > 200:
                    fail(f"{content[:40]!r}: told {text!r}")
            if len(stranger.refused) > 1:
                fail(f"told {len(stranger.refused)} times: {stranger.refused}")
        print(f"{told} told, {cut} cut")
        if told < 20:
            fail("hardly anybody was told")
        # too long for the socket, and floods of what is small and what is large
        stranger.close()
        stranger = Page(served)
        stranger.send(1, b"x" * 100_000)
        wait(lambda: stranger.ended, "an oversized message is taken")
        for content, times in ((b"{}", 6000), (b'{"trip": 1}', 6000), (b"y" * 60_000, 120)):
            flood = Page(served)
            try:
                for _ in range(times):
                    flood.send(1, content)
            except OSError:
                pass
            wait(lambda: flood.refused or flood.ended, "a flood is not answered")
            flood.close()
        # the leader's own: a hand of numbers that are none is a hand out of sight
        leader.take_hold()
        leader.sending.clear()
        time.sleep(0.05)
        held = leader.pose()
        for content in (sample(**{f"n{i}": math.nan for i in range(15, 75)}, n1=leader.sequence + 1),
                        sample(n17=5.0, n47=5.0, n1=leader.sequence + 2), sample(n46=1e300, n1=leader.sequence + 3)):
            leader.send(2, content)
            time.sleep(0.1)
        time.sleep(0.4)
        if leader.engaged() or off(held, leader.pose()) > 0.015:
            fail(f"the arm moved by {off(held, leader.pose())}")
        leader.sequence += 10
        leader.hand["squeeze"] = 0
        leader.sending.set()
        leader.take_hold()
        before_move = leader.pose()
        for _ in range(30):
            leader.hand["p"][1] += 0.002
            time.sleep(0.02)
        wait(lambda: leader.pose()[2] > before_move[2] + 0.03, "the arm does not follow its page any more")
        grown = memory_mb(served) - before
        print(f"memory grew by {grown:.1f} MB")
        if grown > MOST_MB:
            fail(f"the program grew by {grown:.0f} MB")
        leader.press(STOP, lambda: served.process.poll() is not None, "the session does not end")


def check_kills(program, folder, kills):
    """A page that goes dark at any moment of an attempt: the arm holds, the session goes on, and what is recorded is whole."""
    words = (program, "teleop", "--task", "stack", "--device", "page", "--demos", "50", "--seed", "2", "--out", "k.h5", "--record.keep-failed")
    rng = random.Random(3)
    with Served(*words, folder=folder) as served:
        watcher, page = Page(served), None
        for kill in range(kills):
            page = Page(served)
            page.lead()
            if kill % 10 == 0:
                page.start()
            wait(lambda: watcher.frame and watcher.frame["arms"], "nothing is shown")
            held = watcher.pose()
            time.sleep(rng.uniform(0, 0.15))
            if watcher.engaged() or off(held, watcher.pose()) > 1e-6:
                fail(f"kill {kill}: the arm moved without a fresh squeeze")
            page.take_hold()
            end = time.time() + rng.uniform(0, 0.3)
            while time.time() < end:
                page.hand["p"][rng.randrange(3)] += rng.uniform(-0.004, 0.004)
                time.sleep(0.01)
            if kill % 10 == 5:
                page.go_silent()
                time.sleep(2.2)
            else:
                page.reset()
            wait(lambda: not watcher.engaged(), f"kill {kill}: the arm is still held")
            held = watcher.pose()
            time.sleep(0.1)
            if off(held, watcher.pose()) > 1e-6:
                fail(f"kill {kill}: the arm moved with nobody there")
            if kill % 10 == 9 and kill + 1 < kills:
                page = Page(served)
                page.lead()
                page.press(DISCARD, lambda: page.phase() == "ready", "the attempt is not discarded")
                page.close()
        # now the program goes dark too, in the middle of an attempt
        page = Page(served)
        page.lead()
        page.take_hold()
        time.sleep(1.5)
        page.reset()
        served.process.kill()
    with Served(*words, folder=folder) as served:
        again = Page(served)
        again.lead()
        wait(lambda: again.phase() == "ready" and again.frame, "the session does not go on")
        start = again.frame["poses"]
        again.press(STOP, lambda: served.process.poll() is not None, "the session does not end")
    kept = sorted((folder / "k.h5.episodes").glob("attempt_*.h5"))
    if not kept:
        fail("nothing was kept of what was recorded")
    for file in kept:
        verified = subprocess.run([program, "data", "verify", str(file), "--replay", "--json"], capture_output=True, text=True)
        if verified.returncode != 0:
            fail(f"{file.name}: {verified.stdout}{verified.stderr}")
    rows = json.loads(subprocess.run([program, "data", "info", str(kept[-1]), "--json"], capture_output=True, text=True).stdout)
    print(f"{len(kept)} kept, the last with {rows['steps']} rows")
    if rows["steps"] < 20:
        fail("rows that were flushed are lost")
    # an attempt that was cut short is begun again from where it began
    with Served(program, "teleop", "--task", "stack", "--device", "page", "--demos", "50", "--seed", "2", "--out", "fresh.h5", folder=folder) as served:
        fresh = Page(served)
        fresh.lead()
        for _ in range((kills - 1) // 10):
            fresh.start()
            fresh.take_hold()
            fresh.press(DISCARD, lambda: fresh.phase() == "ready", "the attempt is not discarded")
        wait(lambda: fresh.phase() == "ready" and fresh.frame["step"] == 0, "not ready")
        time.sleep(0.3)
        if off(start, fresh.frame["poses"]) > 1e-6:
            fail("the attempt that was cut short is begun from another start")
        fresh.press(STOP, lambda: served.process.poll() is not None, "the session does not end")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--messages", type=int, default=300, help="malformed ones, beside those that are known")
    parser.add_argument("--kills", type=int, default=12, help="of the page while it records")
    parser.add_argument("--only", help="name of one check")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for check, count in ((check_messages, options.messages), (check_kills, options.kills)):
            if options.only in (None, check.__name__):
                check(options.program, folder, count)
                print(f"{check.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
