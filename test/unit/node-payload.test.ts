import { gzipSync } from "node:zlib";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accountPhase } from "../../node/account/index.ts";
import { parseResult } from "../../node/lib/as-user.ts";
import { PhaseFailure, toPhaseFailure } from "../../node/lib/failure.ts";
import { redactorFor } from "../../node/lib/redact.ts";
import { absolutePath, flag, gatewayName, integer, list, machineExpectation, object, optional, text, userName, variableName, directoryName } from "../../node/lib/shape.ts"; // prettier-ignore
import { readPayload } from "../../node/lib/stdin.ts";
import { EXIT, RESULT_MARK, type AccountPayload, type RuntimePayload } from "../../node/protocol.ts";
import { runtimePhase } from "../../node/runtime/index.ts";
import { unpackLockfile } from "../../node/runtime/lockfile.ts";
import { npmFailure } from "../../node/runtime/npm.ts";

const CANARY = "sk-ant-api03-canary-canary-canary";

/** The failure that `action` ends with. */
function failureOf(action: () => unknown): PhaseFailure {
  try {
    action();
  } catch (error) {
    if (error instanceof PhaseFailure) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("shape", () => {
  interface Sample {
    readonly name: string;
    readonly count: number;
    readonly on: boolean;
    readonly items: readonly { readonly value: string }[];
    readonly note?: string;
  }
  const shape = object<Sample>({
    name: text,
    count: integer(1, 9),
    on: flag,
    items: list(object<{ readonly value: string }>({ value: text })),
    note: optional(text),
  });
  const sample: Sample = { name: "n", count: 1, on: false, items: [{ value: CANARY }] };

  it("passes what fits, unchanged, with and without optional fields", () => {
    expect(shape(sample, "payload")).toEqual(sample);
    expect(shape({ ...sample, note: "x" }, "payload")).toEqual({ ...sample, note: "x" });
    expect(shape({ ...sample, note: undefined }, "payload")).toEqual(sample);
  });

  it.each(["name", "count", "on", "items"])("names the missing field %s", (field) => {
    const failure = failureOf(() => shape({ ...sample, [field]: undefined }, "payload"));
    expect(failure).toMatchObject({ code: "payload", layer: "runtime", exit: EXIT.usage });
    expect(failure.message).toMatch(new RegExp(`^payload\\.${field}: expected .*, got nothing$`));
  });
  it("refuses an unknown field, at any depth, by name", () => {
    expect(failureOf(() => shape({ ...sample, extra: CANARY }, "payload")).message).toContain("also 'extra'");
    const deep = { ...sample, items: [{ value: "v", other: CANARY }] };
    expect(failureOf(() => shape(deep, "payload")).message).toMatch(/^payload\.items\[0\]: .*also 'other'$/);
  });
  it.each([
    ["a string for a number", { count: "1" }],
    ["a fraction", { count: 1.5 }],
    ["a number out of bounds", { count: 10 }],
    ["NaN", { count: Number.NaN }],
    ["a number for a flag", { on: 1 }],
    ["null for a text", { name: null }],
    ["an empty text", { name: "" }],
    ["an object for a list", { items: {} }],
    ["a list for an object", { items: [[]] }],
  ])("refuses %s", (_name, change) => {
    expect(failureOf(() => shape({ ...sample, ...change }, "payload")).code).toBe("payload");
  });
  it("never repeats a value", () => {
    fc.assert(
      fc.property(fc.constantFrom("name", "count", "on", "items", "note"), fc.jsonValue(), (field, junk) => {
        try {
          shape({ ...sample, [field]: { junk, canary: CANARY } }, "payload");
        } catch (error) {
          expect(String(error)).not.toContain("canary-canary");
          return;
        }
        throw new Error("accepted");
      }),
    );
  });

  it.each([
    ["gateway name", gatewayName, ["team-a", "ab"], ["", "A", "-a", "a-", "a", "../x", "a b", "a\n", "x".repeat(41)]],
    ["user name", userName, ["oc-demo", "_x"], ["root", "Root", "-r", "0", "a b", "a:b", "a\n"]],
    ["path", absolutePath, ["/home/oc", "/srv/a.b/c"], ["home", "/", "/a/../b", "/a/./b", "/a//b", "/a b", "/a\n", "/.."]], // prettier-ignore
    ["directory name", directoryName, ["v24-0a", "a.b"], [".", "..", ".staging-x", "a/b", "", "a\n"]],
    ["variable name", variableName, ["A_1"], ["a", "1A", "A=B", "A\n", ""]],
  ])("%s: accepts and refuses", (_name, check, good, bad) => {
    for (const value of good) expect(check(value, "field")).toBe(value);
    for (const value of bad) expect(() => check(value, "field"), JSON.stringify(value)).toThrow(PhaseFailure);
  });
  it("knows a machine id by its form", () => {
    expect(machineExpectation({}, "machine")).toEqual({});
    expect(machineExpectation({ machineId: "0123456789abcdef" }, "machine")).toEqual({ machineId: "0123456789abcdef" });
    expect(() => machineExpectation({ machineId: "$(reboot)" }, "machine")).toThrow(PhaseFailure);
  });
});

const account: AccountPayload = {
  machine: {},
  gateway: "team-a",
  user: "oc-a",
  home: "/home/oc-a",
  sharedDirectories: [],
  purge: false,
};
const runtime: RuntimePayload = {
  machine: {},
  downloads: { registry: "https://registry.example.com/" },
  runtime: {
    id: "openclaw-2026.9.6-0123456789ab",
    openclawVersion: "2026.9.6",
    nodePath: "/opt/gatehouse/node/v24/bin/node",
    packageJson: "{}",
    lockfileGzip: "AAAA",
  },
  alwaysOn: true,
};

describe("payloads of the phases", () => {
  it.each([
    ["account", accountPhase, account],
    ["runtime", runtimePhase, runtime],
  ])("%s: takes its own, refuses one field more or less", (_name, phase, payload) => {
    expect(phase.check(payload)).toEqual(payload);
    expect(() => phase.check({ ...payload, extra: 1 })).toThrow(PhaseFailure);
    for (const field of Object.keys(payload)) {
      expect(() => phase.check({ ...payload, [field]: undefined }), field).toThrow(PhaseFailure);
    }
  });
  it.each([{ id: "../../etc" }, { id: ".staging-x" }, { openclawVersion: "latest" }, { nodePath: "node" }, { lockfileGzip: "not base64!" }])("runtime refuses %j", (change) => {
    expect(() => runtimePhase.check({ ...runtime, runtime: { ...runtime.runtime, ...change } })).toThrow(PhaseFailure);
  }); // prettier-ignore
  it.each([{ user: "root" }, { home: "/home/../etc" }, { gateway: "a/b" }])("account refuses %j", (change) => {
    expect(() => accountPhase.check({ ...account, ...change })).toThrow(PhaseFailure);
  });
});

describe("redactorFor", () => {
  const secret = fc.string({ minLength: 6, maxLength: 60, unit: "grapheme" }).filter((s) => !"[redacted]".includes(s));

  it("removes every value of the payload from a line, plain and as JSON writes it", () => {
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        const redact = redactorFor({ token: { value }, other: before });
        expect(redact(`${before}${value}${after}`)).toContain("[redacted]");
        const json = redact(JSON.stringify({ message: value }));
        expect(json).not.toContain(JSON.stringify(value).slice(1, -1));
      }),
    );
  });
  it("finds values at any depth, also in lists", () => {
    const redact = redactorFor({ agents: [{ credentials: [{ value: "first-secret" }] }], token: { value: "second-secret" } }); // prettier-ignore
    expect(redact("a first-secret b second-secret first-secret")).toBe("a [redacted] b [redacted] [redacted]");
  });
  it("takes the longer of two values that begin alike", () => {
    const redact = redactorFor([{ value: "secret" }, { value: "secret-and-more" }]);
    expect(redact("secret-and-more")).toBe("[redacted]");
  });
  it("leaves ordinary words and other fields alone", () => {
    const redact = redactorFor({ value: "short", user: "oc-demo", count: 3 });
    expect(redact("short oc-demo 3")).toBe("short oc-demo 3");
    expect(redactorFor(undefined)("line")).toBe("line");
  });
});

