import { X509Certificate, createPrivateKey } from "node:crypto";
import { createServer } from "node:https";
import { get } from "node:https";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { beforeAll, describe, expect, it } from "vitest";
import type { WireObject } from "../../sandbox/plugins/shared/wire.ts";
import { reveal } from "../../sandbox/plugins/shared/wire.ts";
import { tlsProvider } from "../../sandbox/plugins/tls/provider.ts";

const NOW = new Date(Math.floor(Date.now() / 1000) * 1000);
const HOUR_MS = 3_600_000;
const urn = (type: string): string => `urn:pulumi:s::p::tls:index/${type}::x`;
const PRIVATE_KEY = urn("privateKey:PrivateKey");
const SELF_SIGNED = urn("selfSignedCert:SelfSignedCert");
const REQUEST = urn("certRequest:CertRequest");
const SIGNED = urn("locallySignedCert:LocallySignedCert");

interface Made {
  readonly id: string;
  readonly outs: WireObject;
}

function provider(now = NOW): Required<Pick<ReturnType<typeof tlsProvider>, "check" | "create" | "diff" | "update">> {
  return tlsProvider(() => now) as never;
}

async function make(type: string, inputs: WireObject): Promise<Made> {
  const { failures } = await provider().check(type, {}, inputs);
  expect(failures ?? []).toEqual([]);
  return (await provider().create(type, inputs)) as Made;
}

function text(made: Made, name: string): string {
  const value = reveal(made.outs[name]);
  if (typeof value !== "string") throw new Error(`${name} is no text`);
  return value;
}

async function newKey(ecdsaCurve = "P256"): Promise<string> {
  return text(await make(PRIVATE_KEY, { algorithm: "ECDSA", ecdsaCurve }), "privateKeyPem");
}

interface Chain {
  readonly authority: Made;
  readonly request: Made;
  readonly leaf: Made;
  readonly leafInputs: WireObject;
  readonly key: string;
}

async function chain(): Promise<Chain> {
  const [caKey, key] = await Promise.all([newKey(), newKey()]);
  const authority = await make(SELF_SIGNED, {
    privateKeyPem: caKey,
    subject: { commonName: "test authority" },
    isCaCertificate: true,
    allowedUses: ["cert_signing", "crl_signing"],
    validityPeriodHours: 1000,
  });
  const request = await make(REQUEST, {
    privateKeyPem: key,
    subject: { commonName: "gw" },
    dnsNames: ["gw.example.internal", "localhost"],
    ipAddresses: ["127.0.0.1", "2001:db8::1"],
  });
  const leafInputs = {
    caPrivateKeyPem: caKey,
    caCertPem: text(authority, "certPem"),
    certRequestPem: text(request, "certRequestPem"),
    allowedUses: ["digital_signature", "server_auth"],
    validityPeriodHours: 100,
    earlyRenewalHours: 30,
  };
  return { authority, request, leaf: await make(SIGNED, leafInputs), leafInputs, key };
}

describe("the tls stand-in's certificates", () => {
  let made: Chain;
  beforeAll(async () => {
    made = await chain();
  });

  it("form a chain that OpenSSL accepts, for the key of the request", () => {
    const [authority, leaf] = [made.authority, made.leaf].map(
      (certificate) => new X509Certificate(text(certificate, "certPem")),
    );
    expect(authority?.ca).toBe(true);
    expect(leaf?.ca).toBe(false);
    expect(leaf?.checkIssued(authority as X509Certificate)).toBe(true);
    expect(leaf?.verify((authority as X509Certificate).publicKey)).toBe(true);
    expect(leaf?.checkPrivateKey(createPrivateKey(made.key))).toBe(true);
    expect(leaf?.checkHost("gw.example.internal")).toBe("gw.example.internal");
    expect(leaf?.checkHost("other.example.internal")).toBeUndefined();
    expect(leaf?.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(leaf?.checkIP("2001:db8::1")).toBe("2001:db8::1");
    expect(leaf?.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  });

  it("serve a TLS session to a client that trusts the authority, and to no other", async () => {
    const server = createServer({ key: made.key, cert: text(made.leaf, "certPem") }, (_request, response) =>
      response.end("ok"),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const ask = async (ca: string | undefined): Promise<number | undefined> =>
      await new Promise((resolve, reject) => {
        get({ host: "127.0.0.1", port, ca, agent: false }, (response) => {
          resolve(response.resume().statusCode);
        }).on("error", reject);
      });
    try {
      expect(await ask(text(made.authority, "certPem"))).toBe(200);
      await expect(ask(undefined)).rejects.toThrow(/certificate/);
    } finally {
      server.close();
    }
  });

  it("say how long they hold, as the official plugin does", () => {
    expect(Date.parse(text(made.leaf, "validityStartTime"))).toBe(NOW.getTime());
    expect(Date.parse(text(made.leaf, "validityEndTime"))).toBe(NOW.getTime() + 100 * HOUR_MS);
    expect(made.leaf.outs["readyForRenewal"]).toBe(false);
    expect(made.leaf.id).toBe(BigInt(`0x${new X509Certificate(text(made.leaf, "certPem")).serialNumber}`).toString());
  });

  it("are replaced inside their renewal period, and not before", async () => {
    const diffAt = async (hours: number) =>
      await provider(new Date(NOW.getTime() + hours * HOUR_MS)).diff(
        made.leaf.id,
        SIGNED,
        made.leaf.outs,
        made.leafInputs,
      );
    expect(await diffAt(69)).toEqual({ changes: false, replaces: [] });
    expect(await diffAt(70)).toEqual({ changes: true, replaces: ["readyForRenewal"] });
  });

  it.each([
    ["allowedUses", ["server_auth"]],
    ["validityPeriodHours", 200],
    ["caCertPem", "another"],
  ] as const)("are replaced when %s changes", async (property, value) => {
    const diff = await provider().diff(made.leaf.id, SIGNED, made.leaf.outs, { ...made.leafInputs, [property]: value });
    expect(diff).toEqual({ changes: true, replaces: [property] });
  });

  it("take another renewal period in place", async () => {
    const news = { ...made.leafInputs, earlyRenewalHours: 20 };
    expect(await provider().diff(made.leaf.id, SIGNED, made.leaf.outs, news)).toEqual({ changes: true, replaces: [] });
    const { outs } = (await provider().update(made.leaf.id, SIGNED, made.leaf.outs, news)) as { outs: WireObject };
    expect(outs["earlyRenewalHours"]).toBe(20);
    expect(outs["certPem"]).toBe(made.leaf.outs["certPem"]);
  });

  it.each([
    [SIGNED, "allowedUses", ["to_fly"]],
    [SIGNED, "allowedUses", undefined],
    [SIGNED, "validityPeriodHours", -1],
    [SIGNED, "validityPeriodHours", undefined],
    [SELF_SIGNED, "earlyRenewalHours", 0.5],
  ] as const)("of %s are refused with %s = %s", async (type, property, value) => {
    const inputs = { ...made.leafInputs, [property]: value };
    const { failures } = await provider().check(type, {}, inputs);
    expect(failures?.map((failure) => failure.property)).toEqual([property]);
  });

  it("are not signed for a request that another key signed", async () => {
    const forged = text(made.request, "certRequestPem");
    const body = Buffer.from(forged.replace(/-----.*-----|\n/g, ""), "base64");
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${body.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    await expect(provider().create(SIGNED, { ...made.leafInputs, certRequestPem: pem })).rejects.toThrow(/own key/);
  });

  it("are made for no unknown resource", async () => {
    await expect(provider().create(urn("other:Other"), {})).rejects.toThrow(/not served/);
  });
});
