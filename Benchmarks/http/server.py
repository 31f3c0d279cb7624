"""A server under measurement, and what drives it: for the scripts beside this file."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ADMIN = "benchmark-admin-token"


def processor(pid):
    """Seconds of processor time that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, name, port, command):
        self.name, self.port, self.command = name, port, command

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
                connection.request("GET", "/health")
                connection.getresponse().read()
                return self
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"{self.name} ended with {self.process.returncode}: {' '.join(self.command)}")
                time.sleep(0.05)
        sys.exit(f"{self.name} does not answer on port {self.port}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def cpu(self):
        return processor(self.process.pid)

    def call(self, connection, method, path, body=None, cookie=None):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {ADMIN}"}
        if cookie:
            headers["Cookie"] = cookie
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        text = response.read()
        return response, json.loads(text) if text else {}

    def counts(self, sale):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        return self.call(connection, "GET", f"/admin/sales/{sale}")[1]

    def open_sale(self, sale, stock):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        response, _ = self.call(connection, "POST", "/admin/sales", {"id": sale, "title": "Phone", "price": 1, "stock": stock})
        assert response.status == 201, response.status

    def links(self, sale, buyers):
        """Lines for the load script: a link and its buyer's cookie each."""

        def some(users):
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            lines = []
            for user in users:
                response, _ = self.call(connection, "POST", "/api/session", {"user": f"user-{user}"})
                cookie = response.headers["Set-Cookie"].split(";")[0]
                response, link = self.call(connection, "POST", f"/api/sales/{sale}/link", {}, cookie)
                assert response.status == 200, (response.status, link)
                lines.append(f"{link['href']}\t{cookie}")
            return lines

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return [line for lines in pool.map(some, [range(k, buyers, 8) for k in range(8)]) for line in lines]


def drive(server, lines, seconds, connections, folder):
    file = folder / "lines"
    file.write_text("\n".join(lines) + "\n")
    before = server.cpu()
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "load.lua", f"http://127.0.0.1:{server.port}"],
        env={**os.environ, "LOAD_FILE": str(file)}, capture_output=True, text=True, check=True).stdout
    result = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", re.search("^RESULT.*", out, re.M).group())}
    result["cpu"] = (server.cpu() - before) / result["requests"] * 1e6
    result["rate"] = result["requests"] / result["us"] * 1e6
    assert result["broken"] == 0, result
    return result