describe("readPayload", () => {
  const read = (...chunks: string[]): Promise<unknown> => readPayload(Readable.from(chunks.map((c) => Buffer.from(c))));

  it("reads JSON that comes in pieces", async () => {
    const bytes = Buffer.from('{"a":"grüße"}');
    const pieces = [...bytes].map((byte) => Buffer.from([byte]));
    expect(await readPayload(Readable.from(pieces))).toEqual({ a: "grüße" });
  });
  it("never starts with half a payload, and does not quote it", async () => {
    const whole = JSON.stringify({ token: { value: CANARY } });
    for (let length = 0; length < whole.length; length++) {
      const failure: unknown = await read(whole.slice(0, length)).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "payload", exit: EXIT.usage });
      expect(String(failure)).not.toContain("canary");
    }
  });
  it("has a bound", async () => {
    const block = " ".repeat(1024 * 1024);
    await expect(read(...Array.from({ length: 17 }, () => block))).rejects.toThrow("larger than");
  });
});

describe("failures", () => {
  it.each([
    ["ENOSPC", "disk-full"],
    ["EDQUOT", "disk-full"],
    ["EACCES", "not-permitted"],
    ["EROFS", "not-permitted"],
    ["ENOTDIR", "system-error"],
  ])("%s becomes %s, with the path", (errno, code) => {
    const failure = toPhaseFailure(Object.assign(new Error("x"), { code: errno, path: "/opt/x" }));
    expect(failure).toMatchObject({ code, layer: "config or disk", exit: EXIT.os });
    expect(failure.message).toContain(`(${errno}) at /opt/x`);
    expect(failure.fix).not.toBe("");
  });
  it("keeps a failure as it is and calls anything else a defect", () => {
    const failure = new PhaseFailure({ layer: "host", code: "x", message: "m", fix: "f" });
    expect(toPhaseFailure(failure)).toBe(failure);
    expect(failure.exit).toBe(EXIT.software);
    expect(toPhaseFailure(new TypeError("boom"))).toMatchObject({ code: "internal", exit: EXIT.software });
    expect(toPhaseFailure("text")).toMatchObject({ code: "internal" });
  });
  it("reads a result only from a whole last line", () => {
    const line = `${RESULT_MARK}{"ok":true,"value":1}`;
    expect(parseResult(`noise\n${line}\n`)).toEqual({ ok: true, value: 1 });
    expect(parseResult(`${line}\nnoise\n`)).toBeUndefined();
    expect(parseResult("")).toBeUndefined();
  });
});

