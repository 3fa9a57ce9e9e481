"""Prints every event that an account may see, once and in order, and goes on where it stopped.

    python3 watch.py [email] [password] [http://localhost:4000]

Needs Python 3.9 and the package websockets, 10 or later. The last cursor is kept in cursor.txt.
"""

import asyncio
import json
import pathlib
import random
import sys
import urllib.error
import urllib.request

import websockets

EMAIL, PASSWORD, ORIGIN = (sys.argv[1:] + ["user@example.com", "tidings-demo", "http://localhost:4000"][len(sys.argv) - 1 :])[:3]
CURSOR = pathlib.Path("cursor.txt")
TOKENS = "accessToken refreshToken"
EVENTS = """subscription ($after: String) {
  projectsUpdated(after: $after) { cursor at kind actor { name } project { key } update { title } comment { body } }
}"""


class SignedOut(Exception):
    """The session has ended: sign in again."""


def ask(query, variables, token=None):
    """The data of a query or mutation. Blocks: call it in a thread."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{ORIGIN}/graphql", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            reply = json.load(response)
    except urllib.error.HTTPError as error:
        reply = json.load(error)
    if reply.get("errors"):
        error = reply["errors"][0]
        code = error["extensions"]["code"]
        if code in ("UNAUTHENTICATED", "REFRESH_TOKEN_REUSED", "INVALID_CREDENTIALS"):
            raise SignedOut(error["message"])
        raise ConnectionError(f"{code}: {error['message']}")
    return reply["data"]


class Session:
    """Tokens, renewed before they are used again."""

    def __init__(self, tokens):
        self.tokens = tokens

    @classmethod
    def open(cls):
        login = "mutation ($input: LoginInput!) { login(input: $input) { %s } }" % TOKENS
        return cls(ask(login, {"input": {"email": EMAIL, "password": PASSWORD}})["login"])

    def renew(self):
        refresh = "mutation ($token: String) { refresh(refreshToken: $token) { %s } }" % TOKENS
        self.tokens = ask(refresh, {"token": self.tokens["refreshToken"]})["refresh"]


async def follow(session, show):
    """One connection, until it is lost."""
    url = ORIGIN.replace("http", "ws", 1) + "/graphql"
    # The library pings every 10 s and closes a connection that does not answer within another 10 s.
    async with websockets.connect(url, subprotocols=["graphql-transport-ws"], ping_interval=10, ping_timeout=10) as socket:

        async def send(message):
            await socket.send(json.dumps(message))

        await send({"type": "connection_init", "payload": {"authorization": f"Bearer {session.tokens['accessToken']}"}})
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "connection_ack":
                after = CURSOR.read_text() if CURSOR.exists() else None
                await send({"id": "1", "type": "subscribe", "payload": {"query": EVENTS, "variables": {"after": after}}})
            elif message["type"] == "ping":
                await send({"type": "pong"})
            elif message["type"] == "next" and message["payload"].get("data"):
                event = message["payload"]["data"]["projectsUpdated"]
                show(event)
                keep(event["cursor"])
            elif message["type"] in ("next", "error", "complete"):
                raise SignedOut(f"The subscription has ended: {message.get('payload')}")


def keep(cursor):
    """Whole or not at all, whenever the program dies."""
    new = CURSOR.with_suffix(".new")
    new.write_text(cursor)
    new.replace(CURSOR)


def show(event):
    text = (event["update"] or {}).get("title") or (event["comment"] or {}).get("body") or ""
    print(event["at"], event["project"]["key"], event["kind"], text, f"({event['actor']['name']})", flush=True)


async def main():
    session = await asyncio.to_thread(Session.open)
    if not CURSOR.exists():
        first = "{ projects(first: 1) { lastCursor } }"
        data = await asyncio.to_thread(ask, first, None, session.tokens["accessToken"])
        keep(data["projects"]["lastCursor"])
    attempt = 0
    while True:
        try:
            if attempt:
                await asyncio.to_thread(session.renew)
            await follow(session, show)
        except websockets.ConnectionClosed as error:
            if error.code == 4401:
                raise SignedOut(error.reason) from error
        except (OSError, websockets.InvalidHandshake, websockets.InvalidMessage, json.JSONDecodeError) as error:
            print(f"Not connected: {error}", file=sys.stderr, flush=True)
        attempt += 1
        await asyncio.sleep(min(0.5 * 2 ** min(attempt, 4), 8) * random.uniform(0.5, 1.5))


try:
    asyncio.run(main())
except SignedOut as error:
    sys.exit(f"Signed out: {error}")
except KeyboardInterrupt:
    pass
