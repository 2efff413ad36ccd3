import { generateKeyPairSync } from "node:crypto";
import { selfSigned, requested, signed } from "../sandbox/plugins/tls/certificate.ts";

const DAY_HOURS = 24;
const PURPOSE = { isCaCertificate: false, setSubjectKeyId: false };

function newKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  }) as string;
}

export interface TestAuthority {
  readonly privateKeyPem: string;
  readonly certificatePem: string;
}

export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export async function testAuthority(): Promise<TestAuthority> {
  const privateKeyPem = newKey();
  const { pem } = await selfSigned(
    privateKeyPem,
    { subject: { commonName: "test authority" }, dnsNames: [], ipAddresses: [] },
    { ...PURPOSE, isCaCertificate: true, allowedUses: ["cert_signing"] },
    { notBefore: new Date(), validityPeriodHours: 1000 },
  );
  return { privateKeyPem, certificatePem: pem };
}

/** A certificate for `addresses`, from `notBefore` on for three days. */
export async function testCertificate(
  authority: TestAuthority,
  { notBefore = new Date(), addresses = ["127.0.0.1"] }: { notBefore?: Date; addresses?: readonly string[] } = {},
): Promise<TestCertificate> {
  const key = newKey();
  const request = await requested(key, {
    subject: { commonName: "test gateway" },
    dnsNames: ["localhost", "gw.example.internal"],
    ipAddresses: addresses,
  });
  const { pem } = await signed(
    request,
    authority,
    { ...PURPOSE, allowedUses: ["digital_signature", "server_auth"] },
    { notBefore, validityPeriodHours: 3 * DAY_HOURS },
  );
  return { certificate: pem, key, authority: authority.certificatePem };
}
