import { setTimeout as wait } from "node:timers/promises";
import type { Services } from "../platform/services.ts";
import type { Arrival } from "./evidence.ts";

/** An upgrade is logged when its connection closes, which a proxy tells the gateway a moment later. */
const WAIT_MS = 4000;
const STEP_MS = 200;
const SINCE_SECONDS = 120;

/** The vendor's line about a WebSocket that closed before its `connect` frame (OpenClaw 2026.9.6, `src/gateway/server/connection.ts`). */
const CLOSED = /closed before connect conn=\S+ peer=\S+ remote=(\S+) fwd=(.*?) origin=.*? host=(.*?) ua=(\S+) code=/;

const present = (value: string): string | null => (value === "n/a" || value === "" ? null : value);
/** Whoever connects writes these headers: only what an address or a host name can have is passed on. */
const plain = (value: string): string => value.replace(/[^\w.:,[\] -]/g, "?").slice(0, 100);

/** The upgrades of `marks` that a gateway's log tells of. Pure. */
export function arrivalsOf(lines: readonly string[], marks: readonly string[]): Arrival[] {
  return lines.flatMap((line) => {
    const [, remote = "", forwarded = "", host = "", mark = ""] = CLOSED.exec(line) ?? [];
    if (!marks.includes(mark)) return [];
    return [{ mark, remote: plain(remote), forwardedFor: present(plain(forwarded)), host: present(plain(host)) }];
  });
}

/** Reads the unit's log until every mark is there, at most for some seconds. @throws when it can't be read. */
export async function waitForArrivals(
  services: Pick<Services, "log">,
  unit: string,
  marks: readonly string[],
): Promise<readonly Arrival[]> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const found = arrivalsOf(await services.log(unit, SINCE_SECONDS), marks);
    if (marks.every((mark) => found.some((one) => one.mark === mark)) || Date.now() > deadline) return found;
    await wait(STEP_MS);
  }
}
