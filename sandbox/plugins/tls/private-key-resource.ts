import { asSecret, type WireObject } from "../shared/wire.ts";
import { ALGORITHMS, CURVES, DEFAULT_CURVE, DEFAULT_RSA_BITS, generateKey, type KeyOptions } from "./private-key.ts";
import { differing, field, refusal, type ResourceKind } from "./resource.ts";

const INPUTS = ["algorithm", "ecdsaCurve", "rsaBits"] as const;
const DEFAULTS = { ecdsaCurve: DEFAULT_CURVE, rsaBits: DEFAULT_RSA_BITS };

/** `tls.PrivateKey`: replaced, never updated. */
export const privateKey: ResourceKind = {
  updates: [],
  failures: (news) => [
    ...refusal(
      news,
      "algorithm",
      (value) => ALGORITHMS.some((name) => name === value),
      `must be one of ${ALGORITHMS.join(", ")}`,
    ),
    ...refusal(
      news,
      "ecdsaCurve",
      (value) => Object.keys(CURVES).includes(String(value)),
      `must be one of ${Object.keys(CURVES).join(", ")}`,
      DEFAULTS,
    ),
    ...refusal(
      news,
      "rsaBits",
      (value) => Number.isInteger(value) && Number(value) >= 1024,
      "must be an integer of at least 1024",
      DEFAULTS,
    ),
  ],
  replaces: (olds, news) => differing(INPUTS, olds, news, DEFAULTS),
  create: async (inputs: WireObject) => {
    const options = Object.fromEntries(INPUTS.map((name) => [name, field(inputs, name, DEFAULTS)]));
    const { id, ...key } = generateKey(options as unknown as KeyOptions);
    return {
      id,
      outs: {
        ...DEFAULTS,
        ...inputs,
        id,
        ...key,
        privateKeyPem: asSecret(key.privateKeyPem),
        privateKeyPemPkcs8: asSecret(key.privateKeyPemPkcs8),
        privateKeyOpenssh: asSecret(key.privateKeyOpenssh),
      },
    };
  },
};
