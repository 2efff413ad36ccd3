import type { BootFacts } from "../platform/index.ts";
import type { Profile } from "../platform/services.ts";

/**
 * What one look found of what the rules of the catalogue read, as plain JSON without any secret. `null` always means "could
 * not be found out".
 */

export interface AuditGateway {
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly port: number;
  readonly unit: string;
  readonly agents: readonly string[];
  /** What nobody else may read. */
  readonly paths: readonly string[];
}

export interface AuditPayload {
  /** Of the machine that was provisioned. */
  readonly machineId: string;
  readonly gateways: readonly AuditGateway[];
}

/** One of the vendor's own audits. */
export interface VendorAudit {
  readonly command: string;
  /** In the vendor's words, scrubbed; null where it has no verdict. */
  readonly findings: readonly string[] | null;
}

/** Found as the gateway's user. */
export interface ObservedAsUser {
  /** Unit and drop-ins as they are on disk; values of variables that were not declared are left out. */
  readonly unitText: string | null;
  readonly enabled: boolean | null;
  readonly mainPid: number;
  readonly profile: Profile | null;
  /** `openclaw.json`; texts that were not declared are left out. */
  readonly openclaw: Readonly<Record<string, unknown>> | null;
  /** Octal with four digits; absent where there is nothing. */
  readonly paths: readonly { readonly path: string; readonly mode: string; readonly owner: string }[];
  /** Of the process that serves. */
  readonly nodeVersion: string | null;
  /** As the running gateway tells it. */
  readonly openclawVersion: string | null;
  /** Every other `node` or `openclaw` on the unit's PATH. */
  readonly others: readonly string[] | null;
  readonly vendor: readonly VendorAudit[];
}

export interface ObservedGateway extends Partial<ObservedAsUser> {
  readonly gateway: string;
  /** Null when the user is not there or lives elsewhere. */
  readonly account: { readonly groups: readonly string[]; readonly hasPassword: boolean } | null;
  readonly lingers: boolean | null;
  /** Addresses on which its port is served. */
  readonly listeners: readonly string[];
  /** Where the running process has less than its unit asks for. */
  readonly hardening: readonly string[] | null;
  /** Why there is no more of it. */
  readonly failure: string | null;
}

export interface ObservedNode {
  readonly machineId: string;
  readonly sleepPrevented: boolean;
  readonly boot: BootFacts;
  readonly gateways: readonly ObservedGateway[];
}
