#!/usr/bin/env python3
"""A receiver of Kazashi's tokens in one file, to start from. It needs jwcrypto (Debian: python3-jwcrypto; pip: jwcrypto).

    receiver.py CONFIG --http 8935 --udp 8935    serve on 127.0.0.1 (--address for another one)
    receiver.py --check VECTORS                  run the test vectors; exit 1 when one of them is not answered as it must be

CONFIG is JSON: {"audience": "...", "suite": "nested", "keys": [private JWKs that tokens are sealed for],
"sign": {private JWK that acknowledgements are signed with}, "window": 10,
"kiosks": [{"id": "...", "key": {public JWK}, "disabled": false}]}
In the suite "direct" there are only the kiosks, each with its shared key (an oct JWK).

What you do with an event goes into act(). Keep the pseudonym (sub_id.sub) out of your logs.

Anybody on the network may send anything to it. So nothing reaches a library before its size, its form and its types are
known; one token's trouble ends with that token; and a connection may send MOST_HEAD + MOST_BYTES bytes in SECONDS seconds.
"""
import argparse
import base64
import http.server
import io
import json
import os
import re
import socket
import sqlite3
import sys
import threading
import time

from jwcrypto import jwe, jwk, jws
from jwcrypto.common import JWException

MOST_BYTES = 1452
IP_PKTINFO = 8  # Linux's; Python's module has no name for it
MOST_HEAD = 8192
MOST_CONNECTIONS = 32
SECONDS = 5
LAST_SECOND = 253402300799  # of the year 9999
PERSON = {"presented": ["service_id"], "registered": [], "suspended": [], "removed": [], "attributes-changed": [],
          "replaced": ["previous"]}
KIOSK = {"withdrawn": ["jti"], "presence-ended": ["jti"], "out-of-service": ["cause"], "card-left": []}
OPTIONAL = {"service_id"}
SEALED = re.compile(r"([\w-]+)\.\.([\w-]{16})\.([\w-]+)\.([\w-]{22})", re.ASCII)  # no encrypted key: none is agreed on
SIGNED = re.compile(r"([\w-]+)\.([\w-]*)\.([\w-]*)", re.ASCII)
HEADERS = {"nested": {"alg", "enc", "cty", "kid", "epk"}, "direct": {"alg", "enc", "typ", "kid"},
           "signed": {"alg", "typ", "kid"}}
POINT = {"kty", "crv", "x", "y"}
# Control characters and lone surrogates: nothing in a token is made of them.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Refused(Exception):
    """err: what the profile calls it; sender: (kiosk, jti) once it is certain who sent the token."""

    def __init__(self, err, sender=None):
        super().__init__(err)
        self.err, self.sender = err, sender


def act(claims, kiosk, database):
    """Called once for each new event: replace it. presented: open the session of the patron sub_id.sub;
    withdrawn and presence-ended: close what was opened with that jti.

    It runs inside the transaction that remembers the token: what you write to `database` (sqlite3; no commit) is kept
    together with the token's number, or not at all. When you raise, nothing is remembered or acknowledged, and the kiosk
    tries again. One event is acted on at a time, so be quick: leave long work to a table that another thread empties."""
    print(next(iter(claims["events"])), "from", kiosk["id"], "jti", claims["jti"], flush=True)


