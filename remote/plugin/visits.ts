import { payloadOf } from "../subject.ts";
import { connectTo, runVisit } from "../visit.ts";
import type { Visits } from "./observe.ts";
import type { Inputs } from "./properties.ts";

/** Visits of a real node. */
export function nodeVisits({ connection, programId, subject }: Inputs, signal: AbortSignal): Visits {
  const visit = async <N extends "drift" | "repair">(name: N) => {
    const connected = await connectTo(connection, signal);
    if ("unreachable" in connected) return connected.unreachable;
    try {
      return await runVisit(connected.ssh.client, {
        programId,
        name,
        payload: payloadOf(subject),
        progress: () => undefined,
      });
    } finally {
      connected.ssh.close();
    }
  };
  return { look: () => visit("drift"), repair: () => visit("repair") };
}
