import * as pulumi from "@pulumi/pulumi";
import type { InstalledKey, IssuedCredential, VerifyResult } from "../node/protocol.ts";
import { GATEWAY_TOKEN_VARIABLE } from "../spec/index.ts";
import type { CredentialSpec, GatewaySpec } from "../spec/index.ts";
import type { PrincipalKey } from "./access.ts";
import type { CertificateView } from "./certificate-authority.ts";
import type { AgentCredential, SecretView } from "./credentials.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** One credential and its life; holds no secret. */
export interface LedgerEntry {
  /** Which of the two layers it belongs to. */
  readonly track: "gateway" | "provider" | "access" | "certificate";
  /** Whom it is issued to: `GATEWAY` for the token and the HTTPS certificate, `GATEWAY/AGENT` for a provider key, a principal for its SSH key. */
  readonly principal: string;
  readonly node: string;
  readonly gateway: string;
  readonly environment: string;
  /** Model provider; null for everything but provider keys. */
  readonly provider: string | null;
  /** Where the value is kept; null for what the stack makes itself: a generated token, SSH keys, certificates. */
  readonly ref: string | null;
  /**
   * Of an SSH key `SHA256:…`, of a certificate SHA-256 as pairs of hex digits. These two are null where the node reads the
   * value itself, `masked` for SSH keys and certificates.
   */
  readonly fingerprint: string | null;
  readonly masked: string | null;
  /** As the manager names what was read, by the node at start or by the operator; null where it has no versions. */
  readonly version: string | null;
  /** Variable of the unit that carries it; these two are null for SSH keys and certificates. */
  readonly variable: string | null;
  readonly unit: string | null;
  /** RFC 3339, UTC, by the node's clock, of a certificate its own begin; null where nothing is provisioned. */
  readonly issued: string | null;
  readonly rotated: string | null;
  /** When it should be rotated again. */
  readonly due: string | null;
}

interface LedgerArgs {
  readonly node: string;
  readonly gateway: GatewaySpec;
  readonly unit: string;
  readonly token: SecretView;
  readonly credentials: Readonly<Record<string, readonly AgentCredential[]>>;
  readonly secretVersions: Readonly<Record<string, string>>;
  readonly verified: pulumi.Output<VerifyResult | undefined>;
  /** SSH keys of principals, as they are installed. */
  readonly installed: pulumi.Output<readonly InstalledKey[]>;
  readonly principals: Readonly<Record<string, PrincipalKey>>;
  readonly certificate: pulumi.Output<CertificateView | undefined>;
}

/** `rotated` and `days` later, as RFC 3339. */
export function dueDate(rotated: string, days: number): string {
  return new Date(Date.parse(rotated) + days * DAY_MS).toISOString();
}

function specOf(specs: readonly CredentialSpec[], index: number): CredentialSpec {
  const spec = specs[index];
  if (spec === undefined) throw new Error(`no spec for credential ${index}`);
  return spec;
}

/** Every credential of one gateway: its token, its agents' keys, its certificate, the SSH keys that reach it. */
export function gatewayLedger({
  node,
  gateway,
  unit,
  token,
  credentials,
  secretVersions,
  verified,
  installed,
  principals,
  certificate,
}: LedgerArgs): pulumi.Output<LedgerEntry[]> {
  const lines = [
    {
      track: "gateway" as const,
      principal: gateway.name,
      provider: null,
      ref: gateway.token ?? null,
      variable: GATEWAY_TOKEN_VARIABLE,
      days: gateway.tokenRotateEveryDays,
      shown: token,
    },
    ...gateway.agents.flatMap(({ id, credentials: specs }) =>
      (credentials[id] ?? []).map(({ view }, index) => ({
        track: "provider" as const,
        principal: `${gateway.name}/${id}`,
        provider: view.provider,
        ref: view.ref,
        variable: view.variable,
        days: specOf(specs, index).rotateEveryDays,
        shown: view.resolve === "deploy" ? view : { fingerprint: null, masked: null },
      })),
    ),
  ];
  const common = { node, gateway: gateway.name, environment: gateway.environment };
  return pulumi
    .all([
      verified,
      pulumi.output(lines.map(({ shown }) => ({ fingerprint: shown.fingerprint, masked: shown.masked }))),
      installed,
      certificate,
    ])
    .apply(([result, shown, keys, served]) => [
      ...lines.map(({ track, principal, provider, ref, variable, days }, index) => ({
        ...common,
        track,
        principal,
        provider,
        ref,
        fingerprint: shown[index]?.fingerprint ?? null,
        masked: shown[index]?.masked ?? null,
        version:
          result?.launched.find((entry) => entry.reference === ref && entry.variable === variable)?.version ??
          (ref === null ? undefined : secretVersions[ref]) ??
          null,
        variable,
        unit,
        ...dates(
          result?.credentials.find((entry) => entry.variable === variable),
          days,
        ),
      })),
      ...(served === undefined ? [] : [certificateEntry(gateway.name, served, common)]),
      ...keys.map((key) => accessEntry(key, principals[key.principal]?.rotateEveryDays, common)),
    ]);
}

type Place = Pick<LedgerEntry, "node" | "gateway" | "environment">;

function certificateEntry(gateway: string, view: CertificateView, common: Place): LedgerEntry {
  return {
    ...common,
    track: "certificate",
    principal: gateway,
    provider: null,
    ref: null,
    fingerprint: view.fingerprint,
    masked: null,
    version: null,
    variable: null,
    unit: null,
    issued: view.notBefore,
    rotated: view.notBefore,
    due: view.due,
  };
}

function accessEntry(key: InstalledKey, days: number | undefined, common: Place): LedgerEntry {
  return {
    ...common,
    track: "access",
    principal: key.principal,
    provider: null,
    ref: null,
    fingerprint: key.fingerprint,
    masked: null,
    version: null,
    variable: null,
    unit: null,
    issued: key.issued,
    rotated: key.rotated,
    // a period that nobody named makes no date
    due: days === undefined ? null : dueDate(key.rotated, days),
  };
}

function dates(
  entry: Pick<IssuedCredential, "issued" | "rotated"> | undefined,
  days: number,
): Pick<LedgerEntry, "issued" | "rotated" | "due"> {
  if (entry === undefined) return { issued: null, rotated: null, due: null };
  return { issued: entry.issued, rotated: entry.rotated, due: dueDate(entry.rotated, days) };
}