def decoded(text):
    """The bytes of base64url: no padding, no other character, no bit left over. Raises ValueError."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != text:
        raise ValueError
    return data


def once(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def is_plain(value, depth=4):
    if type(value) is dict:
        return depth > 0 and all(is_plain(name) and is_plain(member, depth - 1) for name, member in value.items())
    if type(value) is str:
        return not UNPRINTABLE.search(value)
    return type(value) is int and -2**63 <= value < 2**63  # True is an int to Python, but not to type()


def object_in(data):
    """A JSON object as tokens have them: of objects, strings and integers only, each member once. Raises ValueError."""
    if data.count(b"{") + data.count(b"[") > 16:  # before the parser would follow them
        raise ValueError
    value = json.loads(data.decode("utf-8"), object_pairs_hook=once)
    if type(value) is not dict or not is_plain(value):
        raise ValueError
    return value


def header_of(part):
    """A header whose members have the right types; which there are, is asked once the key is known. Raises ValueError."""
    header = object_in(decoded(part))
    if "alg" not in header or any(type(header.get(name, "")) is not str for name in ("alg", "enc", "typ", "cty", "kid")):
        raise ValueError
    if "epk" in header and not (is_strings(header["epk"]) and POINT <= header["epk"].keys()):
        raise ValueError
    return header


def is_strings(value):
    return type(value) is dict and all(type(member) is str for member in value.values())


def is_jti(text):
    try:
        return len(text) == 22 and len(decoded(text)) == 16
    except ValueError:
        return False


def note(problem, last=[0.0]):
    """Says that something went wrong, once a second at most, and never with what: its text may hold a part of the token."""
    if time.monotonic() - last[0] < 1:
        return
    last[0] = time.monotonic()
    try:
        print("failed:", type(problem).__name__, file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody listens


class Receiver:
    def __init__(self, config, replays=":memory:", acts=True):
        if config.get("suite") not in ("nested", "direct"):
            raise SystemExit('CONFIG: "suite" must be "nested" or "direct"')
        for member in ["audience", "kiosks"] + ["keys"] * (config["suite"] == "nested"):
            if not config.get(member):
                raise SystemExit(f'CONFIG: "{member}" is missing')
        self.audience, self.suite, self.acts = config["audience"], config["suite"], acts
        self.window = min(60, max(10, config.get("window", 10)))
        keys = [jwk.JWK(**key) for key in config.get("keys", [])]
        self.keys = {self.name(key): key for key in keys}
        self.sign = jwk.JWK(**config["sign"]) if "sign" in config else None
        self.kiosks = {}
        for kiosk in config["kiosks"]:
            key = jwk.JWK(**kiosk["key"])
            self.kiosks[self.name(key)] = dict(kiosk, key=key)
        self.caught = 0  # tokens that a check should have refused by name, and only an exception did
        self.lock = threading.Lock()
        # The numbers of tokens that were seen outlive a restart, with their answers.
        self.seen = sqlite3.connect(replays, check_same_thread=False, isolation_level=None)
        self.seen.execute("CREATE TABLE IF NOT EXISTS seen (kiosk, jti, until, err, PRIMARY KEY (kiosk, jti))")
        self.seen.execute("CREATE INDEX IF NOT EXISTS seen_until ON seen (until)")

    @staticmethod
    def name(key):
        return key.get("kid") or key.thumbprint()

    def receive(self, token, now=None):
        """Checks, acts, remembers. Returns (kiosk, jti, is_new); raises Refused, or what act() or the database raised:
        then nothing was done."""
        now = int(time.time()) if now is None else now
        try:
            kiosk, claims, event, life = self.check(token, now)
            err = self.check_event(claims, event)
        except Refused:
            raise
        except BaseException as problem:  # a library's panic is no Exception
            self.caught += 1
            note(problem)
            raise Refused("invalid_request") from None
        is_new, err = self.settle(kiosk, claims, event, err, now, life)
        if err:
            raise Refused(err, (kiosk, claims["jti"]))
        return kiosk, claims["jti"], is_new

    def check(self, token, now):
        """The checks in the profile's order, up to the token's number."""
        if len(token) > MOST_BYTES:
            raise Refused("invalid_request")
        try:
            token = token.decode("ascii")
        except UnicodeDecodeError:
            raise Refused("invalid_request") from None
        payload, typ, kiosk = self.open_direct(token) if self.suite == "direct" else self.open_nested(token)
        claims = self.claims(payload)
        if claims["iss"] != kiosk["id"]:
            raise Refused("invalid_issuer")
        sender = (kiosk, claims["jti"])
        if kiosk.get("disabled"):
            raise Refused("access_denied", sender)
        if typ != "secevent+jwt":
            raise Refused("invalid_request", sender)
        if claims["aud"] != self.audience:
            raise Refused("invalid_audience", sender)
        event = next(iter(claims["events"]))
        presented = event == "urn:kazashi:presented"
        ahead, behind = (5, self.window) if presented else (60, 60)
        if not (0 <= claims["iat"] <= LAST_SECOND and 0 <= claims["toe"] <= LAST_SECOND):
            raise Refused("invalid_request", sender)
        if not -ahead <= now - claims["iat"] <= behind:
            raise Refused("stale_iat", sender)
        return kiosk, claims, event, 2 * (5 + self.window) if presented else 35 * 86400

    def settle(self, kiosk, claims, event, err, now, life):
        """Acts on what was not seen before and remembers it, in one transaction: both, or neither. One token at a time,
        so that what is withdrawn is never acted on after its withdrawal. Returns (is_new, err)."""
        with self.lock:
            try:
                self.seen.execute("BEGIN IMMEDIATE")
                self.seen.execute("DELETE FROM seen WHERE until < ?", (now,))
                row = self.seen.execute(
                    "SELECT err FROM seen WHERE kiosk = ? AND jti = ?", (kiosk["id"], claims["jti"])).fetchone()
                if row is None:
                    if err is None and self.acts:
                        act(claims, kiosk, self.seen)
                    self.remember(kiosk, claims["jti"], now + life, err)
                    if event == "urn:kazashi:withdrawn" and err is None:
                        # Should what is withdrawn come later, it was seen.
                        self.remember(kiosk, claims["events"][event]["jti"], now + 150, None)
                self.seen.execute("COMMIT")
            except BaseException:
                if self.seen.in_transaction:
                    self.seen.execute("ROLLBACK")
                raise
        return (True, err) if row is None else (False, row[0])

    def remember(self, kiosk, jti, until, err):
        self.seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", (kiosk["id"], jti, until, err))

    def open_nested(self, token):
        outer, parts = self.sealed(token)
        key = self.keys.get(outer.get("kid"))
        if key is None:
            raise Refused("invalid_key")
        if outer.get("cty") != "JWT":
            raise Refused("invalid_request")
        inner = self.decrypt(token, key, outer, parts, "ECDH-ES").decode("ascii", "replace")
        parts = SIGNED.fullmatch(inner)
        try:
            if not parts:
                raise ValueError
            header, payload, _ = header_of(parts[1]), decoded(parts[2]), decoded(parts[3])
        except ValueError:
            raise Refused("invalid_request") from None
        kiosk = self.kiosks.get(header.get("kid"))
        if kiosk is None:
            raise Refused("invalid_key")
        try:
            claimed = object_in(payload).get("iss")
        except ValueError:
            raise Refused("invalid_request") from None
        if claimed != kiosk["id"]:
            raise Refused("invalid_issuer")
        if header["alg"] != "ES256" or not header.keys() <= HEADERS["signed"]:
            raise Refused("invalid_request")
        try:
            signed = jws.JWS()
            signed.allowed_algs = ["ES256"]  # from here, never from the token (RFC 8725)
            signed.deserialize(inner)
            signed.verify(kiosk["key"])
        except JWException:
            raise Refused("authentication_failed") from None
        return signed.payload, header.get("typ"), kiosk

    def open_direct(self, token):
        header, parts = self.sealed(token)
        kiosk = self.kiosks.get(header.get("kid"))
        if kiosk is None:
            raise Refused("invalid_key")
        return self.decrypt(token, kiosk["key"], header, parts, "dir"), header.get("typ"), kiosk

    @staticmethod
    def sealed(token):
        """The header of a JWE, and its parts. Nothing of it is known to be anybody's."""
        parts = SEALED.fullmatch(token)
        try:
            if not parts:
                raise ValueError
            for part in parts.groups():
                decoded(part)
            return header_of(parts[1]), parts
        except ValueError:
            raise Refused("invalid_request") from None

    def decrypt(self, token, key, header, parts, alg):
        # All that the library will find in the header, and so all that it will do about it.
        if header["alg"] != alg or header.get("enc") != "A256GCM" or not header.keys() <= HEADERS[self.suite]:
            raise Refused("invalid_request")
        if alg == "ECDH-ES":
            self.check_point(header.get("epk"))
        try:
            sealed = jwe.JWE()
            sealed.allowed_algs = [alg, "A256GCM"]
            sealed.deserialize(token, key)
            return sealed.payload
        except (JWException, ValueError, TypeError):
            raise Refused("invalid_key") from None

    @staticmethod
    def check_point(epk):
        """The library makes a key of whatever stands here: a point of P-256 and nothing else."""
        try:
            if epk is None or epk.keys() != POINT:
                raise ValueError
            if (epk["kty"], epk["crv"]) != ("EC", "P-256") or any(len(decoded(epk[name])) != 32 for name in "xy"):
                raise ValueError
        except ValueError:
            raise Refused("invalid_request") from None

    @staticmethod
    def claims(payload):
        try:
            claims = object_in(payload)
        except ValueError:
            raise Refused("invalid_request") from None
        kinds = {"iss": str, "aud": str, "iat": int, "toe": int, "jti": str, "events": dict}
        if any(type(claims.get(name)) is not kind for name, kind in kinds.items()):
            raise Refused("invalid_request")
        if not is_jti(claims["jti"]) or len(claims["events"]) != 1 or "sub" in claims or "exp" in claims:
            raise Refused("invalid_request")
        if not all(map(is_strings, claims["events"].values())) or not is_strings(claims.get("sub_id", {})):
            raise Refused("invalid_request")
        return claims

    @staticmethod
    def check_event(claims, uri):
        name = uri.removeprefix("urn:kazashi:")
        members, subject = claims["events"][uri], claims.get("sub_id")
        allowed = PERSON.get(name, KIOSK.get(name))
        if allowed is None or not uri.startswith("urn:kazashi:"):
            return "invalid_request"
        if not set(allowed) - OPTIONAL <= members.keys() <= set(allowed):
            return "invalid_request"
        if "jti" in members and not is_jti(members["jti"]) or members.get("previous") == "":
            return "invalid_request"
        if name in KIOSK:
            return None if subject is None else "invalid_request"
        good = subject is not None and set(subject) == {"format", "iss", "sub"} and subject["format"] == "iss_sub"
        return None if good and subject["sub"] else "invalid_request"

    def acknowledgement(self, kiosk, jti, err=None):
        """The signed answer: for UDP, and in the header Kazashi-Acknowledgement over plain HTTP."""
        answer = {"iss": self.audience, "aud": kiosk["id"], "iat": int(time.time())}
        if err:
            answer["setErrs"] = {jti: {"err": err, "description": "The token was not accepted."}}
        else:
            answer["ack"] = [jti]
        if self.suite == "nested" and self.sign is None:
            return None  # over TLS the answer itself says who gives it
        if self.suite == "direct":
            header = {"alg": "dir", "enc": "A256GCM", "typ": "kazashi-ack+jwt", "kid": self.name(kiosk["key"])}
            return jwe.JWE(json.dumps(answer), json.dumps(header), recipient=kiosk["key"]).serialize(compact=True)
        token = jws.JWS(json.dumps(answer))
        header = {"alg": "ES256", "typ": "kazashi-ack+jwt", "kid": self.name(self.sign)}
        token.add_signature(self.sign, alg="ES256", protected=json.dumps(header))
        return token.serialize(compact=True)

    def answer(self, token):
        """(HTTP status, err or None, acknowledgement or None). 503: nothing was done, and it may be tried again."""
        try:
            try:
                kiosk, jti, _ = self.receive(token)
                return 202, None, self.acknowledgement(kiosk, jti)
            except Refused as refused:
                # Nobody gets a signed answer who did not prove to be one of the kiosks.
                return 400, refused.err, refused.sender and self.acknowledgement(*refused.sender, refused.err)
        except BaseException as problem:
            note(problem)
            return 503, None, None


