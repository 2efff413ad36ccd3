import type { CheckResult, CreateResult, DiffResult, Provider } from "@pulumi/pulumi/provider/provider.js";
import { NotServedError, PluginError } from "../shared/plugin-error.ts";
import { typeOf } from "../shared/urn.ts";
import { asSecret, isUnknown, peel, reveal, type WireObject } from "../shared/wire.ts";
import { ALGORITHMS, CURVES, DEFAULT_CURVE, DEFAULT_RSA_BITS, generateKey, type KeyOptions } from "./private-key.ts";

export const VERSION = "5.6.1";
const PRIVATE_KEY = "tls:index/privateKey:PrivateKey";
const INPUTS = ["algorithm", "ecdsaCurve", "rsaBits"] as const;

/** Stand-in for the official tls plugin 5.6.1: PrivateKey with the same inputs, outputs, secrets and replacements. */
export function tlsProvider(): Provider {
  return {
    version: VERSION,
    check: async (urn: string, _olds: WireObject, news: WireObject): Promise<CheckResult> => {
      onlyPrivateKey(urn);
      return { inputs: news, failures: failuresOf(news) };
    },
    diff: async (_id: string, urn: string, olds: WireObject, news: WireObject): Promise<DiffResult> => {
      onlyPrivateKey(urn);
      const replaces = INPUTS.filter((name) => field(olds, name) !== field(news, name));
      return { changes: replaces.length > 0, replaces };
    },
    create: async (urn: string, inputs: WireObject): Promise<CreateResult> => {
      onlyPrivateKey(urn);
      const options = {
        algorithm: field(inputs, "algorithm"),
        ecdsaCurve: field(inputs, "ecdsaCurve"),
        rsaBits: field(inputs, "rsaBits"),
      } as KeyOptions;
      const key = generateKey(options);
      return {
        id: key.id,
        outs: {
          ...inputs,
          ecdsaCurve: inputs["ecdsaCurve"] ?? DEFAULT_CURVE,
          rsaBits: inputs["rsaBits"] ?? DEFAULT_RSA_BITS,
          ...key,
          privateKeyPem: asSecret(key.privateKeyPem),
          privateKeyPemPkcs8: asSecret(key.privateKeyPemPkcs8),
          privateKeyOpenssh: asSecret(key.privateKeyOpenssh),
          // lets the official bridged plugin take the resource over without upgrading its state
          __meta: JSON.stringify({ schema_version: "1" }),
        },
      };
    },
    update: async (_id: string, urn: string): Promise<never> => {
      throw new PluginError(`${urn}: a private key is replaced, never updated`);
    },
    delete: async (_id: string, urn: string): Promise<void> => {
      onlyPrivateKey(urn);
    },
    invoke: async (token: string): Promise<never> => {
      throw new NotServedError(token, "tls", VERSION);
    },
  };
}

function onlyPrivateKey(urn: string): void {
  if (typeOf(urn) !== PRIVATE_KEY) throw new NotServedError(typeOf(urn), "tls", VERSION);
}

function field(properties: WireObject, name: (typeof INPUTS)[number]): unknown {
  const defaults = { algorithm: undefined, ecdsaCurve: DEFAULT_CURVE, rsaBits: DEFAULT_RSA_BITS };
  return reveal(properties[name]) ?? defaults[name];
}

function failuresOf(news: WireObject): { property: string; reason: string }[] {
  const failures: { property: string; reason: string }[] = [];
  const refuse = (property: (typeof INPUTS)[number], accepted: (value: unknown) => boolean, reason: string): void => {
    if (!isUnknown(peel(news[property])) && !accepted(field(news, property))) failures.push({ property, reason });
  };
  refuse("algorithm", (value) => ALGORITHMS.some((name) => name === value), `must be one of ${ALGORITHMS.join(", ")}`);
  refuse(
    "ecdsaCurve",
    (value) => Object.keys(CURVES).includes(String(value)),
    `must be one of ${Object.keys(CURVES).join(", ")}`,
  );
  refuse("rsaBits", (value) => Number.isInteger(value) && Number(value) >= 1024, "must be an integer of at least 1024");
  return failures;
}
