#!/usr/bin/env python3
"""A receiver of Kazashi's tokens in one file, to start from. It needs jwcrypto (Debian: python3-jwcrypto; pip: jwcrypto).

    receiver.py CONFIG --http 8935 --udp 8935    serve on 127.0.0.1 (--address for another one)
    receiver.py --check VECTORS                  run the test vectors; exit 1 when one of them is not answered as it must be

CONFIG is JSON: {"audience": "...", "suite": "nested", "keys": [private JWKs that tokens are sealed for],
"sign": {private JWK that acknowledgements are signed with}, "window": 10,
"kiosks": [{"id": "...", "key": {public JWK}, "disabled": false}]}
In the suite "direct" there are only the kiosks, each with its shared key (an oct JWK).

What you do with an event goes into act(). Keep the pseudonym (sub_id.sub) out of your logs.
"""
import argparse
import http.server
import json
import socket
import sqlite3
import sys
import threading
import time

from jwcrypto import jwe, jwk, jws
from jwcrypto.common import JWException, base64url_decode

MOST_BYTES = 1452
PERSON = {"presented": ["service_id"], "registered": [], "suspended": [], "removed": [], "attributes-changed": [],
          "replaced": ["previous"]}
KIOSK = {"withdrawn": ["jti"], "presence-ended": ["jti"], "out-of-service": ["cause"], "card-left": []}
OPTIONAL = {"service_id"}


class Refused(Exception):
    """err: what the profile calls it; sender: (kiosk, jti) once it is certain who sent the token."""

    def __init__(self, err, sender=None):
        super().__init__(err)
        self.err, self.sender = err, sender


def act(claims, kiosk):
    """Called once for each new event: replace it. presented: open the session of the patron sub_id.sub;
    withdrawn and presence-ended: close what was opened with that jti."""
    print(next(iter(claims["events"])), "from", kiosk["id"], "jti", claims["jti"], flush=True)


def header_of(compact, parts):
    try:
        pieces = compact.split(".")
        header = json.loads(base64url_decode(pieces[0]))
        if len(pieces) != parts or not isinstance(header, dict):
            raise ValueError
        return header
    except (ValueError, UnicodeDecodeError):
        raise Refused("invalid_request")


