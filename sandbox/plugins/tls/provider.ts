import type { CheckResult, CreateResult, DiffResult, Provider } from "@pulumi/pulumi/provider/provider.js";
import { NotServedError } from "../shared/plugin-error.ts";
import { typeOf } from "../shared/urn.ts";
import type { WireObject } from "../shared/wire.ts";
import { certRequest, locallySignedCert, selfSignedCert } from "./certificate-resources.ts";
import { privateKey } from "./private-key-resource.ts";
import { differing, type ResourceKind } from "./resource.ts";

export const VERSION = "5.6.1";

const KINDS: Readonly<Record<string, ResourceKind>> = {
  "tls:index/privateKey:PrivateKey": privateKey,
  "tls:index/selfSignedCert:SelfSignedCert": selfSignedCert,
  "tls:index/certRequest:CertRequest": certRequest,
  "tls:index/locallySignedCert:LocallySignedCert": locallySignedCert,
};

/**
 * Stand-in for the official tls plugin 5.6.1: PrivateKey, SelfSignedCert, CertRequest and LocallySignedCert with the
 * same inputs, outputs, secrets, replacements and renewal.
 */
export function tlsProvider(now: () => Date = () => new Date()): Provider {
  return {
    version: VERSION,
    check: async (urn: string, _olds: WireObject, news: WireObject): Promise<CheckResult> => ({
      inputs: news,
      failures: kindOf(urn).failures(news),
    }),
    diff: async (_id: string, urn: string, olds: WireObject, news: WireObject): Promise<DiffResult> => {
      const kind = kindOf(urn);
      const replaces = kind.replaces(olds, news, now());
      const updates = differing(kind.updates, olds, news);
      return { changes: replaces.length + updates.length > 0, replaces };
    },
    create: async (urn: string, inputs: WireObject): Promise<CreateResult> => {
      const { id, outs } = await kindOf(urn).create(inputs, now());
      // lets the official bridged plugin take the resource over without upgrading its state
      return { id, outs: { ...inputs, ...outs, __meta: JSON.stringify({ schema_version: "1" }) } };
    },
    update: async (_id: string, urn: string, olds: WireObject, news: WireObject) => {
      const { updates } = kindOf(urn);
      const changed = Object.fromEntries(updates.flatMap((name) => (name in news ? [[name, news[name]]] : [])));
      return { outs: { ...olds, ...changed } };
    },
    delete: async (_id: string, urn: string): Promise<void> => {
      kindOf(urn);
    },
    invoke: async (token: string): Promise<never> => {
      throw new NotServedError(token, "tls", VERSION);
    },
  };
}

function kindOf(urn: string): ResourceKind {
  const kind = KINDS[typeOf(urn)];
  if (kind === undefined) throw new NotServedError(typeOf(urn), "tls", VERSION);
  return kind;
}
