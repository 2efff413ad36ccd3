import { spawn } from "node:child_process";
import { once } from "node:events";
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { changedInputs, checkInputs, readInputs } from "../../sandbox/plugins/command/inputs.ts";
import { parseHostKey } from "../../sandbox/plugins/command/host-key.ts";
import { withDialRetries } from "../../sandbox/plugins/command/retry.ts";
import { splitArguments } from "../../sandbox/plugins/language-nodejs/options.ts";
import { asSecret, holdsSecret, isSecret, peel, reveal, type Wire } from "../../sandbox/plugins/shared/wire.ts";
import { typeOf, nameOf } from "../../sandbox/plugins/shared/urn.ts";
import { CURVES, generateKey } from "../../sandbox/plugins/tls/private-key.ts";
import { tlsProvider } from "../../sandbox/plugins/tls/provider.ts";
import { isDeepStrictEqual } from "node:util";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("inputs of remote.Command", () => {
  it("get the official connection defaults, also for the jump host, and a secret connection", () => {
    const { inputs, failures } = checkInputs({
      connection: { host: "a", proxy: { host: "b", port: 2222 } },
      create: "true",
    });
    expect(failures).toEqual([]);
    expect(isSecret(inputs["connection"])).toBe(true);
    expect(peel(inputs["connection"])).toEqual({
      host: "a",
      user: "root",
      port: 22,
      dialErrorLimit: 10,
      perDialTimeout: 15,
      proxy: { host: "b", user: "root", port: 2222, dialErrorLimit: 10, perDialTimeout: 15 },
    });
  });

  it("are refused with names only, never with values", () => {
    const { failures } = checkInputs({
      connection: { privatekey: "canary", port: "canary" },
      create: 7,
      odd: "canary",
    });
    expect(failures.map(({ property }) => property).sort()).toEqual([
      "connection.host",
      "connection.port",
      "connection.privatekey",
      "create",
      "odd",
    ]);
    expect(JSON.stringify(failures)).not.toContain("canary");
  });

  it("pass with values that are not known yet", () => {
    const { failures } = checkInputs({
      connection: asSecret({ host: UNKNOWN, port: UNKNOWN }),
      create: UNKNOWN,
      triggers: UNKNOWN,
    });
    expect(failures).toEqual([]);
    expect(checkInputs({ connection: UNKNOWN }).failures).toEqual([]);
  });

  it("differ when a value becomes secret", () => {
    const plain = { stdin: "x" };
    expect(changedInputs(plain, { stdin: asSecret("x") }, isDeepStrictEqual)).toEqual(["stdin"]);
    expect(changedInputs({ ...plain, stdout: "a" }, { ...plain }, isDeepStrictEqual)).toEqual([]);
  });

  it("are read without any mark", () => {
    const inputs = readInputs({
      connection: asSecret({ host: asSecret("h") }),
      environment: { A: asSecret("1") },
      stdout: "no",
    });
    expect(inputs).toEqual({ connection: { host: "h" }, environment: { A: "1" } });
  });
});

describe("secret marks", () => {
  it("are seen and removed at any depth", () => {
    const value: Wire = [{ a: asSecret({ b: asSecret("c") }) }];
    expect(holdsSecret(value)).toBe(true);
    expect(reveal(value)).toEqual([{ a: { b: "c" } }]);
    expect(holdsSecret([{ a: "b" }])).toBe(false);
    expect(asSecret(asSecret("x"))).toEqual(asSecret("x"));
  });
});

