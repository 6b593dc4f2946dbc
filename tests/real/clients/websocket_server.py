"""A WebSocket server that says everything again. Usage: websocket_server.py PORT"""

import asyncio
import sys

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        if message == "bye":
            await socket.close(4001, "as you like")
            return
        await socket.send(message)


async def main():
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), subprotocols=["chat"], max_size=None) as server:
        await server.serve_forever()


asyncio.run(main())
