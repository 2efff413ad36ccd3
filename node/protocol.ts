import type { LaunchPlan } from "./launch/plan.ts";
import type { LaunchedCredential } from "./launch/record.ts";

/**
 * What the operator's side sends to the on-node program and what comes back. Types and constants only: this file is the
 * one that `render/`, `remote/` and `components/` share with the program that runs on the node.
 *
 * A phase is `gatehouse-node apply PHASE` (or `remove PHASE`) with one JSON payload on stdin. The last line of stdout is
 * `RESULT_MARK` followed by one JSON object; everything for people goes to stderr.
 */
export const PHASES = ["runtime", "account", "access", "agent", "gateway", "verify"] as const;
export type PhaseName = (typeof PHASES)[number];

/** `gatehouse-node NAME`, with one JSON payload on stdin like a phase; no part of an update. */
export const VISITS = [
  "diagnose",
  "drift",
  "repair",
  "audit",
  "way",
  "rollback-points",
  "rollback",
  "rollback-confirm",
  "metrics",
] as const;
export type VisitName = (typeof VISITS)[number];

/** Option of `apply`, `remove` and of the bootstrap script: this resource was provisioned before. */
export const KNOWN_OPTION = "--known";

/** Starts the one machine-readable line, the last one of stdout. */
export const RESULT_MARK = "gatehouse-result ";

/** Exit statuses of the on-node program (sysexits.h where one fits). */
export const EXIT = {
  ok: 0,
  /** A check that this phase makes of the gateway failed; the previous generation serves again. */
  gate: 65,
  /** The payload is not what this program understands. */
  usage: 64,
  /** Something this phase needs is not there: download, tool, user manager. */
  unavailable: 69,
  software: 70,
  /** The operating system refused: disk full, port taken. */
  os: 71,
  /** Another run holds the lock past the wait. */
  busy: 75,
  /** Not allowed: no sudo. */
  permission: 77,
  /** Wrong machine, wrong integrity: refused on purpose. */
  refused: 78,
} as const;

/** Which of the two layers (or what beneath them) failed; the words of the runbook. */
export type Layer = "gateway session" | "provider credential" | "config or disk" | "host" | "runtime";

export interface PhaseError {
  readonly layer: Layer;
  /** Stable, for programs: `integrity`, `port-taken`, `machine-changed`, … */
  readonly code: string;
  /** One sentence; never a secret. */
  readonly message: string;
  readonly fix: string;
}

export type PhaseResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: PhaseError };

/**
 * Machine binding (DESIGN.md, decision 4). That a resource was provisioned before, so that the machine's record must be
 * there, is said by `KNOWN_OPTION` in the command of an update or a removal (docs/decisions/0004).
 */
export interface MachineExpectation {
  /** Machine id the author pinned, if any; then it overrides what was recorded. */
  readonly machineId?: string;
}

/** How the node reaches registries. */
export interface Downloads {
  readonly registry: string;
  readonly proxy?: string;
  readonly noProxy?: readonly string[];
  /** PEM bundle, appended to the system's authorities. */
  readonly extraCaPem?: string;
}

export interface RuntimePayload {
  readonly machine: MachineExpectation;
  readonly downloads: Downloads;
  readonly runtime: {
    /** Directory name below `/opt/gatehouse/runtime`. */
    readonly id: string;
    readonly openclawVersion: string;
    /** Absolute path of the pinned `node`. */
    readonly nodePath: string;
    readonly packageJson: string;
    /** package-lock.json with the integrity of every package; gzip, base64. */
    readonly lockfileGzip: string;
  };
  /** Whether the machine is kept from going to sleep. */
  readonly alwaysOn: boolean;
}
export interface RuntimeResult {
  readonly machineId: string;
  readonly runtimeId: string;
  readonly runtimePath: string;
  readonly nodeVersion: string;
  readonly openclawVersion: string;
  /** `installed` by this run, or `present` from an earlier one. */
  readonly action: "installed" | "present";
}

/** When a gateway starts: at boot, or when its user logs in at the screen. */
export type StartsAt = "boot" | "login";

