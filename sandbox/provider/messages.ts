import { randomBytes } from "node:crypto";
import type { ToolCall } from "./conversation.ts";

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

type Block =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: Readonly<Record<string, unknown>>;
    };

function blockOf(call: ToolCall | undefined): { readonly block: Block; readonly stop: "end_turn" | "tool_use" } {
  if (call === undefined) return { block: { type: "text", text: ANSWER }, stop: "end_turn" };
  const id = `toolu_${randomBytes(12).toString("hex")}`;
  return { block: { type: "tool_use", id, name: call.tool, input: call.input }, stop: "tool_use" };
}

/** The whole answer of `POST /v1/messages` in one piece: "pong", or a tool call. */
export function message(model: string, call?: ToolCall): unknown {
  const { block, stop } = blockOf(call);
  return { ...emptyMessage(model), content: [block], stop_reason: stop, usage: USAGE };
}

/** The same answer as server-sent events, in the order that clients of the Messages API rely on. */
export function* messageEvents(model: string, call?: ToolCall): Generator<string> {
  const { block, stop } = blockOf(call);
  yield event({ type: "message_start", message: { ...emptyMessage(model), usage: USAGE } });
  const start = block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };
  yield event({ type: "content_block_start", index: 0, content_block: start });
  const delta =
    block.type === "text"
      ? { type: "text_delta", text: block.text }
      : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
  yield event({ type: "content_block_delta", index: 0, delta });
  yield event({ type: "content_block_stop", index: 0 });
  yield event({
    type: "message_delta",
    delta: { stop_reason: stop, stop_sequence: null },
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
