import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { checkedCertificate } from "../../node/generation/certificate.ts";
import { PhaseFailure } from "../../node/lib/failure.ts";
import { askGateway } from "../../node/lib/gateway-http.ts";
import { testAuthority, testCertificate, type TestAuthority, type TestCertificate } from "../certificates.ts";

const DAY_MS = 24 * 3_600_000;
let authority: TestAuthority;
let https: TestCertificate;
beforeAll(async () => {
  authority = await testAuthority();
  https = await testCertificate(authority);
});

describe("a delivered certificate", () => {
  const now = (): Date => new Date();
  const codeOf = (given: TestCertificate, at = now()): string => {
    try {
      checkedCertificate(given, at);
    } catch (error) {
      if (error instanceof PhaseFailure) {
        expect(error.message + error.fix).not.toContain("PRIVATE KEY");
        return error.code;
      }
      throw error;
    }
    return "none";
  };

  it("is known by its fingerprint and its end", () => {
    const leaf = new X509Certificate(https.certificate);
    expect(checkedCertificate(https, now())).toEqual({
      fingerprint: leaf.fingerprint256,
      notAfter: leaf.validToDate.toISOString(),
    });
  });

  it.each(["certificate", "key", "authority"] as const)("is refused when its %s is none or missing", (field) => {
    expect(codeOf({ ...https, [field]: "-----BEGIN NOTHING-----" })).toBe("certificate-unreadable");
    expect(codeOf({ ...https, [field]: "" })).toBe("certificate-unreadable");
  });

  it("is refused with another certificate's key", async () => {
    const { key } = await testCertificate(authority);
    expect(codeOf({ ...https, key })).toBe("certificate-key");
  });

  it("is refused when another authority signed it, or none", async () => {
    const other = await testAuthority();
    expect(codeOf({ ...https, authority: other.certificatePem })).toBe("certificate-authority");
    expect(codeOf({ ...https, authority: https.certificate })).toBe("certificate-authority");
  });

  it("is refused without the address that this machine asks at", async () => {
    expect(codeOf(await testCertificate(authority, { addresses: ["192.0.2.7"] }))).toBe("certificate-name");
  });

  it("is refused after its end and before its begin", () => {
    expect(codeOf(https, new Date(Date.now() + 4 * DAY_MS))).toBe("certificate-expired");
    expect(codeOf(https, new Date(Date.now() - DAY_MS))).toBe("certificate-early");
  });
});

describe("asking a gateway", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  const seen: string[] = [];

  async function listening(server: Server): Promise<number> {
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }
  const serving = async (served?: TestCertificate): Promise<number> => {
    const answer = (
      request: Parameters<Parameters<typeof createHttp>[1] & object>[0],
      response: { end(text: string): void },
    ): void => {
      void text(request).then((body) => {
        seen.push(`${request.headers.authorization ?? "-"} ${body}`);
        response.end(`${request.method ?? ""} ${request.url ?? ""} ${body}`);
      });
    };
    return await listening(
      served === undefined ? createHttp(answer) : createHttps({ key: served.key, cert: served.certificate }, answer),
    );
  };
  const post = { method: "POST", headers: { authorization: "Bearer canary" }, body: "{}" } as const;
  const signal = AbortSignal.timeout(20_000);

  it("speaks plain HTTP to one without a certificate", async () => {
    const port = await serving();
    expect(await askGateway({ port }, "/x", { ...post, signal })).toEqual({ status: 200, body: "POST /x {}" });
  });

  it("speaks HTTPS to one with its certificate, even an expired one", async () => {
    const port = await serving(https);
    const { certificate } = https;
    expect(await askGateway({ port, certificate }, "/x", { ...post, signal })).toEqual({
      status: 200,
      body: "POST /x {}",
    });
    const old = await testCertificate(authority, { notBefore: new Date(Date.now() - 9 * DAY_MS) });
    const expired = await serving(old);
    const asked = await askGateway({ port: expired, certificate: old.certificate }, "/y", { signal });
    expect(asked.body).toBe("GET /y ");
  });

  it("sends nothing to a process that serves another certificate of the same authority", async () => {
    const port = await serving(await testCertificate(authority));
    const before = seen.length;
    const asked = askGateway({ port, certificate: https.certificate }, "/x", { ...post, signal });
    await expect(asked).rejects.toThrow(/another certificate/);
    expect(seen.length).toBe(before);
  });

  it("sends nothing where TLS is expected and plain HTTP is spoken", async () => {
    const port = await serving();
    const before = seen.length;
    await expect(askGateway({ port, certificate: https.certificate }, "/x", { ...post, signal })).rejects.toThrow();
    expect(seen.length).toBe(before);
  });

  it("fails when nobody listens, and ends when it is told to", async () => {
    const port = await serving();
    for (const server of servers.splice(0)) server.close();
    await expect(askGateway({ port }, "/x", { signal })).rejects.toThrow(/ECONNREFUSED/);
    const silent = await listening(createHttp(() => undefined));
    await expect(askGateway({ port: silent }, "/x", { signal: AbortSignal.timeout(50) })).rejects.toThrow();
  });
});
