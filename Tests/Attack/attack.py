"""Attacks a server that it starts, while polite buyers go on buying, and prints what became of them.

    attack.py SERVER [--attempts N] [--only NAME,NAME]

Exits with 1 if a server died or a buyer was not served.
"""
import argparse
import hashlib
import http.client
import json
import multiprocessing
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HELD = 3000  # connections that an attacker keeps open at once
PATIENCE = 5  # seconds after which a buyer is not served
BUYERS = 4
TOKEN = "the-attackers-token"


def free_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Server:
    """A server in a folder of its own, allowed few descriptors."""

    def __init__(self, binary, *arguments, descriptors=1024, sale=True, stdout=None, stderr=None, setup=None):
        self.folder = tempfile.mkdtemp(prefix="seckill-attack-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.binary = binary
        help_text = subprocess.run([binary, "serve", "--help"], capture_output=True, text=True).stdout
        self.port = unused_port()
        command = [
            binary, "serve", "--port", str(self.port), "--ledger", f"{self.folder}/ledger.sqlite",
            "--rate-limit", "off", "--admin-token", TOKEN,
        ]
        if sale:
            command += ["--sale", json.dumps({
                "id": "tea", "title": "Tea", "price": 1, "stock": 1_000_000, "limitPerUser": 1000,
            })]
        self.operations = self.port
        if "--operations-port" in help_text:
            self.operations = unused_port()
            command += ["--operations-port", str(self.operations)]
        self.log = open(f"{self.folder}/log", "w+")

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
            if setup:
                setup()

        self.process = subprocess.Popen(
            command + list(arguments), stdout=stdout or subprocess.DEVNULL, stderr=stderr or self.log,
            env={**os.environ, "SWIFT_BACKTRACE": "enable=no"}, preexec_fn=limit,
        )
        for _ in range(300):
            if not self.lives or self.get("/ready")[0] == 200:
                break
            time.sleep(0.1)

    @property
    def lives(self):
        return self.process.poll() is None

    def get(self, path, port=None):
        """Status and body of an answer, on the operations port if no other is named; 0 if there is none."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port or self.operations, timeout=PATIENCE)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""

    def seconds(self, port, path):
        """How long a client that has no connection waits for an answer; for ever if it gets none within PATIENCE."""
        start = time.monotonic()
        while time.monotonic() - start < PATIENCE:
            if self.get(path, port)[0] == 200:
                return time.monotonic() - start
            if not self.lives:
                break
        return float("inf")

    def log_lines(self):
        self.log.seek(0)
        return self.log.read().splitlines()

    def stop(self):
        if self.lives:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def unused_port():
    """A port that nobody uses; SECKILL_ATTACK_PORTS=FIRST-LAST says where to look."""
    first, last = (int(text) for text in os.environ.get("SECKILL_ATTACK_PORTS", "20000-29999").split("-"))
    for _ in range(1000):
        port = random.randint(first, last)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise SystemExit("attack: no port is free")


def somewhere(network):
    """An address of this machine."""
    return f"{network}.{random.randint(1, 250)}.{random.randint(1, 250)}"


class Buyer:
    """Buys again and again on one connection, and connects again where the server closed it in between."""

    def __init__(self, port, name):
        self.port, self.name, self.connection = port, name, None
        # What is limited by client is limited by address: buyers have their own.
        self.address = somewhere("127.1")
        self.reconnects = 0
        self.headers = {}
        self.challenged = False

    def request(self, method, path, body=None):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(
                        "127.0.0.1", self.port, timeout=PATIENCE, source_address=(self.address, 0)
                    )
                    self.connection.connect()
                    self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connection.request(method, path, body, self.headers)
                answer = self.connection.getresponse()
                data = answer.read()
                if answer.getheader("Connection") == "close":
                    self.connection = None
                return answer, data
            except (OSError, http.client.HTTPException):
                self.connection = None
                self.reconnects += 1
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)

    def log_in(self):
        answer, _ = self.request("POST", "/api/session", json.dumps({"user": self.name}))
        if answer.status != 204:
            raise RuntimeError(f"login {answer.status}")
        self.headers = {"Cookie": answer.getheader("Set-Cookie").split(";")[0]}

    def link(self):
        body = {}
        if self.challenged:
            answer, data = self.request("POST", "/api/sales/tea/challenge", '{"kind":"work"}')
            if answer.status != 200:
                raise RuntimeError(f"challenge {answer.status}")
            puzzle = json.loads(data)
            number = 0
            while True:
                digest = hashlib.sha256(f"{puzzle['prefix']}{number}".encode()).digest()
                if int.from_bytes(digest[:4], "big") >> (32 - puzzle["bits"]) == 0:
                    break
                number += 1
            body = {"challenge": puzzle["id"], "answer": str(number)}
        answer, data = self.request("POST", "/api/sales/tea/link", json.dumps(body))
        if answer.status != 200:
            raise RuntimeError(f"link {answer.status}")
        return json.loads(data)["href"]

    def buy(self):
        """Seconds that the purchase took, its link not counted."""
        href = self.link()
        start = time.monotonic()
        answer, _ = self.request("POST", href)
        if answer.status != 202:
            raise RuntimeError(f"purchase {answer.status}")
        return time.monotonic() - start


def buying(port, number, challenged, running, results):
    """A process that plays one buyer; as another user now and then, for the limit is 1,000 each."""
    os.nice(-5) if os.geteuid() == 0 else None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    times, failures, users = [], [], 0
    buyer = None
    reconnects = 0
    while running.value:
        try:
            if buyer is None or len(times) % 400 == 399:
                reconnects += buyer.reconnects if buyer else 0
                buyer = Buyer(port, f"buyer-{number}-{users}-{os.getpid()}")
                buyer.challenged = challenged
                users += 1
                buyer.log_in()
            times.append(buyer.buy())
        except (OSError, http.client.HTTPException, RuntimeError, ValueError) as failure:
            failures.append(f"{type(failure).__name__} {failure}")
            buyer = None
            time.sleep(0.1)
        time.sleep(0.02)
    results.put((times, failures, reconnects + (buyer.reconnects if buyer else 0)))


class Buyers:
    def __init__(self, port, challenged=False):
        self.running = multiprocessing.Value("b", 1)
        self.results = multiprocessing.Queue()
        self.processes = [
            multiprocessing.Process(target=buying, args=(port, n, challenged, self.running, self.results))
            for n in range(BUYERS)
        ]
        for process in self.processes:
            process.start()

    def stop(self):
        self.running.value = 0
        results = [self.results.get(timeout=60) for _ in self.processes]
        for process in self.processes:
            process.join()
        times = sorted(time for result in results for time in result[0])
        return times, [failure for result in results for failure in result[1]], sum(result[2] for result in results)


# ---- Floods of connections


def flood(port, attempts, hold, say, seconds):
    """Opens `attempts` connections, at most `hold` at once, sends what `say(n)` returns on each and reads nothing.
    A connection that the server closes makes room for the next; so does the oldest after all are open for a while.
    How many were opened, and how many of them the server closed or did not take."""
    poll = select.epoll()
    open_sockets = {}
    opened = closed = 0
    end = time.monotonic() + seconds
    last_turnover = time.monotonic()

    def drop(number):
        sock = open_sockets.pop(number, None)
        if sock:
            sock.close()

    while opened < attempts and time.monotonic() < end:
        burst = 0
        while len(open_sockets) < hold and opened < attempts and burst < 100:
            burst += 1
            sock = socket.socket()
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            # A source address has some 28,000 ports.
            sock.bind((somewhere("127.2"), 0))
            sock.connect_ex(("127.0.0.1", port))
            open_sockets[sock.fileno()] = sock
            poll.register(sock.fileno(), select.EPOLLOUT | select.EPOLLRDHUP)
            opened += 1
        for number, event in poll.poll(0.01):
            sock = open_sockets.get(number)
            if sock is None:
                continue
            if event & (select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP):
                closed += 1
                drop(number)
                continue
            try:
                data = say(opened)
                if data:
                    sock.send(data)
                poll.modify(number, select.EPOLLRDHUP)
            except OSError:
                closed += 1
                drop(number)
        if len(open_sockets) >= hold and time.monotonic() - last_turnover > 0.25:
            # Nobody closes them: then they go by themselves, so that all attempts are made.
            last_turnover = time.monotonic()
            for number in list(open_sockets)[:hold // 4]:
                drop(number)
    for number in list(open_sockets):
        drop(number)
    poll.close()
    return opened, closed


def silent(_):
    return b""


def half(n):
    return [
        b"G", b"GET /api/sales HTTP/1.1\r\nHost: a\r\n",
        b"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{",
    ][n % 3]


def stream(_):
    return b"GET /api/sales/tea/events HTTP/1.1\r\nHost: a\r\n\r\n"


def deaf(_):
    return b"GET /sales/tea HTTP/1.1\r\nHost: a\r\n\r\n" * 40


def mixed(n):
    return [silent, half, stream, deaf][n % 4](n)


# ---- Floods of requests


def requests(port, seconds, connections, data, counts_answers=False):
    """Sends `data` again and again on so many connections, and reads what comes. How often it was sent whole."""
    end = time.monotonic() + seconds
    poll = select.epoll()
    sockets, left = {}, {}
    sent = 0

    def connect():
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((somewhere("127.3"), 0))
        sock.connect_ex(("127.0.0.1", port))
        sockets[sock.fileno()] = sock
        left[sock.fileno()] = memoryview(data(sent))
        poll.register(sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    for _ in range(connections):
        connect()
    while time.monotonic() < end:
        for number, event in poll.poll(0.01):
            sock = sockets[number]
            try:
                if event & (select.EPOLLERR | select.EPOLLHUP):
                    raise OSError
                if event & select.EPOLLIN:
                    if not sock.recv(1 << 16):
                        raise OSError
                    if not left[number] and counts_answers:
                        left[number] = memoryview(data(sent))
                        poll.modify(number, select.EPOLLIN | select.EPOLLOUT)
                if event & select.EPOLLOUT and left[number]:
                    left[number] = left[number][sock.send(left[number]):]
                    if not left[number]:
                        sent += 1
                        if counts_answers:
                            poll.modify(number, select.EPOLLIN)
                        else:
                            left[number] = memoryview(data(sent))
            except BlockingIOError:
                pass
            except OSError:
                sock.close()
                del sockets[number], left[number]
                connect()
    for sock in sockets.values():
        sock.close()
    return sent, 0


def post(path, body, cookie=""):
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    if cookie:
        head += f"Cookie: {cookie}\r\n"
    return (head + "\r\n").encode() + body


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def pipelined(port, seconds):
    data = (get("/sales/tea") * 3 + get("/assets/none") + get("/api/sales")) * 130
    return requests(port, seconds, 500, lambda _: data)


def escapes(port, seconds):
    body = b'{"user":"' + b"\\u0041" * 2700 + b'"}'
    return requests(port, seconds, 32, lambda _: post("/api/session", body), counts_answers=True)


def logins(port, seconds):
    return requests(
        port, seconds, 32, lambda n: post("/api/session", b'{"user":"flood-%d"}' % (n if n % 2 else 0)),
        counts_answers=True,
    )


def challenges(port, seconds):
    cookies = []
    for n in range(50):
        robot = Buyer(port, f"robot-{n}")
        try:
            robot.log_in()
            cookies.append(robot.headers["Cookie"])
        except RuntimeError:
            break
    body = b'{"kind":"captcha"}'
    return requests(
        port, seconds, 32,
        lambda n: post("/api/sales/tea/challenge", body, cookies[n % len(cookies)] if cookies else ""),
        counts_answers=True,
    )


def probes(port, seconds):
    return requests(port, seconds, 32, lambda n: get(["/metrics", "/ready", "/api/sales"][n % 3]), counts_answers=True)


# ---- The report


class Report:
    def __init__(self):
        self.failed = False
        print(f"{'attack':<22}{'server':<7}{'attempts':>9}{'closed':>8}{'bought':>7}{'p50 ms':>8}{'p99 ms':>8}"
              f"{'max ms':>8}{'failed':>7}{'again':>7}{'new ms':>8}{'ops ms':>8}{'back s':>8}")

    def attack(self, name, server, attack, challenged=False):
        buyers = Buyers(server.port, challenged)
        time.sleep(0.5)
        with multiprocessing.Pool(1) as pool:
            running = pool.apply_async(attack)
            newcomer = operator = 0
            while not running.ready():
                # On a connection of their own each time.
                newcomer = max(newcomer, server.seconds(server.port, "/api/sales/tea"))
                operator = max(operator, server.seconds(server.operations, "/health"))
                running.wait(0.2)
                if not server.lives:
                    break
            attempts, closed = running.get(120) if server.lives else (0, 0)
        start = time.monotonic()
        back = float("inf")
        while time.monotonic() - start < 30 and server.lives:
            began = time.monotonic()
            try:
                Buyer(server.port, f"after-{name}").log_in()
            except (OSError, http.client.HTTPException, RuntimeError):
                time.sleep(0.05)
                continue
            if time.monotonic() - began < 0.1:
                back = time.monotonic() - start
                break
        time.sleep(0.5)
        times, failures, reconnects = buyers.stop()
        lives = server.lives

        def at(share):
            return f"{times[min(len(times) - 1, int(len(times) * share))] * 1000:.1f}" if times else "-"

        print(f"{name:<22}{'lives' if lives else 'DIED':<7}{attempts:>9}{closed:>8}{len(times):>7}{at(0.5):>8}{at(0.99):>8}"
              f"{at(1):>8}{len(failures):>7}{reconnects:>7}{newcomer * 1000:>8.0f}{operator * 1000:>8.0f}{back:>8.1f}", flush=True)
        if failures:
            print(f"    {failures[0]}")
        if not lives or failures or not times or float("inf") in (back, newcomer, operator):
            self.failed = True

    def say(self, name, is_right, text):
        print(f"{name:<22}{'lives' if is_right else 'FAILS':<7}{text}", flush=True)
        if not is_right:
            self.failed = True


def streams(report, binary):
    """Standard output and error that are closed, full or without a reader."""
    reading, writing = os.pipe()
    os.close(reading)
    full = open("/dev/full", "w")
    cases = {
        "stdout full": dict(stdout=full), "stderr full": dict(stderr=full),
        "stdout closed": dict(setup=lambda: os.close(1)), "stderr closed": dict(setup=lambda: os.close(2)),
        "all closed": dict(setup=lambda: os.closerange(0, 3)),
        "no reader": dict(stdout=writing, stderr=writing),
    }
    for name, case in cases.items():
        server = Server(binary, **case)
        lives, (status, _) = server.lives, server.get("/health")
        if status == 200:
            Buyer(server.port, "alice").log_in()
        server.stop()
        report.say(name, lives and status == 200 and server.process.returncode == 0, f"ends with {server.process.returncode}")


def outage(report, binary):
    """4,000 requests while Redis is away: how many lines are logged."""
    redis_server = shutil.which("redis-server")
    if not redis_server:
        return print("outage                no redis-server on this machine: left out")
    folder = tempfile.mkdtemp(prefix="seckill-attack-")
    redis = subprocess.Popen(
        [redis_server, "--port", "0", "--unixsocket", f"{folder}/redis", "--dir", folder, "--save", "",
         "--maxmemory-policy", "noeviction", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    server = None
    try:
        for _ in range(100):
            if os.path.exists(f"{folder}/redis"):
                break
            time.sleep(0.05)
        server = Server(binary, "--redis", f"unix://{folder}/redis")
        buyer = Buyer(server.port, "alice")
        buyer.log_in()
        href = buyer.link()
        before = len(server.log_lines())
        redis.kill()
        redis.wait()
        statuses = {}
        for n in range(4000):
            answer, _ = buyer.request(*[("POST", href), ("POST", "/api/sales/tea/link", "{}"), ("GET", "/api/orders")][n % 3])
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
        lines = len(server.log_lines()) - before
        report.say("outage", server.lives and lines < 100, f"{lines} log lines for 4000 requests, answered {statuses}")
    finally:
        if server:
            server.stop()
        if redis.poll() is None:
            redis.kill()
            redis.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--attempts", type=int, default=100_000, help="connections in all")
    parser.add_argument("--seconds", type=int, default=8, help="how long each flood of requests lasts")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    only = {name for name in arguments.only.split(",") if name}
    descriptors = free_descriptors()
    hold = min(HELD, descriptors // 4)
    report = Report()

    def server_and(attacks, *options, challenged=False):
        attacks = {name: attack for name, attack in attacks.items() if not only or name in only}
        server = None
        for name, attack in attacks.items():
            if server is None or not server.lives:
                if server:
                    server.stop()
                server = Server(arguments.server, *options)
            report.attack(name, server, attack(server.port), challenged)
        if server:
            closed = re.findall(
                r'seckill_connections_closed_total\{listener="public",reason="(\w+)"\} (\d+)', server.get("/metrics")[1]
            )
            counts = ", ".join(f"{count} {reason}" for reason, count in closed)
            print(f"    {len(server.log_lines())} log lines" + (f"; closed by the server: {counts}" if counts else ""))
            server.stop()

    def flooding(say):
        share = arguments.attempts // 5
        return lambda port: Flood(port, share, hold, say, 60)

    def asking(function):
        return lambda port: Ask(function, port, arguments.seconds)

    server_and({
        "nothing": lambda port: Ask(rest, port, 3),
        "silent": flooding(silent), "half-sent": flooding(half), "event-streams": flooding(stream),
        "deaf": flooding(deaf), "mixed": flooding(mixed),
        "pipelined": asking(pipelined), "escapes": asking(escapes), "probes": asking(probes), "logins": asking(logins),
    })
    server_and({"challenges": asking(challenges)}, "--captcha", "on", "--work-bits", "4", challenged=True)
    if not only or "streams" in only:
        streams(report, arguments.server)
    if not only or "outage" in only:
        outage(report, arguments.server)
    sys.exit(1 if report.failed else 0)


def rest(_, seconds):
    time.sleep(seconds)
    return 0, 0


class Flood:
    """A flood that another process can run."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __call__(self):
        return flood(*self.arguments)


class Ask:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __call__(self):
        return self.function(*self.arguments)


if __name__ == "__main__":
    main()
