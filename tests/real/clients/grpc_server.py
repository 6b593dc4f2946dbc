"""A gRPC server without generated code: messages are bytes. Usage: grpc_server.py PORT"""

import sys
from concurrent import futures

import grpc


def echo(request, context):
    sent = dict(context.invocation_metadata())
    context.send_initial_metadata((("x-first", sent.get("x-asked", "")),))
    context.set_trailing_metadata((("x-last", "end"), ("x-bytes-bin", b"\x00\xff")))
    return request


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: \u00e4 %")


def slow(request, context):
    while context.is_active():
        context_gone.wait(0.05)
    return request


def count(request, context):
    for number in range(int(request)):
        yield b"%d" % number


def collect(requests, context):
    return b",".join(requests)


def chat(requests, context):
    for request in requests:
        yield b"re: " + request


from threading import Event  # noqa: E402

context_gone = Event()
handlers = {
    "Echo": grpc.unary_unary_rpc_method_handler(echo),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Slow": grpc.unary_unary_rpc_method_handler(slow),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Collect": grpc.stream_unary_rpc_method_handler(collect),
    "Chat": grpc.stream_stream_rpc_method_handler(chat),
}
options = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
server = grpc.server(futures.ThreadPoolExecutor(8), options=options)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Talk", handlers),))
if server.add_insecure_port("127.0.0.1:" + sys.argv[1]) == 0:
    sys.exit("cannot listen")
server.start()
server.wait_for_termination()
