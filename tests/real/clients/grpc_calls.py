"""grpcio's client: unary and all kinds of streams. Usage: grpc_calls.py HOST:PORT calls|dead"""

import json
import queue
import sys

import grpc

options = [("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0)]
channel = grpc.insecure_channel(sys.argv[1], options=options)
unary = lambda name: channel.unary_unary("/test.Talk/" + name)  # noqa: E731


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return [error.code().name, error.details()]
    return None


if sys.argv[2] == "dead":
    print(json.dumps(failure(lambda: unary("Echo")(b"x", timeout=20))))
    sys.exit()

big = bytes(range(256)) * 12_000
answer, call = unary("Echo").with_call(b"hello", metadata=(("x-asked", "yes"),), timeout=20)
first = dict(call.initial_metadata()).get("x-first")
last = dict(call.trailing_metadata())

# Each message is sent only after the answer to the one before has come.
feed = queue.Queue()
talk = channel.stream_stream("/test.Talk/Chat")(iter(feed.get, None), timeout=20)
said = []
for number in range(50):
    feed.put(b"%d" % number)
    said.append(next(talk).decode())
feed.put(None)
rest = list(talk)

print(json.dumps({
    "echo": answer.decode(),
    "first": first,
    "last": last.get("x-last"),
    "binary": last.get("x-bytes-bin") == b"\x00\xff",
    "big": unary("Echo")(big, timeout=20) == big,
    "counted": [int(n) for n in channel.unary_stream("/test.Talk/Count")(b"100", timeout=20)] == list(range(100)),
    "collected": channel.stream_unary("/test.Talk/Collect")(iter([b"a", b"b", b"c"]), timeout=20).decode(),
    "chat": said == ["re: %d" % n for n in range(50)] and rest == [],
    "failed": failure(lambda: unary("Fail")(b"x", timeout=20)),
    "late": failure(lambda: unary("Slow")(b"x", timeout=0.3))[0],
    "unknown": failure(lambda: unary("Nothing")(b"x", timeout=20)),
}))
