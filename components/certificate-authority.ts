import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { AUTHORITY_RENEW_BEFORE_DAYS } from "../spec/index.ts";
import type { CertificateAuthoritySpec, HttpsSpec } from "../spec/index.ts";

/** ECDSA on P-256: browsers take no Ed25519 certificate (facts: remote-access.md 2). */
const KEY = { algorithm: "ECDSA", ecdsaCurve: "P256" } as const;
const DAY_HOURS = 24;

/** What certificates are signed with. */
export interface Authority {
  /** PEM, public. */
  readonly certificatePem: pulumi.Output<string>;
  /** PEM; secret. */
  readonly privateKeyPem: pulumi.Output<string>;
}

/** The private certificate authority of a fleet. Clients that trust its certificate trust every gateway with `https`. */
export class CertificateAuthority extends pulumi.ComponentResource implements Authority {
  /** PEM, public: for `NODE_EXTRA_CA_CERTS`, a system's trust store, a proxy. */
  readonly certificatePem: pulumi.Output<string>;
  /** PEM; secret, and in the stack's state only. */
  readonly privateKeyPem: pulumi.Output<string>;
  /** SHA-256, 32 pairs of hex digits with colons. */
  readonly fingerprint: pulumi.Output<string>;
  /** RFC 3339. */
  readonly notAfter: pulumi.Output<string>;

  constructor(name: string, spec: CertificateAuthoritySpec, opts?: pulumi.ComponentResourceOptions) {
    super("gatehouse:index:CertificateAuthority", name, { ...spec }, opts);
    const key = new tls.PrivateKey(`${name}-key-${spec.keyVersion}`, KEY, { parent: this });
    const certificate = new tls.SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: spec.commonName },
        isCaCertificate: true,
        allowedUses: ["cert_signing", "crl_signing"],
        validityPeriodHours: spec.validityDays * DAY_HOURS,
        earlyRenewalHours: AUTHORITY_RENEW_BEFORE_DAYS * DAY_HOURS,
      },
      { parent: this },
    );
    this.certificatePem = certificate.certPem;
    this.privateKeyPem = pulumi.secret(key.privateKeyPem);
    this.fingerprint = certificate.certPem.apply((pem) => new X509Certificate(pem).fingerprint256);
    this.notAfter = certificate.certPem.apply((pem) => new X509Certificate(pem).validToDate.toISOString());
    this.registerOutputs({ fingerprint: this.fingerprint, notAfter: this.notAfter });
  }
}

/** The certificate of one gateway, as the ledger and the outputs show it. */
export interface CertificateView {
  /** SHA-256, 32 pairs of hex digits with colons. */
  readonly fingerprint: string;
  /** These three are RFC 3339, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** From then on an update renews it. */
  readonly due: string;
}

/** A gateway's own HTTPS certificate. */
export interface GatewayCertificate {
  readonly certificate: pulumi.Output<string>;
  /** Secret. */
  readonly key: pulumi.Output<string>;
  readonly authority: pulumi.Output<string>;
  readonly view: pulumi.Output<CertificateView>;
}

/** Makes it, and makes another one when an update falls into its renewal period. */
export function gatewayCertificate(
  gateway: string,
  spec: HttpsSpec,
  authority: Authority,
  opts: pulumi.CustomResourceOptions,
): GatewayCertificate {
  const key = new tls.PrivateKey(`${gateway}-https-key-${spec.keyVersion}`, KEY, opts);
  const addresses = [...new Set(["127.0.0.1", ...spec.addresses, ...(isAddress(spec.listen) ? [spec.listen] : [])])];
  const request = new tls.CertRequest(
    `${gateway}-https`,
    {
      privateKeyPem: key.privateKeyPem,
      subject: { commonName: spec.names[0] ?? gateway },
      dnsNames: [...new Set(["localhost", ...spec.names])],
      ipAddresses: addresses,
    },
    opts,
  );
  const signed = new tls.LocallySignedCert(
    `${gateway}-https`,
    {
      caPrivateKeyPem: authority.privateKeyPem,
      caCertPem: authority.certificatePem,
      certRequestPem: request.certRequestPem,
      allowedUses: ["digital_signature", "server_auth"],
      validityPeriodHours: spec.validityDays * DAY_HOURS,
      earlyRenewalHours: spec.renewBeforeDays * DAY_HOURS,
    },
    opts,
  );
  return {
    certificate: signed.certPem,
    key: pulumi.secret(key.privateKeyPem),
    authority: authority.certificatePem,
    view: signed.certPem.apply((pem) => certificateView(pem, spec.renewBeforeDays)),
  };
}

function isAddress(listen: HttpsSpec["listen"]): boolean {
  return listen !== "loopback" && listen !== "all";
}

function certificateView(pem: string, renewBeforeDays: number): CertificateView {
  const certificate = new X509Certificate(pem);
  const end = certificate.validToDate;
  return {
    fingerprint: certificate.fingerprint256,
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: end.toISOString(),
    due: new Date(end.getTime() - renewBeforeDays * DAY_HOURS * 3_600_000).toISOString(),
  };
}
