import { createPrivateKey, X509Certificate } from "node:crypto";
import { PhaseFailure } from "../lib/failure.ts";
import { EXIT } from "../protocol.ts";
import type { GatewayPayload } from "../protocol.ts";
import type { Manifest } from "./manifest.ts";

function refuse(code: string, message: string, fix: string): never {
  throw new PhaseFailure({ layer: "config or disk", code, message, fix, exit: EXIT.usage });
}

const AGAIN = "preview again; if the same comes back, set another `https.keyVersion` for this gateway";

function parsed<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch {
    return refuse("certificate-unreadable", `the ${what} of the gateway's HTTPS is no PEM that OpenSSL reads`, AGAIN);
  }
}

/**
 * What a gateway with HTTPS is to serve, refused before anything is touched when no client could accept it.
 * @throws {PhaseFailure} `certificate-unreadable`, `certificate-key`, `certificate-authority`, `certificate-name`,
 * `certificate-expired`, `certificate-early`.
 */
export function checkedCertificate(
  https: NonNullable<GatewayPayload["https"]>,
  now: Date,
): NonNullable<Manifest["https"]> {
  const certificate = parsed("certificate", () => new X509Certificate(https.certificate));
  const authority = parsed("authority", () => new X509Certificate(https.authority));
  const key = parsed("private key", () => createPrivateKey(https.key));
  if (!certificate.checkPrivateKey(key)) {
    refuse("certificate-key", "the private key is not the one of the gateway's HTTPS certificate", AGAIN);
  }
  if (!authority.ca || !certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
    refuse("certificate-authority", "the gateway's HTTPS certificate was not signed by its authority", AGAIN);
  }
  if (certificate.checkIP("127.0.0.1") === undefined) {
    refuse("certificate-name", "the gateway's HTTPS certificate does not hold 127.0.0.1", AGAIN);
  }
  if (now > certificate.validToDate) {
    refuse(
      "certificate-expired",
      `the gateway's HTTPS certificate ended at ${certificate.validToDate.toISOString()}, and this node's clock says ${now.toISOString()}`,
      "look at the node's clock (`timedatectl`); if it is right, run `pulumi up` again: it makes a new certificate",
    );
  }
  if (now < certificate.validFromDate) {
    refuse(
      "certificate-early",
      `the gateway's HTTPS certificate begins at ${certificate.validFromDate.toISOString()}, and this node's clock says ${now.toISOString()}`,
      "set the node's clock (`timedatectl set-ntp true`); every client with a right clock is ahead of it",
    );
  }
  return { fingerprint: certificate.fingerprint256, notAfter: certificate.validToDate.toISOString() };
}
