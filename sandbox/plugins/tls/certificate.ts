// x509's dependency injection asks for it before anything else
import "reflect-metadata";
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const HOUR_MS = 3_600_000;
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";

/** Names of terraform-provider-tls; the bits of RFC 5280, 4.2.1.3. */
const KEY_USAGES = {
  digital_signature: x509.KeyUsageFlags.digitalSignature,
  content_commitment: x509.KeyUsageFlags.nonRepudiation,
  key_encipherment: x509.KeyUsageFlags.keyEncipherment,
  data_encipherment: x509.KeyUsageFlags.dataEncipherment,
  key_agreement: x509.KeyUsageFlags.keyAgreement,
  cert_signing: x509.KeyUsageFlags.keyCertSign,
  crl_signing: x509.KeyUsageFlags.cRLSign,
  encipher_only: x509.KeyUsageFlags.encipherOnly,
  decipher_only: x509.KeyUsageFlags.decipherOnly,
} as const;
/** RFC 5280, 4.2.1.12. */
const EXTENDED_USAGES = {
  server_auth: x509.ExtendedKeyUsage.serverAuth,
  client_auth: x509.ExtendedKeyUsage.clientAuth,
  code_signing: x509.ExtendedKeyUsage.codeSigning,
  email_protection: x509.ExtendedKeyUsage.emailProtection,
  timestamping: x509.ExtendedKeyUsage.timeStamping,
  ocsp_signing: x509.ExtendedKeyUsage.ocspSigning,
} as const;
export const ALLOWED_USES: readonly string[] = [...Object.keys(KEY_USAGES), ...Object.keys(EXTENDED_USAGES)];

const SUBJECT_PARTS = {
  commonName: "CN",
  organization: "O",
  organizationalUnit: "OU",
  locality: "L",
  province: "ST",
  country: "C",
  serialNumber: "2.5.4.5",
} as const;
export type Subject = Partial<Record<keyof typeof SUBJECT_PARTS, string>>;

