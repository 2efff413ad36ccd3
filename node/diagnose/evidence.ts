import type { Author } from "./author.ts";
import type { BootFacts, Platform } from "../platform/index.ts";
import type { UnitEvidence } from "../platform/services.ts";

/**
 * What one look at one gateway found, as plain JSON without any secret. `null` always means "could not be found out",
 * never "fine": the verdict treats it as a missing value.
 */

/** What the operator's side says should be there. */
export interface DiagnosePayload {
  /** Of the machine that was provisioned. */
  readonly machineId: string;
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly port: number;
  readonly unit: string;
  /** Agents whose provider track is looked at. */
  readonly agents: readonly string[];
  /** How far back the unit's log is read. */
  readonly sinceSeconds: number;
  /** User that logs in to the node for this look. */
  readonly operator: string;
}

/** How a variable of one source relates to the value that was delivered. `set`: there is a value, but nothing to compare with. */
export type SourceState = "same" | "different" | "empty" | "missing" | "set";

/** Where a variable can come from; the process is what counts. */
export interface VariableSources {
  /** `gateway.systemd.env`, as it is on disk now. */
  readonly environmentFile: SourceState;
  /** Another `EnvironmentFile=` of the unit or a drop-in: it wins over the declared one. */
  readonly otherFile: SourceState;
  /** `Environment=` of the unit and its drop-ins. */
  readonly unit: SourceState;
  /** The user manager's own environment (`environment.d`, `set-environment`). */
  readonly manager: SourceState;
  /** `.env` of the state directory. */
  readonly dotenv: SourceState;
  /** The main process; null when there is none or it can't be read. */
  readonly process: SourceState | null;
}

export interface VariableEvidence {
  readonly variable: string;
  /** What holds it: `sources.environmentFile` is about this one. */
  readonly carrier: "environment file" | "key file";
  readonly track: "gateway" | "provider";
  /** Null for the gateway token. */
  readonly agent: string | null;
  readonly provider: string | null;
  /** Of the live generation; null where the node reads the value itself. */
  readonly fingerprint: string | null;
  /** Of what the process has: first and last four characters, where that is safe; null when it has nothing. */
  readonly masked: string | null;
  /** The variable whose delivered value it is instead of its own; null where it is not another one's. */
  readonly valueOf: string | null;
  /** What the unit puts before the declared file: another file's path, or `UnsetEnvironment=`; null when nothing. */
  readonly overriddenBy: string | null;
  readonly sources: VariableSources;
}

/** A provider key of no agent: any agent without an explicit order could use it. */
export interface AmbientKey {
  readonly variable: string;
  readonly where: "process" | "unit" | "environmentFile" | "otherFile" | "dotenv" | "manager";
}

export type { UnitEvidence };

export interface FileEvidence {
  readonly path: string;
  /** In words, empty when it is as declared. */
  readonly problems: readonly string[];
  readonly modified: string | null;
  /** Modified after the running process started; null when one of the two is unknown. */
  readonly newerThanProcess: boolean | null;
}

export interface EditEvidence {
  /** `configuration`, `environment file`, `unit`, `launcher`, … */
  readonly what: string;
  /** False for a rewrite that says the same. */
  readonly changed: boolean;
  readonly likely: Author;
}

/** What `gateway.auth.token` of the configuration is; a value in it beats every variable. */
export type ConfigToken =
  | { readonly kind: "reference"; readonly to: string }
  | { readonly kind: "value"; readonly state: SourceState; readonly masked: string }
  | { readonly kind: "missing" };

export interface GenerationEvidence {
  /** Null when no generation is live. */
  readonly live: string | null;
  /** All of its files are there. */
  readonly complete: boolean;
  /** Which live files are not as it wrote them. */
  readonly edits: readonly EditEvidence[];
  /** A switch that nobody has confirmed is under way. */
  readonly unconfirmedSwitch: boolean;
}

export interface VendorEnd {
  /** Exit status; null when it did not end by itself in time. */
  readonly status: number | null;
  readonly seconds: number;
}

export interface GatewayStatusEvidence extends VendorEnd {
  readonly rpcOk: boolean | null;
  /** `AUTH_TOKEN_MISMATCH`, `unreachable`, …; empty when the session is possible. */
  readonly failure: string;
  readonly error: string;
  /** Whether it looks for the kind of unit that ours is: if not, `loaded` and `auditIssues` say nothing about it. */
  readonly seesService: boolean;
  readonly loaded: boolean | null;
  readonly auditIssues: readonly string[] | null;
  readonly portStatus: string | null;
  readonly extraServices: number | null;
}

export interface ConfigEvidence extends VendorEnd {
  /** `the generation`: the live file is, byte for byte, the one that this runtime validated before it went live. */
  readonly by: "openclaw config validate" | "the generation";
  readonly valid: boolean | null;
  readonly issues: readonly string[];
}

