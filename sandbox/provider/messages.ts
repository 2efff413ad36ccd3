import { randomBytes } from "node:crypto";

/** What the stand-in says to everything. */
export const ANSWER = "pong";

const USAGE = { input_tokens: 1, output_tokens: 1 } as const;

/** Body of a refused key. Source of fact: the error shape of Anthropic's Messages API. */
export const INVALID_KEY = {
  type: "error",
  error: { type: "authentication_error", message: "invalid x-api-key" },
} as const;

export function invalidRequest(message: string): unknown {
  return { type: "error", error: { type: "invalid_request_error", message } };
}

/** The whole answer of `POST /v1/messages` in one piece. */
export function message(model: string): unknown {
  return { ...emptyMessage(model), content: [{ type: "text", text: ANSWER }], stop_reason: "end_turn", usage: USAGE };
}

/** The same answer as server-sent events, in the order that clients of the Messages API rely on. */
export function* messageEvents(model: string): Generator<string> {
  yield event({ type: "message_start", message: { ...emptyMessage(model), usage: USAGE } });
  yield event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
  yield event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: ANSWER } });
  yield event({ type: "content_block_stop", index: 0 });
  yield event({
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: USAGE.output_tokens },
  });
  yield event({ type: "message_stop" });
}

function emptyMessage(model: string) {
  return {
    id: `msg_${randomBytes(12).toString("hex")}`,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  } as const;
}

function event(data: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