class Bounded(io.RawIOBase):
    """What a connection sends, up to a size and a time, however slowly it comes."""

    def __init__(self, connection):
        self.connection, self.left, self.end = connection, MOST_HEAD + MOST_BYTES, time.monotonic() + SECONDS

    def readable(self):
        return True

    def readinto(self, buffer):
        wait = self.end - time.monotonic()
        if wait <= 0:
            raise TimeoutError
        self.connection.settimeout(wait)
        count = self.connection.recv_into(buffer, min(len(buffer), self.left)) if self.left else 0
        self.left -= count
        return count


class Handler(http.server.BaseHTTPRequestHandler):
    """One request a connection, and then it is closed: what stands behind a request is nobody's."""
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "receiver", ""

    def setup(self):
        super().setup()
        self.rfile = io.BufferedReader(Bounded(self.connection))

    def handle(self):
        self.handle_one_request()

    def do_POST(self):
        token = self.token()
        status, err, acknowledgement = (400, "invalid_request", None) if token is None else self.server.answer(token)
        self.reply(status, err, acknowledgement)

    def token(self):
        """The body, where the request is exactly one that carries a token."""
        sizes = [size.strip(" \t") for size in self.headers.get_all("Content-Length", [])]
        kinds = [kind.strip(" \t") for kind in self.headers.get_all("Content-Type", [])]
        if len(sizes) != 1 or not re.fullmatch("[0-9]{1,4}", sizes[0]) or int(sizes[0]) > MOST_BYTES:
            return None
        if kinds != ["application/secevent+jwt"] or "Transfer-Encoding" in self.headers:
            return None
        if self.request_version not in ("HTTP/1.0", "HTTP/1.1"):
            return None
        token = self.rfile.read(int(sizes[0]))
        return token if len(token) == int(sizes[0]) else None

    def reply(self, status, err, acknowledgement=None):
        self.server.was_read(self.connection)
        self.connection.settimeout(SECONDS)
        self.request_version = self.protocol_version  # whatever came, the answer has a status
        body = json.dumps({"err": err, "description": "The token was not accepted."}).encode() if err else b""
        self.send_response(status)
        if err:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Language", "en")
        if acknowledgement:
            self.send_header("Kazashi-Acknowledgement", acknowledgement)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code, message=None, explain=None):
        self.reply(code, "invalid_request")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """At most so many connections at a time: for one more, the one that has been read longest is given up. A request
    takes a few milliseconds to come, so that is hardly a kiosk's."""
    request_queue_size = 128

    def __init__(self, receiver, address, port):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.answer = receiver.answer
        self.slots = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.read, self.lock = {}, threading.Lock()
        super().__init__((address, port), Handler)

    def was_read(self, connection):
        with self.lock:
            return self.read.pop(connection, None)

    def process_request(self, request, client_address):
        if not self.slots.acquire(blocking=False):
            with self.lock:
                oldest = next(iter(self.read), None)
                if oldest is not None:
                    del self.read[oldest]
                    try:
                        oldest.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass  # it went by itself
            self.slots.acquire()
        with self.lock:
            self.read[request] = None
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread to be had
            self.finished(request)
            raise

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.finished(request)

    def shutdown_request(self, request):
        self.was_read(request)  # before its number may be another one's
        super().shutdown_request(request)

    def finished(self, request):
        self.was_read(request)
        self.slots.release()

    def handle_error(self, request, client_address):
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError):  # it hung up
            note(problem)