export interface UnusableProfile {
  readonly profile: string;
  /** `cooldown`, `disabled`, … */
  readonly kind: string;
  /** `auth`, `rate_limit`, `billing`, … */
  readonly reason: string;
  /** RFC 3339; null where the vendor names no end. */
  readonly until: string | null;
}

export interface AgentModelsEvidence extends VendorEnd {
  readonly agent: string;
  readonly missing: readonly string[];
  readonly issues: readonly string[];
  /** Kinds of `issues`. */
  readonly kinds: readonly string[];
  /** Profiles that rest or expired. */
  readonly unusable: readonly UnusableProfile[];
  /** Where each profile takes its key from: `anthropic:research=ref(env:OPENCLAW_AGENT_…)`. */
  readonly profiles: readonly string[];
}

/** The vendor's doctor, as far as it asks the running gateway; not asked where none listens. */
export interface LintEvidence extends VendorEnd {
  /** `severity checkId: message`. */
  readonly findings: readonly string[];
}

/** Answer to a token: HTTP status of an endpoint that asks for the token and for nothing else. */
export type TokenAnswer = "accepted" | "refused" | "no answer" | "another answer";

export interface SessionEvidence {
  readonly healthz: "live" | "no answer" | "another answer";
  readonly readyz: "ready" | "not ready" | "no answer" | "another answer";
  readonly version: string | null;
  /** With the token of the environment file; null when that has none. */
  readonly token: TokenAnswer | null;
}

export interface IdentityEvidence {
  /** Who would run it: `unit`, `login shell` of the gateway's user, `sudo`, `operator` at the node, `serving`. */
  readonly who: string;
  readonly program: "node" | "openclaw";
  readonly path: string;
  readonly version: string | null;
  /** The one that this generation pins. */
  readonly pinned: boolean;
}

export interface Refusal {
  /** `anthropic:research`; null where the log's profile is none of the declared ones. */
  readonly profile: string | null;
  /** `auth`, `rate_limit`, … */
  readonly reason: string;
  readonly count: number;
}

export interface UnreachableHost {
  /** An IP address and a port. */
  readonly address: string;
  /** It is in a network that an interface of this machine is in. */
  readonly ownNetwork: boolean;
  readonly count: number;
}

export interface LogEvidence {
  /** Failures of sessions by reason, `token_mismatch`. */
  readonly gatewayFailures: Readonly<Record<string, number>>;
  /** Refusals of model providers by reason. */
  readonly providerFailures: Readonly<Record<string, number>>;
  /** Those since the running process was started, by the profile whose key it was. */
  readonly refusals: readonly Refusal[];
  /** Hosts that it could not reach (`EHOSTUNREACH`) since the running process was started. */
  readonly unreachable: readonly UnreachableHost[];
  /** Paths that the system refused it (`EPERM`), scrubbed; since the running process was started, or in all lines where none runs. */
  readonly refusedPaths: readonly string[];
  /** The last telling lines, scrubbed. */
  readonly lines: readonly string[];
}

/** Found as the gateway's user. */
export interface UserEvidence {
  readonly unit: UnitEvidence | null;
  /** Drop-ins that the manager has not read: it does not always notice that itself (measured, systemd 252). */
  readonly unreadDropIns: readonly string[];
  readonly generation: GenerationEvidence | null;
  readonly files: readonly FileEvidence[];
  /** Null when the configuration can't be read or is no JSON. */
  readonly configToken: ConfigToken | null;
  /** Empty only when no generation is live. */
  readonly variables: readonly VariableEvidence[];
  readonly ambient: readonly AmbientKey[];
  readonly session: SessionEvidence;
  readonly gatewayStatus: GatewayStatusEvidence | null;
  readonly config: ConfigEvidence | null;
  readonly models: readonly AgentModelsEvidence[];
  readonly lint: LintEvidence | null;
  readonly identities: readonly IdentityEvidence[] | null;
  readonly log: LogEvidence | null;
  /** Parts that failed, in words. */
  readonly gaps: readonly string[];
}

/** Found on the node. */
export interface NodeEvidence {
  /** RFC 3339, by the node's clock. */
  readonly time: string;
  readonly seconds: number;
  readonly platform: Platform["name"];
  readonly machineId: string;
  readonly expectedMachineId: string;
  /** Null when the user is not there or lives elsewhere. */
  readonly uid: number | null;
  readonly lingers: boolean | null;
  readonly freeBytes: number | null;
  /** Files that can still be made where the gateway's home is; `unlimited` on file systems that keep no table. */
  readonly freeInodes: number | "unlimited" | null;
  /** Whether the clock follows a time server, as the machine sees it; only tells which clock is wrong. */
  readonly clockSynchronized: boolean | null;
  /** Told, not judged: what decides whether the gateway comes back after a boot that nobody attends. */
  readonly boot: BootFacts;
  /** Whoever listens on the gateway's port: `nobody`, `own` for the gateway's user, else `uid N`. */
  readonly listener: string;
  /** Null when there is no user to look as. */
  readonly gateway: UserEvidence | null;
}
