import * as pulumi from "@pulumi/pulumi";
import { fingerprint, mask, slots } from "../render/index.ts";
import { credentialVariable } from "../spec/index.ts";
import type { GatewaySpec } from "../spec/index.ts";

/** What everybody may see of a secret. */
export interface SecretView {
  /** Keyed hash of the value; unknown until the stack's fingerprint key exists. */
  readonly fingerprint: pulumi.Output<string>;
  /** First four and last four characters, where that is safe. */
  readonly masked: pulumi.Output<string>;
}

interface CredentialPlace {
  readonly provider: string;
  /** The one variable of the gateway's process that carries it. */
  readonly variable: string;
  readonly ref: string;
}

/** A credential that was read at deploy, as everybody may see it. */
export interface DeliveredCredentialView extends CredentialPlace, SecretView {
  readonly resolve: "deploy";
}

/** A credential that the node reads itself: the operator has no value, so there is no fingerprint. */
export interface NodeCredentialView extends CredentialPlace {
  readonly resolve: "node";
}

/** One credential of an agent, as everybody may see it. */
export type CredentialView = DeliveredCredentialView | NodeCredentialView;

/** One credential on its way to its agent. */
export interface DeliveredCredential {
  readonly view: DeliveredCredentialView;
  /** Secret. */
  readonly value: pulumi.Output<string>;
}

/** One credential of an agent. */
export type AgentCredential = DeliveredCredential | { readonly view: NodeCredentialView };

export function isDelivered(credential: AgentCredential): credential is DeliveredCredential {
  return credential.view.resolve === "deploy";
}

/** The public side of a secret; `slot` keeps equal values under different names apart. */
export function secretView(
  value: pulumi.Output<string>,
  slot: string,
  fingerprintKey: pulumi.Output<string>,
): SecretView {
  return {
    fingerprint: pulumi.unsecret(
      pulumi
        .all([fingerprintKey, value])
        .apply(([key, text]) => fingerprint(Buffer.from(key, "base64url"), slot, text)),
    ),
    masked: pulumi.unsecret(value.apply(mask)),
  };
}

/** Every credential of a gateway, by agent. `values`: of those that are read at deploy, by agent id and provider. */
export function agentCredentials(
  gateway: GatewaySpec,
  values: Readonly<Record<string, Readonly<Record<string, pulumi.Output<string>>>>>,
  fingerprintKey: pulumi.Output<string>,
): Readonly<Record<string, readonly AgentCredential[]>> {
  return Object.fromEntries(
    gateway.agents.map(({ id, credentials }) => [
      id,
      credentials.map(({ provider, secret, resolve }): AgentCredential => {
        const place = { provider, variable: credentialVariable(id, provider), ref: secret };
        if (resolve === "node") return { view: { resolve, ...place } };
        const value = values[id]?.[provider];
        if (value === undefined) throw new Error(`agent ${id}: no value for provider ${provider}`);
        const shown = secretView(value, slots.credential(gateway.name, id, provider), fingerprintKey);
        return { value, view: { resolve, ...place, ...shown } };
      }),
    ]),
  );
}

/** What says whether a credential changed: its fingerprint, or its reference where nobody here has the value. */
export function changeMark({ view }: AgentCredential): pulumi.Output<string> {
  return view.resolve === "deploy" ? view.fingerprint : pulumi.output(view.ref);
}
