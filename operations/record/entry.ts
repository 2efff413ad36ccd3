import { z } from "zod";
import type { Failure } from "../error.ts";
import type { LedgerLine, StackOutputs } from "../outputs.ts";

const ACTIONS = ["up", "rotate", "repair", "rollback", "destroy"] as const;
export type Action = (typeof ACTIONS)[number];

const side = z.string().nullable();
const credentialChange = z.object({
  track: z.string(),
  /** `GATEWAY`, `GATEWAY/AGENT` or a principal, with the provider of a key. */
  credential: z.string(),
  /** Fingerprints, or what the manager calls the version; null where there is none. */
  before: side,
  after: side,
});
const gatewayChange = z.object({
  node: z.string(),
  gateway: z.string(),
  environment: z.string(),
  generation: z.object({ before: side, after: side }),
  /** As the last confirmation of each said. */
  health: z.object({ before: side, after: side }),
  /** Generation to return to. */
  rollbackPoint: side,
});

/** One line of the change record, without its place in the chain. */
export const entryShape = z.object({
  /** RFC 3339, UTC, by the operator's clock. */
  time: z.string(),
  operator: z.string(),
  stack: z.string(),
  action: z.enum(ACTIONS),
  outcome: z.enum(["done", "unchanged", "failed"]),
  /** What the fleet declares of the change; null without one. */
  change: z
    .object({
      ticket: z.string(),
      window: z.object({ from: z.string(), to: z.string() }),
      blastRadius: z.string(),
      rollbackPoint: z.string(),
    })
    .nullable(),
  gateways: z.array(gatewayChange),
  credentials: z.array(credentialChange),
  /** What the change really reached. */
  blastRadius: z.object({ nodes: z.int(), gateways: z.int(), agents: z.int(), environments: z.array(z.string()) }),
  /** Advisory violations that it went on with; null where no policy was asked. */
  policy: z.object({ advisory: z.array(z.string()) }).nullable(),
  failures: z.array(z.object({ code: z.string(), message: z.string() })),
  /** What the action has to say beyond that. */
  detail: z.unknown().optional(),
});
export type Entry = z.output<typeof entryShape>;

export interface EntryInput {
  readonly time: Date;
  readonly operator: string;
  readonly stack: string;
  readonly action: Action;
  readonly change: Entry["change"];
  /** Null where they could not be read. */
  readonly before: StackOutputs | null;
  readonly after: StackOutputs | null;
  readonly policy: Entry["policy"];
  readonly failures: readonly Failure[];
  readonly detail?: unknown;
}

function credentialName({ principal, provider, gateway, track }: LedgerLine): string {
  if (track === "access") return `${principal} at ${gateway}`;
  return provider === null ? principal : `${principal}, ${provider}`;
}

function credentialsOf(
  outputs: StackOutputs | null,
): ReadonlyMap<string, { track: string; name: string; mark: string | null }> {
  return new Map(
    (outputs?.ledger ?? []).map((line) => {
      const name = credentialName(line);
      return [`${line.track} ${name}`, { track: line.track, name, mark: line.fingerprint ?? line.version }];
    }),
  );
}

function credentialChanges({ before, after }: EntryInput): Entry["credentials"] {
  const [old, now] = [credentialsOf(before), credentialsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => {
    const [was, is] = [old.get(key), now.get(key)];
    const named = is ?? was;
    if (named === undefined || (was !== undefined && is !== undefined && was.mark === is.mark)) return [];
    return [{ track: named.track, credential: named.name, before: was?.mark ?? null, after: is?.mark ?? null }];
  });
}

function gatewaysOf(outputs: StackOutputs | null) {
  return new Map(
    Object.entries(outputs?.nodes ?? {}).flatMap(([node, { gateways }]) =>
      Object.entries(gateways).map(([gateway, found]) => [`${node} ${gateway}`, { node, gateway, ...found }] as const),
    ),
  );
}

function gatewayChanges({ before, after }: EntryInput): {
  readonly changes: Entry["gateways"];
  readonly agents: number;
} {
  const [old, now] = [gatewaysOf(before), gatewaysOf(after)];
  let agents = 0;
  const changes = [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => {
    const [was, is] = [old.get(key), now.get(key)];
    const named = is ?? was;
    if (named === undefined || was?.generation === is?.generation) return [];
    agents += Object.keys(named.agents).length;
    const { node, gateway, environment } = named;
    return [
      {
        node,
        gateway,
        environment,
        generation: { before: was?.generation ?? null, after: is?.generation ?? null },
        health: { before: was?.health ?? null, after: is?.health ?? null },
        rollbackPoint: is?.previousGeneration ?? null,
      },
    ];
  });
  return { changes, agents };
}

/** What one run did, by what the stack said before it and after it; holds fingerprints and no value. */
export function entryOf(input: EntryInput): Entry {
  const { time, operator, stack, action, change, policy, failures, detail } = input;
  const { changes, agents } = gatewayChanges(input);
  const credentials = credentialChanges(input);
  const done = changes.length + credentials.length > 0 || detail !== undefined ? "done" : "unchanged";
  return {
    time: time.toISOString(),
    operator,
    stack,
    action,
    outcome: failures.length > 0 ? "failed" : done,
    change,
    gateways: changes,
    credentials,
    blastRadius: {
      nodes: new Set(changes.map(({ node }) => node)).size,
      gateways: changes.length,
      agents,
      environments: [...new Set(changes.map(({ environment }) => environment))].sort(),
    },
    policy,
    failures: failures.map(({ code, message }) => ({ code, message })),
    ...(detail === undefined ? {} : { detail }),
  };
}