export interface AccountPayload {
  readonly machine: MachineExpectation;
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  /** Directories of others on the node that the user reads and never writes. */
  readonly sharedDirectories: readonly string[];
  /** Absent: `boot`. */
  readonly startsAt?: StartsAt;
  /** On `remove`: delete the OS user with its home, not only its service. */
  readonly purge: boolean;
}
export interface AccountResult {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** What later payloads of this node are sealed for: an X25519 public key, 32 bytes in base64url. */
  readonly sealingKey: string;
}

/** One secret on its way to one variable of the unit's EnvironmentFile. */
export interface DeliveredCredential {
  readonly provider: string;
  readonly variable: string;
  readonly value: string;
  /** Keyed hash of the value, made on the operator's side; the key never reaches the node. */
  readonly fingerprint: string;
}
export interface AgentPayload {
  readonly machine: MachineExpectation;
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly agent: string;
  readonly workspace: string;
  /** Where the unit mounts shared directories, in the workspace. */
  readonly mountPoints: readonly string[];
  readonly credentials: readonly DeliveredCredential[];
}
export interface AgentResult {
  readonly agent: string;
  readonly credentials: readonly {
    readonly provider: string;
    readonly variable: string;
    readonly fingerprint: string;
  }[];
}

/** What the collection of a gateway's metrics has to know beside what is on the node; holds no secret. */
export interface MetricsSettings {
  readonly intervalSeconds: number;
  readonly environment: string;
  /** The gateway token and every provider key. */
  readonly credentials: readonly {
    readonly variable: string;
    /** Null for the gateway token. */
    readonly agent: string | null;
    readonly provider: string | null;
    readonly rotateEveryDays: number;
  }[];
}

export interface GatewayPayload {
  readonly machine: MachineExpectation;
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly port: number;
  /** systemd user unit name, `openclaw-gateway.service`. */
  readonly unit: string;
  readonly runtimeId: string;
  readonly nodePath: string;
  readonly openclawVersion: string;
  /** Content hash of everything below (values by fingerprint). */
  readonly generation: string;
  readonly files: {
    readonly config: string;
    readonly unit: string;
    /** The same unit without what needs a user namespace, for nodes whose user manager may not create one. */
    readonly unitWithoutNamespaces: string;
    readonly secretsPlan: string;
    /** `policy.jsonc` of the vendor's policy plugin. */
    readonly policy: string;
  };
  readonly token: { readonly variable: string; readonly value: string; readonly fingerprint: string };
  /** PEM: the gateway's own HTTPS certificate, its private key, and the authority that signed it. */
  readonly https?: { readonly certificate: string; readonly key: string; readonly authority: string };
  /** What the node itself reads from secret managers; absent when everything is delivered. */
  readonly launch?: {
    readonly plan: LaunchPlan;
    /** The launcher, one ES module. */
    readonly program: string;
    /** The node's own identity at the managers: for the launcher only. */
    readonly credentials: readonly {
      readonly variable: string;
      readonly value: string;
      readonly fingerprint: string;
    }[];
  };
  /** What the agent phases staged and this generation carries. */
  readonly agents: readonly {
    readonly id: string;
    readonly credentials: readonly {
      readonly provider: string;
      readonly variable: string;
      readonly fingerprint: string;
      /** Absent: in the environment. */
      readonly delivery?: "file";
    }[];
  }[];
  /** How metrics are collected; absent: they are not. No part of the generation: a change of it restarts nothing. */
  readonly metrics?: MetricsSettings;
  readonly keepGenerations: number;
  /** Upper bound of the wait for readiness, in seconds. */
  readonly readyTimeoutSeconds: number;
  readonly purge: boolean;
}
/** What the gate found out about the credentials of the running process. */
export interface RotationProof {
  /** How many variables it has exactly as they were delivered: all of them; null where the system shows none. */
  readonly variables: number | null;
  /** That the previous token is refused; null when the token did not change. */
  readonly oldTokenRefused: true | null;
  /** Agents with a key in a file: only their next turn shows that OpenClaw uses it. */
  readonly unconfirmedAgents: readonly string[];
}
/** What `openclaw policy check` says of a gateway without findings. Hashes are the vendor's, `sha256:` and hex digits. */
export interface PolicyAttestation {
  /** Of rules, observed state and findings together: the same configuration gives the same hash. */
  readonly attestationHash: string;
  /** Of `policy.jsonc`. */
  readonly policyHash: string;
  readonly checks: number;
}

