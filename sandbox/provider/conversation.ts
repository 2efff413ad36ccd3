import { z } from "zod";

/** One request for a model's next step, as far as a scripted answer depends on it. */
export interface Step {
  /** Label of the key that came. */
  readonly key: string;
  /** Names of the tools that the client offers the model. */
  readonly tools: readonly string[];
  /** What the tools that the model called in its last step gave; empty when it called none. */
  readonly results: readonly string[];
}

/** A tool that the model wants to be run. */
export interface ToolCall {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a model does next: a tool call, or undefined for the plain answer. */
export type Script = (step: Step) => ToolCall | undefined;

const words = z.object({ type: z.string(), text: z.string().optional() });
const block = words.extend({ content: z.union([z.string(), z.array(words)]).optional() });
const conversation = z.object({
  tools: z.array(z.object({ name: z.string() })).default([]),
  messages: z.array(z.object({ role: z.string(), content: z.union([z.string(), z.array(block)]) })).default([]),
});

function textOf(content: string | readonly z.output<typeof words>[] | undefined): string {
  return typeof content === "string" ? content : (content ?? []).flatMap(({ text }) => text ?? []).join("\n");
}

/** Source of fact: request and content block shapes of Anthropic's Messages API. */
export function stepOf(body: unknown, key: string): Step {
  const { tools = [], messages = [] } = conversation.safeParse(body).data ?? {};
  const answered = messages.findLastIndex(({ role }) => role === "assistant");
  const since = messages.slice(answered + 1).flatMap(({ content }) => (typeof content === "string" ? [] : content));
  return {
    key,
    tools: tools.map(({ name }) => name),
    results: since.filter(({ type }) => type === "tool_result").map(({ content }) => textOf(content)),
  };
}
