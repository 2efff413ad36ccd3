import * as pulumi from "@pulumi/pulumi";
import { slots } from "../render/index.ts";
import { secretView } from "./credentials.ts";

/** A value by its variable; one that is missing is a fault of this program, never an empty secret. */
export function valueOf(values: Readonly<Record<string, string>>, variable: string): string {
  const value = values[variable];
  if (value === undefined) throw new Error(`no value for ${variable}`);
  return value;
}

/** Fingerprints of what the node shows to secret managers about itself, by variable. */
export function identityFingerprints(
  gateway: string,
  identity: Readonly<Record<string, pulumi.Output<string>>>,
  fingerprintKey: pulumi.Output<string>,
): pulumi.Output<Record<string, string>> {
  return pulumi.output(
    Object.fromEntries(
      Object.entries(identity).map(([variable, value]) => [
        variable,
        secretView(value, slots.nodeIdentity(gateway, variable), fingerprintKey).fingerprint,
      ]),
    ),
  );
}