class Receiver:
    def __init__(self, config, replays=":memory:"):
        self.audience, self.suite = config["audience"], config["suite"]
        self.window = min(60, max(10, config.get("window", 10)))
        keys = [jwk.JWK(**key) for key in config.get("keys", [])]
        self.keys = {self.name(key): key for key in keys}
        self.sign = jwk.JWK(**config["sign"]) if "sign" in config else None
        self.kiosks = {}
        for kiosk in config["kiosks"]:
            key = jwk.JWK(**kiosk["key"])
            self.kiosks[self.name(key)] = dict(kiosk, key=key)
        self.lock = threading.Lock()
        # The numbers of tokens that were seen outlive a restart, with their answers.
        self.seen = sqlite3.connect(replays, check_same_thread=False, isolation_level=None)
        self.seen.execute("CREATE TABLE IF NOT EXISTS seen (kiosk, jti, until, err, PRIMARY KEY (kiosk, jti))")

    @staticmethod
    def name(key):
        return key.get("kid") or key.thumbprint()

    def receive(self, token, now=None):
        """The checks in the profile's order. Returns (kiosk, jti, is_new); raises Refused."""
        now = int(time.time()) if now is None else now
        if len(token) > MOST_BYTES:
            raise Refused("invalid_request")
        try:
            token = token.decode("ascii")
        except UnicodeDecodeError:
            raise Refused("invalid_request")
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
        if not -ahead <= now - claims["iat"] <= behind:
            raise Refused("invalid_request", sender)
        life = 2 * (5 + self.window) if presented else 35 * 86400
        err = self.check_event(claims, event)
        with self.lock:
            self.seen.execute("DELETE FROM seen WHERE until < ?", (now,))
            row = self.seen.execute("SELECT err FROM seen WHERE kiosk = ? AND jti = ?", (kiosk["id"], claims["jti"])).fetchone()
            if row is None:
                self.remember(kiosk, claims["jti"], now + life, err)
                if event == "urn:kazashi:withdrawn" and err is None:
                    # Should what is withdrawn come later, it was seen.
                    self.remember(kiosk, claims["events"][event]["jti"], now + 150, None)
        if row is not None:
            err = row[0]
        if err:
            raise Refused(err, sender)
        if row is None:
            act(claims, kiosk)
        return kiosk, claims["jti"], row is None

    def remember(self, kiosk, jti, until, err):
        self.seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", (kiosk["id"], jti, until, err))

    def open_nested(self, token):
        outer = header_of(token, 5)
        key = self.keys.get(outer.get("kid"))
        if key is None:
            raise Refused("invalid_key")
        if outer.get("cty") != "JWT":
            raise Refused("invalid_request")
        inner = self.decrypt(token, key, outer, "ECDH-ES").decode("ascii", "replace")
        header = header_of(inner, 3)
        kiosk = self.kiosks.get(header.get("kid"))
        if kiosk is None:
            raise Refused("invalid_key")
        try:
            claimed = json.loads(base64url_decode(inner.split(".")[1]))["iss"]
        except (ValueError, KeyError, TypeError):
            claimed = None
        if claimed != kiosk["id"]:
            raise Refused("invalid_issuer")
        if header.get("alg") != "ES256" or "crit" in header:
            raise Refused("invalid_request")
        try:
            signed = jws.JWS()
            signed.allowed_algs = ["ES256"]  # from here, never from the token (RFC 8725)
            signed.deserialize(inner)
            signed.verify(kiosk["key"])
        except JWException:
            raise Refused("authentication_failed")
        return signed.payload, header.get("typ"), kiosk

    def open_direct(self, token):
        header = header_of(token, 5)
        kiosk = self.kiosks.get(header.get("kid"))
        if kiosk is None:
            raise Refused("invalid_key")
        return self.decrypt(token, kiosk["key"], header, "dir"), header.get("typ"), kiosk

    @staticmethod
    def decrypt(token, key, header, alg):
        if header.get("alg") != alg or header.get("enc") != "A256GCM" or {"zip", "apu", "apv", "crit"} & header.keys():
            raise Refused("invalid_request")
        try:
            sealed = jwe.JWE()
            sealed.allowed_algs = [alg, "A256GCM"]
            sealed.deserialize(token, key)
            return sealed.payload
        except (JWException, ValueError, TypeError):
            raise Refused("invalid_key")

    @staticmethod
    def claims(payload):
        try:
            claims = json.loads(payload)
        except ValueError:
            raise Refused("invalid_request")
        kinds = {"iss": str, "aud": str, "iat": int, "toe": int, "jti": str, "events": dict}
        if not isinstance(claims, dict) or any(type(claims.get(name)) is not kind for name, kind in kinds.items()):
            raise Refused("invalid_request")
        if len(claims["jti"]) != 22 or len(claims["events"]) != 1 or "sub" in claims or "exp" in claims:
            raise Refused("invalid_request")
        return claims

    @staticmethod
    def check_event(claims, uri):
        name = uri.removeprefix("urn:kazashi:")
        members, subject = claims["events"][uri], claims.get("sub_id")
        allowed = PERSON.get(name, KIOSK.get(name))
        if allowed is None or not uri.startswith("urn:kazashi:") or not isinstance(members, dict):
            return "invalid_request"
        if any(type(value) is not str for value in members.values()):
            return "invalid_request"
        if not set(allowed) - OPTIONAL <= members.keys() <= set(allowed):
            return "invalid_request"
        if name in KIOSK:
            return None if subject is None else "invalid_request"
        good = isinstance(subject, dict) and set(subject) == {"format", "iss", "sub"} and subject["format"] == "iss_sub"
        return None if good and subject["sub"] else "invalid_request"

    def acknowledgement(self, kiosk, jti, err=None):
        """The signed answer: for UDP, and in the header Kazashi-Acknowledgement over plain HTTP."""
        answer = {"iss": self.audience, "aud": kiosk["id"], "iat": int(time.time())}
        if err:
            answer["setErrs"] = {jti: {"err": err, "description": "The token was not accepted."}}
        else:
            answer["ack"] = [jti]
        if self.suite == "direct":
            header = {"alg": "dir", "enc": "A256GCM", "typ": "kazashi-ack+jwt", "kid": self.name(kiosk["key"])}
            return jwe.JWE(json.dumps(answer), json.dumps(header), recipient=kiosk["key"]).serialize(compact=True)
        token = jws.JWS(json.dumps(answer))
        header = {"alg": "ES256", "typ": "kazashi-ack+jwt", "kid": self.name(self.sign)}
        token.add_signature(self.sign, alg="ES256", protected=json.dumps(header))
        return token.serialize(compact=True)

    def answer(self, token):
        """(err or None, acknowledgement or None)"""
        try:
            kiosk, jti, _ = self.receive(token)
            return None, self.acknowledgement(kiosk, jti)
        except Refused as refused:
            # Nobody gets a signed answer who did not prove to be one of the kiosks.
            return refused.err, refused.sender and self.acknowledgement(*refused.sender, refused.err)


def serve_http(receiver, address, port):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            size = int(self.headers.get("Content-Length") or 0)
            token = self.rfile.read(min(size, MOST_BYTES + 1))
            if size > MOST_BYTES or self.headers.get("Content-Type") != "application/secevent+jwt":
                self.close_connection = True
                err, acknowledgement = "invalid_request", None
            else:
                err, acknowledgement = receiver.answer(token)
            body = json.dumps({"err": err, "description": "The token was not accepted."}).encode() if err else b""
            self.send_response(400 if err else 202)
            if err:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Language", "en")
            if acknowledgement:
                self.send_header("Kazashi-Acknowledgement", acknowledgement)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer((address, port), Handler)
    print("http", server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def serve_udp(receiver, address, port):
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((address, port))
    print("udp", listener.getsockname()[1], flush=True)

    def loop():
        while True:
            token, sender = listener.recvfrom(MOST_BYTES + 1)
            _, acknowledgement = receiver.answer(token)
            if acknowledgement:
                listener.sendto(acknowledgement.encode(), sender)

    threading.Thread(target=loop, daemon=True).start()


def check(folder):
    with open(folder + "/vectors.json", encoding="utf-8") as file:
        vectors = json.load(file)
    receivers, wrong = {}, 0
    for vector in vectors:
        name = vector["config"]
        if name not in receivers:
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                receivers[name] = Receiver(json.load(file))
        try:
            _, _, is_new = receivers[name].receive(vector["token"].encode(), vector["now"])
            result = "accepted" if is_new else "duplicate"
        except Refused as refused:
            result = refused.err
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
    with open(arguments.config, encoding="utf-8") as file:
        receiver = Receiver(json.load(file), arguments.replays)
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
