"""OpenAI's own client: a chat answered whole and one streamed. Usage: openai_chat.py BASE_URL TOKENS"""

import json
import sys
import time

from openai import NotFoundError, OpenAI

base, tokens = sys.argv[1], int(sys.argv[2])
client = OpenAI(base_url=base, api_key="none", max_retries=0)
ask = {
    "model": "sample",
    "max_tokens": tokens,
    "messages": [{"role": "user", "content": "tell me"}],
}

whole = client.chat.completions.create(**ask)

words, times, finish = [], [], None
for chunk in client.chat.completions.create(stream=True, **ask):
    choice = chunk.choices[0]
    finish = choice.finish_reason or finish
    if choice.delta.content:
        words.append(choice.delta.content)
        times.append(time.monotonic())

# A caller's mistake comes back as one.
try:
    client.models.retrieve("no-such-model")
    mistake = None
except NotFoundError as error:
    mistake = error.status_code

print(json.dumps({
    "whole": whole.choices[0].message.content,
    "streamed": "".join(words),
    "words": len(words),
    "spread_ms": (times[-1] - times[0]) * 1000,
    "finish": finish,
    "mistake": mistake,
}))