def serve_http(receiver, address, port):
    server = Server(receiver, address, port)
    print("http", server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def answer_from(level, kind, asked):
    """What a datagram says of the address that it was sent to, as its answer says it (ip(7), ipv6(7))."""
    if level == socket.IPPROTO_IP and kind == IP_PKTINFO:  # struct in_pktinfo: by whatever interface, from that address
        asked = bytes(4) + asked[4:8] + bytes(4)
    return level, kind, asked


def serve_udp(receiver, address, port):
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    # A kiosk hears answers from the address that it asked alone, whatever others this machine has.
    is_told = sys.platform == "linux"
    if is_told and listener.family == socket.AF_INET:
        listener.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    elif is_told:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    listener.bind((address, port))
    print("udp", listener.getsockname()[1], flush=True)

    def loop():
        while True:
            try:
                if is_told:
                    token, asked, _, sender = listener.recvmsg(MOST_BYTES + 1, 256)
                else:
                    token, sender = listener.recvfrom(MOST_BYTES + 1)
                _, _, acknowledgement = receiver.answer(token)
                if acknowledgement and is_told:
                    listener.sendmsg([acknowledgement.encode()], [answer_from(*part) for part in asked], 0, sender)
                elif acknowledgement:
                    listener.sendto(acknowledgement.encode(), sender)
            except OSError as problem:  # such as a sender that no answer can reach
                note(problem)

    threading.Thread(target=loop, daemon=True).start()


def check(folder):
    with open(folder + "/vectors.json", encoding="utf-8") as file:
        vectors = json.load(file)
    receivers, wrong = {}, 0
    for vector in vectors:
        name = vector["config"]
        if name not in receivers:
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                receivers[name] = Receiver(json.load(file), acts=False)  # no session is opened for a vector
        try:
            _, _, is_new = receivers[name].receive(vector["token"].encode(), vector["now"])
            result = "accepted" if is_new else "duplicate"
        except Refused as refused:
            result = refused.err
        if receivers[name].caught:
            receivers[name].caught, result = 0, "an exception"
        if result != vector["expect"]:
            wrong += 1
            print(f"WRONG {vector['name']}: {result}, not {vector['expect']}")
    print(f"{len(vectors)} vectors, {wrong} wrong")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?")
    parser.add_argument("--check", metavar="VECTORS")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--http", type=int, metavar="PORT")
    parser.add_argument("--udp", type=int, metavar="PORT")
    parser.add_argument("--replays", default="replays.sqlite", help="where seen tokens are remembered")
    arguments = parser.parse_args()
    if arguments.check:
        return check(arguments.check)
    if not arguments.config or (arguments.http is None and arguments.udp is None):
        parser.error("give a configuration and --http, --udp or both; or --check")
    os.umask(0o077)
    if os.path.exists(arguments.replays):
        os.chmod(arguments.replays, 0o600)
    with open(arguments.config, encoding="utf-8") as file:
        receiver = Receiver(json.load(file), arguments.replays)
    if arguments.udp is not None and receiver.suite == "nested" and receiver.sign is None:
        parser.error('CONFIG: over UDP only a signed answer counts: "sign" is missing')
    if arguments.http is not None:
        serve_http(receiver, arguments.address, arguments.http)
    if arguments.udp is not None:
        serve_udp(receiver, arguments.address, arguments.udp)
    threading.Event().wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
