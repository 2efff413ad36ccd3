import { hkdfSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

/** 256 bits that are made once and kept encrypted in the stack's state (docs/decisions/0003). */
function derivedSecret(name: string, purpose: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
  const seed = new tls.PrivateKey(name, { algorithm: "ED25519" }, opts);
  return pulumi
    .secret(seed.privateKeyPem)
    .apply((pem) => Buffer.from(hkdfSync("sha256", pem, "", `gatehouse/${purpose}/v1`, 32)).toString("base64url"));
}

/** A gateway token for a gateway whose spec names none. */
export function generatedToken(gateway: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
  return derivedSecret(`${gateway}-token-seed`, "token", opts);
}

/**
 * The key that turns values into fingerprints. One for a stack: the same value in the same slot has the same
 * fingerprint on every run.
 */
export function fingerprintKey(name: string, opts: pulumi.CustomResourceOptions = {}): pulumi.Output<string> {
  return derivedSecret(name, "fingerprint-key", opts);
}
