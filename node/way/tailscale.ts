import { exec } from "../lib/exec.ts";
import { member } from "../lib/member.ts";

const SECONDS = 5;

/** A route of `tailscale serve`, by the part of `serve status --json` that a client meets. */
export interface ServeRoute {
  /** `name:port` of a web route, the port alone of a TCP one. */
  readonly from: string;
  readonly kind: "web" | "tcp";
  /** Where it leads: `http://127.0.0.1:P`, `localhost:P`. */
  readonly to: string;
  /** Held by a process that runs in the foreground, as OpenClaw's managed Serve does; lost when tailscaled restarts. */
  readonly foreground: boolean;
}

/** What `tailscale status --json` says of this machine. */
export interface TailnetSelf {
  /** `Running`, `Stopped`, `NeedsLogin`, … */
  readonly state: string;
  /** Full name without the trailing dot; null before the first login. */
  readonly name: string | null;
  readonly addresses: readonly string[];
  readonly online: boolean | null;
  readonly keyExpired: boolean | null;
  readonly magicDns: boolean | null;
  /** Whether the tailnet gives HTTPS certificates; null when it does not say. */
  readonly certificates: boolean | null;
}

/** `absent`: no binary, so that there is nothing to look at; `no answer`: there is one, and its daemon says nothing. */
export interface TailscaleEvidence {
  readonly binary: "absent" | "no answer" | "answers";
  readonly self: TailnetSelf | null;
  readonly routes: readonly ServeRoute[] | null;
}

export const NO_TAILSCALE: TailscaleEvidence = { binary: "absent", self: null, routes: null };

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const bool = (value: unknown): boolean | null => (typeof value === "boolean" ? value : null);
const word = (value: unknown): string =>
  text(value)
    .replace(/[^\w.:/@-]/g, "?")
    .slice(0, 120);
const entries = (value: unknown): (readonly [string, unknown])[] =>
  typeof value === "object" && value !== null ? Object.entries(value) : [];

/** Parses `tailscale status --json`; null for another document. Pure. */
export function tailnetSelf(json: unknown): TailnetSelf | null {
  const state = member(json, "BackendState");
  if (typeof state !== "string") return null;
  const self = member(json, "Self");
  const addresses = member(self, "TailscaleIPs");
  const domains = member(json, "CertDomains");
  const name = word(member(self, "DNSName")).replace(/\.$/, "");
  return {
    state: word(state),
    name: name === "" ? null : name,
    addresses: Array.isArray(addresses) ? addresses.map(word) : [],
    online: bool(member(self, "Online")),
    // the field is there only while it is true
    keyExpired: self === undefined ? null : member(self, "Expired") === true,
    magicDns: bool(member(json, "CurrentTailnet", "MagicDNSEnabled")),
    certificates: Array.isArray(domains) ? domains.length > 0 : domains === null ? false : null,
  };
}

function routesIn(claim: unknown, foreground: boolean): ServeRoute[] {
  const web = entries(member(claim, "Web")).flatMap(([from, site]) =>
    entries(member(site, "Handlers")).flatMap(([, handler]) => {
      const to = member(handler, "Proxy");
      return typeof to === "string" ? [{ from: word(from), kind: "web" as const, to: word(to), foreground }] : [];
    }),
  );
  const tcp = entries(member(claim, "TCP")).flatMap(([from, port]) => {
    const to = member(port, "TCPForward");
    return typeof to === "string" ? [{ from: word(from), kind: "tcp" as const, to: word(to), foreground }] : [];
  });
  return [...web, ...tcp];
}

/** Parses `tailscale serve status --json`, the foreground claims included, which its text leaves out. Pure. */
export function serveRoutes(json: unknown): ServeRoute[] | null {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return null;
  return [
    ...routesIn(json, false),
    ...entries(member(json, "Foreground")).flatMap(([, claim]) => routesIn(claim, true)),
  ];
}

async function answer(args: readonly string[]): Promise<unknown> {
  const result = await exec(["tailscale", ...args], { timeoutSeconds: SECONDS });
  if (result.status !== 0) return undefined;
  try {
    return JSON.parse(result.stdout) as unknown;
  } catch {
    return undefined;
  }
}

/** Tailscale as this machine has it. Reads only. */
export async function tailscaleEvidence(): Promise<TailscaleEvidence> {
  const found = await exec(["sh", "-c", "command -v tailscale"], { timeoutSeconds: SECONDS });
  if (found.status !== 0) return NO_TAILSCALE;
  const self = tailnetSelf(await answer(["status", "--json"]));
  const routes = serveRoutes(await answer(["serve", "status", "--json"]));
  return { binary: self === null ? "no answer" : "answers", self, routes };
}