describe("host key pins", () => {
  const line = generateKey({ algorithm: "ED25519", ecdsaCurve: "P224", rsaBits: 2048 }).publicKeyOpenssh;

  it("take one authorized_keys line, with or without a comment", () => {
    expect(parseHostKey(`${line.trim()} someone@somewhere`)).toEqual(parseHostKey(line));
    expect(parseHostKey(line).algorithm).toBe("ssh-ed25519");
  });

  it.each(["", "ssh-ed25519", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----"])(
    "refuse %j unquoted",
    (text) => {
      expect(() => parseHostKey(text)).toThrow("no key found");
      expect(() => parseHostKey("AAAAcanary AAAA")).not.toThrow("canary");
    },
  );
});

describe("dial retries", () => {
  const never = new AbortController().signal;

  it.each([
    [0, 1],
    [2, 3],
  ])("dialErrorLimit %i dials %i times", async (limit, expected) => {
    let dials = 0;
    const run = withDialRetries(limit, never, async () => {
      dials += 1;
      throw new Error("refused");
    });
    await expect(run).rejects.toThrow(`after ${expected} failed attempt`);
    expect(dials).toBe(expected);
  });

  it("end with the operation", async () => {
    const cancelled = new AbortController();
    const run = withDialRetries(-1, cancelled.signal, async () => {
      cancelled.abort();
      throw new Error("refused");
    });
    await expect(run).rejects.toThrow("cancelled");
  });
});

describe("tls.PrivateKey", () => {
  it.each(Object.keys(CURVES) as (keyof typeof CURVES)[])("makes an ECDSA key on %s", (ecdsaCurve) => {
    const key = generateKey({ algorithm: "ECDSA", ecdsaCurve, rsaBits: 2048 });
    expect(key.privateKeyPem).toContain("BEGIN EC PRIVATE KEY");
    expect(createPrivateKey(key.privateKeyPemPkcs8).asymmetricKeyDetails?.namedCurve).toBe(CURVES[ecdsaCurve]);
    expect(key.publicKeyOpenssh === "").toBe(ecdsaCurve === "P224");
  });

  it("replaces on every input and takes a default for equal to its absence", async () => {
    const { diff } = tlsProvider();
    const urn = "urn:pulumi:s::p::tls:index/privateKey:PrivateKey::k";
    const state = { algorithm: "RSA", rsaBits: 2048, ecdsaCurve: "P224" };
    expect(await diff?.("id", urn, state, { algorithm: "RSA" })).toEqual({ changes: false, replaces: [] });
    for (const news of [
      { algorithm: "ED25519" },
      { algorithm: "RSA", rsaBits: 4096 },
      { algorithm: "RSA", ecdsaCurve: "P256" },
    ]) {
      expect((await diff?.("id", urn, state, news))?.replaces).toHaveLength(1);
    }
  });

  it("refuses unknown algorithms and other resources", async () => {
    const { check } = tlsProvider();
    const urn = "urn:pulumi:s::p::tls:index/privateKey:PrivateKey::k";
    expect((await check?.(urn, {}, { algorithm: "DSA" }))?.failures).toHaveLength(1);
    expect((await check?.(urn, {}, { algorithm: UNKNOWN }))?.failures).toEqual([]);
    await expect(check?.("urn:pulumi:s::p::tls:index/other:Other::k", {}, {})).rejects.toThrow(
      "pulumi plugin install resource tls 5.6.1",
    );
  });
});

describe("small parts", () => {
  it("splits node arguments with quotes", () => {
    expect(splitArguments(`--import tsx --title='a b' "c d"`)).toEqual(["--import", "tsx", "--title=a b", "c d"]);
  });

  it("reads URNs with parents and odd names", () => {
    const urn = "urn:pulumi:s::p::gatehouse:index:Node$command:remote:Command::a::b";
    expect(typeOf(urn)).toBe("command:remote:Command");
    expect(nameOf(urn)).toBe("a::b");
  });
});

describe("a stand-in", () => {
  it("ends when the engine that started it was killed", async () => {
    const module = join(import.meta.dirname, "../../sandbox/plugins/shared/end-with-engine.ts");
    const plugin = `import { endWithEngine } from ${JSON.stringify(module)}; endWithEngine(); setInterval(() => {}, 1e6);`;
    // the plugin holds the pipe of its stdout open for as long as it lives
    const engine = spawn(process.execPath, [
      "-e",
      `require("child_process").spawn(process.execPath, ["--input-type=module-typescript", "-e", ${JSON.stringify(`${plugin} console.log("up")`)}], { stdio: "inherit" }); setInterval(() => {}, 1e6);`,
    ]);
    await once(engine.stdout, "data");
    engine.kill("SIGKILL");
    await once(engine.stdout.resume(), "close");
    expect(engine.signalCode).toBe("SIGKILL");
  });
});
