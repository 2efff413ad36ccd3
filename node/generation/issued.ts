import { writeFileAtomic } from "../lib/atomic.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import type { LaunchedCredential } from "../launch/record.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import { list, object, optional, text, textLike, variableName } from "../lib/shape.ts";
import type { IssuedCredential } from "../protocol.ts";
import type { Manifest } from "./manifest.ts";

const dateTime = textLike(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "an RFC 3339 date-time in UTC");

/** A value that was replaced; it may come back with an earlier generation, and is as old then as it is. */
interface Replaced {
  readonly fingerprint: string;
  readonly rotated: string;
}
interface Remembered extends IssuedCredential {
  /** The last one first. */
  readonly earlier?: readonly Replaced[];
}
/** More than generations are kept. */
const REMEMBERED = 50;

const issuedShape = list(
  object<Remembered>({
    variable: variableName,
    fingerprint: text,
    issued: dateTime,
    rotated: dateTime,
    earlier: optional(list(object<Replaced>({ fingerprint: text, rotated: dateTime }))),
  }),
);

/**
 * The record of a generation that serves: what kept its fingerprint keeps its dates, a value that comes back has the date
 * it had, what is gone is forgotten.
 */
export function nextIssued(
  known: readonly Remembered[],
  served: readonly Pick<IssuedCredential, "variable" | "fingerprint">[],
  now: Date,
): Remembered[] {
  const today = now.toISOString();
  return served.map(({ variable, fingerprint }) => {
    const before = known.find((entry) => entry.variable === variable);
    if (before === undefined) return { variable, fingerprint, issued: today, rotated: today };
    if (before.fingerprint === fingerprint) return before;
    const { earlier = [], issued } = before;
    const replaced = [{ fingerprint: before.fingerprint, rotated: before.rotated }, ...earlier];
    return {
      variable,
      fingerprint,
      issued,
      rotated: earlier.find((one) => one.fingerprint === fingerprint)?.rotated ?? today,
      earlier: replaced.filter((one) => one.fingerprint !== fingerprint).slice(0, REMEMBERED),
    };
  });
}

/** Since when each variable of the gateway has its value; empty before the first confirmed generation. */
export async function readIssued(home: GatewayHome): Promise<readonly IssuedCredential[]> {
  return (await readJsonOrNull(home.issued, issuedShape)) ?? [];
}

/** Whether the generation's gateway token is another one than served before; not so for the first one. */
export async function hasNewToken(
  home: GatewayHome,
  { tokenVariable, tokenFingerprint }: Pick<Manifest, "tokenVariable" | "tokenFingerprint">,
): Promise<boolean> {
  const known = await readIssued(home);
  const before = known.find(({ variable }) => variable === tokenVariable);
  return before !== undefined && before.fingerprint !== tokenFingerprint;
}

/** Notes what the confirmed generation serves with; the caller holds the gateway's lock. Holds fingerprints, no value. */
export async function recordIssued(
  home: GatewayHome,
  manifest: Pick<Manifest, "tokenVariable" | "tokenFingerprint" | "agents">,
  launched: readonly LaunchedCredential[],
  now: Date,
): Promise<readonly IssuedCredential[]> {
  const known = await readIssued(home);
  const served = [
    { variable: manifest.tokenVariable, fingerprint: manifest.tokenFingerprint },
    ...manifest.agents.flatMap(({ credentials }) => credentials),
    // nobody hashed what the node read itself: its reference and version tell one value from another
    ...launched.map(({ variable, reference, version }) => ({
      variable,
      fingerprint: version === null ? reference : `${reference} version ${version}`,
    })),
  ];
  const next = nextIssued(known, served, now);
  if (JSON.stringify(next) !== JSON.stringify(known)) {
    await writeFileAtomic(home.issued, `${JSON.stringify(next)}\n`, { mode: 0o600 });
  }
  return next.map(({ variable, fingerprint, issued, rotated }) => ({ variable, fingerprint, issued, rotated }));
}