export interface Names {
  readonly subject: Subject;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

export interface Validity {
  readonly notBefore: Date;
  readonly validityPeriodHours: number;
}

export interface Purpose {
  readonly allowedUses: readonly string[];
  readonly isCaCertificate: boolean;
  readonly setSubjectKeyId: boolean;
}

export interface MadeCertificate {
  readonly pem: string;
  /** Decimal. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

type Algorithm = "RSA" | "ECDSA" | "ED25519";

interface Keys {
  readonly pair: webcrypto.CryptoKeyPair;
  readonly algorithm: Algorithm;
  readonly signing: webcrypto.EcdsaParams | webcrypto.Algorithm;
}

/** Reads a private key in any PEM form that Node reads. */
async function keysOf(pem: string): Promise<Keys> {
  const key = createPrivateKey(pem);
  const [algorithm, parameters, signing] = schemeOf(key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve);
  const { subtle } = webcrypto;
  const pair = {
    privateKey: await subtle.importKey("pkcs8", key.export({ type: "pkcs8", format: "der" }), parameters, true, [
      "sign",
    ]),
    publicKey: await subtle.importKey(
      "spki",
      createPublicKey(key).export({ type: "spki", format: "der" }),
      parameters,
      true,
      ["verify"],
    ),
  };
  return { pair, algorithm, signing };
}

function schemeOf(
  type: string | undefined,
  curve: string | undefined,
): [Algorithm, webcrypto.Algorithm, webcrypto.EcdsaParams | webcrypto.Algorithm] {
  const named = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[curve ?? ""];
  if (type === "ec" && named !== undefined) {
    const parameters = { name: "ECDSA", namedCurve: named };
    return ["ECDSA", parameters, { name: "ECDSA", hash: named === "P-256" ? "SHA-256" : "SHA-512" }];
  }
  if (type === "rsa") {
    const parameters = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    return ["RSA", parameters, parameters];
  }
  if (type === "ed25519") return ["ED25519", { name: "Ed25519" }, { name: "Ed25519" }];
  throw new Error(`keys of type ${type ?? "unknown"} ${curve ?? ""} sign no certificate here`);
}

export async function keyAlgorithm(pem: string): Promise<Algorithm> {
  return (await keysOf(pem)).algorithm;
}

function nameOf(subject: Subject): x509.Name {
  const parts = Object.entries(SUBJECT_PARTS).flatMap(([key, type]) => {
    const value = subject[key as keyof Subject];
    return value === undefined ? [] : [{ [type]: [value] }];
  });
  return new x509.Name(parts);
}

function alternativeNames({ dnsNames, ipAddresses }: Names): x509.Extension[] {
  if (dnsNames.length + ipAddresses.length === 0) return [];
  return [
    new x509.SubjectAlternativeNameExtension([
      ...dnsNames.map((value) => ({ type: "dns" as const, value })),
      ...ipAddresses.map((value) => ({ type: "ip" as const, value })),
    ]),
  ];
}

function keyUsages(bits: readonly x509.KeyUsageFlags[]): x509.Extension {
  let flags: x509.KeyUsageFlags = bits[0] ?? x509.KeyUsageFlags.digitalSignature;
  for (const bit of bits) flags |= bit;
  return new x509.KeyUsagesExtension(flags, true);
}

async function purposeExtensions(purpose: Purpose, publicKey: x509.PublicKey): Promise<x509.Extension[]> {
  const { allowedUses, isCaCertificate, setSubjectKeyId } = purpose;
  const bits = Object.entries(KEY_USAGES).flatMap(([name, bit]) => (allowedUses.includes(name) ? [bit] : []));
  const extended = Object.entries(EXTENDED_USAGES).flatMap(([name, oid]) => (allowedUses.includes(name) ? [oid] : []));
  return [
    ...(bits.length === 0 ? [] : [keyUsages(bits)]),
    ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
    new x509.BasicConstraintsExtension(isCaCertificate, undefined, true),
    // an authority always has one: RFC 5280, 4.2.1.2
    ...(isCaCertificate || setSubjectKeyId ? [await x509.SubjectKeyIdentifierExtension.create(publicKey)] : []),
  ];
}

async function issued(
  params: Pick<x509.X509CertificateCreateParams, "subject" | "issuer" | "publicKey" | "extensions">,
  signer: Keys,
  { notBefore, validityPeriodHours }: Validity,
): Promise<MadeCertificate> {
  const serialNumber = randomBytes(16);
  // a positive number of the full length
  serialNumber[0] = ((serialNumber[0] ?? 0) & 0x7f) | 0x40;
  const notAfter = new Date(notBefore.getTime() + validityPeriodHours * HOUR_MS);
  const certificate = await x509.X509CertificateGenerator.create({
    ...params,
    serialNumber: serialNumber.toString("hex"),
    notBefore,
    notAfter,
    signingKey: signer.pair.privateKey,
    signingAlgorithm: signer.signing,
  });
  return {
    pem: `${certificate.toString("pem")}\n`,
    serial: BigInt(`0x${serialNumber.toString("hex")}`).toString(),
    notBefore,
    notAfter,
  };
}

export async function selfSigned(
  privateKeyPem: string,
  names: Names,
  purpose: Purpose,
  validity: Validity,
): Promise<MadeCertificate> {
  const keys = await keysOf(privateKeyPem);
  const name = nameOf(names.subject);
  const publicKey = await x509.PublicKey.create(keys.pair.publicKey);
  const extensions = [...(await purposeExtensions(purpose, publicKey)), ...alternativeNames(names)];
  return await issued({ subject: name, issuer: name, publicKey, extensions }, keys, validity);
}

/** A PKCS#10 request. */
export async function requested(privateKeyPem: string, names: Names): Promise<string> {
  const keys = await keysOf(privateKeyPem);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: nameOf(names.subject),
    keys: keys.pair,
    signingAlgorithm: keys.signing,
    extensions: alternativeNames(names),
  });
  return `${request.toString("pem")}\n`;
}

export async function signed(
  requestPem: string,
  authority: { readonly privateKeyPem: string; readonly certificatePem: string },
  purpose: Purpose,
  validity: Validity,
): Promise<MadeCertificate> {
  const request = new x509.Pkcs10CertificateRequest(requestPem);
  if (!(await request.verify())) throw new Error("the certificate request is not signed by its own key");
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const names = request.getExtension(SUBJECT_ALTERNATIVE_NAME);
  const authorityId = issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  const extensions = [
    ...(await purposeExtensions(purpose, request.publicKey)),
    ...(authorityId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(authorityId)]),
    ...(names === null ? [] : [names]),
  ];
  return await issued(
    { subject: request.subjectName, issuer: issuer.subjectName, publicKey: request.publicKey, extensions },
    await keysOf(authority.privateKeyPem),
    validity,
  );
}
