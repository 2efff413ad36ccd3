import { createHash } from "node:crypto";
import { field, differing, refusal, type ResourceKind } from "./resource.ts";
import type { WireObject } from "../shared/wire.ts";
import { ALLOWED_USES, keyAlgorithm, requested, selfSigned, signed } from "./certificate.ts";
import type { MadeCertificate, Names, Purpose, Validity } from "./certificate.ts";

const HOUR_MS = 3_600_000;
const DEFAULTS = { earlyRenewalHours: 0, isCaCertificate: false, setSubjectKeyId: false };

function text(inputs: WireObject, name: string): string {
  const value = field(inputs, name);
  if (typeof value !== "string") throw new Error(`${name}: expected text`);
  return value;
}

function names(inputs: WireObject): Names {
  return {
    subject: field(inputs, "subject") ?? {},
    dnsNames: (field(inputs, "dnsNames") ?? []) as string[],
    ipAddresses: (field(inputs, "ipAddresses") ?? []) as string[],
  };
}

function purpose(inputs: WireObject): Purpose {
  return {
    allowedUses: field(inputs, "allowedUses") as string[],
    isCaCertificate: field(inputs, "isCaCertificate", DEFAULTS) === true,
    setSubjectKeyId: field(inputs, "setSubjectKeyId", DEFAULTS) === true,
  };
}

function validity(inputs: WireObject, now: Date): Validity {
  return { notBefore: now, validityPeriodHours: field(inputs, "validityPeriodHours") as number };
}

/** RFC 3339 in whole seconds, as Go writes it. */
function time(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}

function renewalDue(properties: WireObject, earlyRenewalHours: unknown, now: Date): boolean {
  const end = Date.parse(text(properties, "validityEndTime"));
  return now.getTime() >= end - Number(earlyRenewalHours) * HOUR_MS;
}

function certificateOutputs(inputs: WireObject, made: MadeCertificate): { id: string; outs: WireObject } {
  const outs = {
    ...DEFAULTS,
    ...inputs,
    certPem: made.pem,
    validityStartTime: time(made.notBefore),
    validityEndTime: time(made.notAfter),
  };
  const early = field(inputs, "earlyRenewalHours", DEFAULTS);
  return {
    id: made.serial,
    outs: { ...outs, readyForRenewal: renewalDue(outs, early, made.notBefore) },
  };
}

function certificateFailures(news: WireObject): { property: string; reason: string }[] {
  const hours = (minimum: number) => (value: unknown) => Number.isInteger(value) && Number(value) >= minimum;
  return [
    ...refusal(
      news,
      "allowedUses",
      (value) => Array.isArray(value) && value.every((use) => ALLOWED_USES.includes(String(use))),
      `must be a list of ${ALLOWED_USES.join(", ")}`,
    ),
    ...refusal(news, "validityPeriodHours", hours(0), "must be a whole number of hours"),
    ...refusal(news, "earlyRenewalHours", hours(0), "must be a whole number of hours", DEFAULTS),
  ];
}

/**
 * A certificate inside its renewal period is replaced by the next preview or update, as the official plugin does
 * (terraform-provider-tls, `early_renewal_hours`).
 */
function certificateReplaces(inputs: readonly string[]): ResourceKind["replaces"] {
  return (olds, news, now) => [
    ...differing(inputs, olds, news, DEFAULTS),
    ...(renewalDue(olds, field(news, "earlyRenewalHours", DEFAULTS), now) ? ["readyForRenewal"] : []),
  ];
}

const PURPOSE = ["allowedUses", "isCaCertificate", "setSubjectKeyId", "validityPeriodHours"] as const;
const NAMES = ["subject", "dnsNames", "ipAddresses", "privateKeyPem"] as const;
const UPDATES = ["earlyRenewalHours"] as const;

/** `tls.SelfSignedCert`. */
export const selfSignedCert: ResourceKind = {
  updates: UPDATES,
  failures: certificateFailures,
  replaces: certificateReplaces([...PURPOSE, ...NAMES]),
  create: async (inputs, now) => {
    const key = text(inputs, "privateKeyPem");
    const made = await selfSigned(key, names(inputs), purpose(inputs), validity(inputs, now));
    const { id, outs } = certificateOutputs(inputs, made);
    return { id, outs: { ...outs, keyAlgorithm: await keyAlgorithm(key) } };
  },
};

/** `tls.CertRequest`. */
export const certRequest: ResourceKind = {
  updates: [],
  failures: () => [],
  replaces: (olds, news) => differing(NAMES, olds, news),
  create: async (inputs) => {
    const key = text(inputs, "privateKeyPem");
    const certRequestPem = await requested(key, names(inputs));
    return {
      id: createHash("sha1").update(certRequestPem).digest("hex"),
      outs: { ...inputs, certRequestPem, keyAlgorithm: await keyAlgorithm(key) },
    };
  },
};

/** `tls.LocallySignedCert`. */
export const locallySignedCert: ResourceKind = {
  updates: UPDATES,
  failures: certificateFailures,
  replaces: certificateReplaces([...PURPOSE, "certRequestPem", "caPrivateKeyPem", "caCertPem"]),
  create: async (inputs, now) => {
    const caKey = text(inputs, "caPrivateKeyPem");
    const authority = { privateKeyPem: caKey, certificatePem: text(inputs, "caCertPem") };
    const made = await signed(text(inputs, "certRequestPem"), authority, purpose(inputs), validity(inputs, now));
    const { id, outs } = certificateOutputs(inputs, made);
    return { id, outs: { ...outs, caKeyAlgorithm: await keyAlgorithm(caKey) } };
  },
};
