import { CHALLENGE, statusOf } from "../exchange.ts";
import type { AnswerEvidence, AnswerKind } from "./evidence.ts";

const PLAIN_ON_TLS = /plain HTTP request was sent to (an )?HTTPS port|HTTP request to an HTTPS server/i;
const BAD_GATEWAY: ReadonlySet<number> = new Set([502, 503, 504]);

function kindOf(status: number, text: string): AnswerKind {
  if (status === 0) return "no answer";
  if (status === 101) return text.includes(CHALLENGE) ? "challenge" : "other";
  if (/"type":\s*"proxy_attribution_required"/.test(text)) return "attribution required";
  if (status === 429 || /"type":\s*"rate_limited"/.test(text)) return "rate limited";
  if (status === 400 && PLAIN_ON_TLS.test(text)) return "plain HTTP on an HTTPS port";
  if (status === 200 && /"status":\s*"live"/.test(text)) return "live";
  if (/"ready":\s*(true|false)/.test(text)) {
    if (!/"ready":\s*true/.test(text)) return "not ready";
    // a remote peer is told this one word; its own host sees why (facts: remote-access.md 1)
    return /"(uptimeMs|failing|eventLoop)":/.test(text) ? "ready, as to its own host" : "ready";
  }
  if (status === 401 && /"type":\s*"unauthorized"/.test(text)) return "unauthorized";
  if (BAD_GATEWAY.has(status)) return "bad gateway";
  if (status === 401 || status === 403 || status === 407 || (status >= 300 && status < 400)) return "sign-in";
  return status === 404 ? "not found" : "other";
}

/** Tells what an HTTP answer is, and keeps no more of it. Pure. */
export function answerOf(text: string): AnswerEvidence {
  const status = statusOf(text);
  const server = /^server:\s*([\w./ ()-]{1,40})/im.exec(text.split("\r\n\r\n", 1)[0] ?? "")?.[1];
  return { kind: kindOf(status, text), status, server: server?.trim() ?? null };
}

/** The answer to a token with an empty body: 400 refuses the body and nothing else (facts: openclaw.md 3). Pure. */
export function tokenAnswer(text: string): AnswerEvidence {
  const answer = answerOf(text);
  return answer.status === 400 || answer.status === 200 ? { ...answer, kind: "token accepted" } : answer;
}
