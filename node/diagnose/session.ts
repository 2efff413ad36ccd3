import { askGateway } from "../lib/gateway-http.ts";
import type { GatewayEndpoint } from "../lib/gateway-http.ts";
import { member } from "../lib/member.ts";
import type { SessionEvidence, TokenAnswer } from "./evidence.ts";

const ANSWER_MS = 5000;
/** Asks for the gateway token and for nothing else; the empty body invokes nothing (facts: openclaw.md 3). */
export const TOKEN_PATH = "/tools/invoke";
const UNAUTHORIZED = 401;
/** What the vendor answers to an empty body once the token is right: the body is refused, nothing more. */
const BODY_REFUSED = 400;

/** Null when nobody answers; `undefined` in `json` when it is no JSON. */
async function get(endpoint: GatewayEndpoint, path: string): Promise<{ readonly json: unknown } | null> {
  try {
    const { body } = await askGateway(endpoint, path, { signal: AbortSignal.timeout(ANSWER_MS) });
    try {
      return { json: JSON.parse(body) as unknown };
    } catch {
      return { json: undefined };
    }
  } catch {
    return null;
  }
}

async function tokenAnswer(endpoint: GatewayEndpoint, token: string): Promise<TokenAnswer> {
  try {
    const { status } = await askGateway(endpoint, TOKEN_PATH, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return tokenAnswerOf(status);
  } catch {
    return "no answer";
  }
}

/** What an HTTP status says of the token that was sent. */
export function tokenAnswerOf(status: number): TokenAnswer {
  if (status === UNAUTHORIZED) return "refused";
  return status === BODY_REFUSED || status === 200 ? "accepted" : "another answer";
}

/** The gateway as a client on the node sees it. A token that can't be a header is refused like a wrong one. */
export async function sessionEvidence(endpoint: GatewayEndpoint, token: string | undefined): Promise<SessionEvidence> {
  const [health, ready, started] = await Promise.all(
    ["/healthz", "/readyz", "/startupz"].map((path) => get(endpoint, path)),
  );
  const version = member(started?.json, "version");
  return {
    healthz: !health ? "no answer" : member(health.json, "status") === "live" ? "live" : "another answer",
    readyz: !ready
      ? "no answer"
      : member(ready.json, "ready") === true
        ? "ready"
        : member(ready.json, "ready") === false
          ? "not ready"
          : "another answer",
    version: typeof version === "string" && /^[\w.-]{1,40}$/.test(version) ? version : null,
    token: token === undefined || token.trim() === "" ? null : await tokenAnswer(endpoint, token),
  };
}
