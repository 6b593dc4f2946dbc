"""The websockets client. Usage: websocket_talk.py URL"""

import asyncio
import json
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def main():
    async with connect(sys.argv[1], subprotocols=["chat"], max_size=None, proxy=None) as socket:
        texts = []
        for number in range(20):
            await socket.send(f"message {number}")
            texts.append(await socket.recv())
        big = os.urandom(3_000_000)
        await socket.send(big)
        same = await socket.recv() == big
        await (await socket.ping())
        await socket.send("bye")
        try:
            await socket.recv()
            closed = None
        except ConnectionClosed as end:
            closed = [end.rcvd.code, end.rcvd.reason]
    print(json.dumps({
        "texts": texts == [f"message {n}" for n in range(20)],
        "big": same,
        "protocol": socket.subprotocol,
        "closed": closed,
    }))


asyncio.run(asyncio.wait_for(main(), 30))