/** Which fence a gateway's process runs in; what the service manager of the node can give. */
export type Profile = "namespaced" | "seccomp-only" | "launchd";

export interface GatewayResult {
  readonly generation: string;
  readonly previousGeneration: string | null;
  readonly action: "switched" | "unchanged";
  readonly rollbackPoints: number;
  /** What the running process really has (DESIGN.md, decision 12). */
  readonly hardening: { readonly profile: Profile; readonly findings: readonly string[] };
  /** Seconds between stopping the old process and the new one answering ready. */
  readonly interruptionSeconds: number;
  /** Null when nothing was switched. */
  readonly proof: RotationProof | null;
  /** Null for a generation of an earlier version, which has no rules. */
  readonly vendorPolicy: PolicyAttestation | null;
}

export interface VerifyPayload {
  readonly machine: MachineExpectation;
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly port: number;
  readonly unit: string;
  readonly generation: string;
  readonly openclawVersion: string;
  /** Ids of the paired devices that a new gateway token leaves paired. */
  readonly keepDevices: readonly string[];
}
export interface VerifyResult {
  readonly generation: string;
  readonly health: "ready";
  readonly unitState: string;
  readonly pid: number;
  readonly restarts: number;
  readonly openclawVersion: string;
  /** What the running process was given by its launcher. */
  readonly launched: readonly LaunchedCredential[];
  /** Null when the gateway token is the one that served before. */
  readonly devices: DevicesAfterRotation | null;
  /** Since when the generation's token and keys are what they are; RFC 3339, UTC, by the node's clock. */
  readonly credentials: readonly IssuedCredential[];
}

/** A client with a token of its own that the gateway accepts beside the gateway token. */
export interface PairedDevice {
  /** The vendor's: SHA-256 of its public key, 64 hex digits. */
  readonly id: string;
  readonly client: string;
  readonly platform: string;
}
export interface DevicesAfterRotation {
  readonly removed: readonly PairedDevice[];
  readonly kept: readonly PairedDevice[];
}

/** How old a credential is that the node serves with. */
export interface IssuedCredential {
  readonly variable: string;
  readonly fingerprint: string;
  /** When the variable got its first value. */
  readonly issued: string;
  /** When it got the value that it has now; the same as `issued` until then. */
  readonly rotated: string;
}

/** One line of a gateway user's authorized_keys. */
export interface AccessKey {
  readonly principal: string;
  /** Type and key, no comment. */
  readonly publicKey: string;
  readonly from: readonly string[];
  /** Null: nothing runs. */
  readonly command: string | null;
  /** Loopback port that may be forwarded to; null: none. */
  readonly tunnelPort: number | null;
}
export interface AccessPayload {
  readonly machine: MachineExpectation;
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly keys: readonly AccessKey[];
}
/** The key of a principal as it is installed; times are RFC 3339, UTC, by the node's clock. */
export interface InstalledKey {
  readonly principal: string;
  /** `SHA256:…`, as OpenSSH shows it. */
  readonly fingerprint: string;
  readonly issued: string;
  readonly rotated: string;
}
export interface AccessResult {
  readonly keys: readonly InstalledKey[];
  /** SSH sessions that were ended because a key is gone. */
  readonly endedSessions: number;
}

export interface PhaseTypes {
  readonly runtime: { readonly payload: RuntimePayload; readonly result: RuntimeResult };
  readonly account: { readonly payload: AccountPayload; readonly result: AccountResult };
  readonly agent: { readonly payload: AgentPayload; readonly result: AgentResult };
  readonly gateway: { readonly payload: GatewayPayload; readonly result: GatewayResult };
  readonly access: { readonly payload: AccessPayload; readonly result: AccessResult };
  readonly verify: { readonly payload: VerifyPayload; readonly result: VerifyResult };
}