describe("lockfile", () => {
  const pack = (value: unknown): string => gzipSync(JSON.stringify(value)).toString("base64");
  const good = { integrity: "sha512-AAAA", resolved: "https://registry.example.com/a.tgz" };
  const lock = (entry: object): string => pack({ packages: { "": {}, "node_modules/a": entry } });

  it("is unpacked byte for byte", () => {
    const value = { packages: { "": { name: "x" }, "node_modules/a": good } };
    expect(unpackLockfile(pack(value))).toBe(JSON.stringify(value));
    expect(() => unpackLockfile(lock({ inBundle: true }))).not.toThrow();
    expect(() => unpackLockfile(lock({ integrity: "sha512-AAAA" }))).not.toThrow();
  });
  it.each([
    ["without an integrity", lock({ ...good, integrity: undefined }), "no integrity for node_modules/a"],
    ["with SHA-1 only", lock({ ...good, integrity: "sha1-AAAA" }), "no integrity for node_modules/a"],
    ["with a link", lock({ ...good, link: true }), "outside the registry"],
    ["from git", lock({ ...good, resolved: "git+ssh://git@host/a.git" }), "outside the registry"],
    ["from a file", lock({ ...good, resolved: "file:../a" }), "outside the registry"],
    ["without packages", pack({ lockfileVersion: 1 }), "no 'packages'"],
    ["that is not gzip", Buffer.from("{}").toString("base64"), "lockfileGzip"],
    ["that is not JSON", gzipSync("{").toString("base64"), "lockfileGzip"],
    ["that would fill memory", gzipSync(Buffer.alloc(9 * 1024 * 1024)).toString("base64"), "lockfileGzip"],
  ])("refuses one %s", (_name, packed, words) => {
    const failure = failureOf(() => unpackLockfile(packed));
    expect(failure).toMatchObject({ code: "lockfile", exit: EXIT.refused });
    expect(failure.message).toContain(words);
  });
});

describe("npm's failures", () => {
  const end = (stderr: string) =>
    npmFailure({ status: 1, signal: null, stdout: "", stderr, timedOut: false, truncated: false, seconds: 1 });

  it.each([
    ["npm error code EINTEGRITY\nnpm error sha512-a", "integrity", EXIT.refused],
    ["npm error ENOSPC: no space left", "disk-full", EXIT.os],
    ["npm error code E401", "registry-auth", EXIT.unavailable],
    ["npm error code E404", "registry-missing", EXIT.unavailable],
    ["npm error code SELF_SIGNED_CERT_IN_CHAIN", "certificate", EXIT.unavailable],
    ["npm error code ENOTFOUND", "registry-unreachable", EXIT.unavailable],
    ["npm error something else", "npm", EXIT.unavailable],
  ])("%s", (words, code, exit) => {
    expect(end(words)).toMatchObject({ code, exit });
    expect(end(words).fix).not.toBe("");
  });
  it("quotes npm without addresses, which may hold a password", () => {
    const { message } = end("npm error request to https://user:hunter2@registry.example.com/a failed");
    expect(message).toContain("request to (address) failed");
    expect(message).not.toContain("hunter2");
  });
});
