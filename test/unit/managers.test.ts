import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isManaged, ReadFailure, readManagers, type FailureKind, type Reading } from "../../managers/index.ts";
import { parseSecretRef } from "../../spec/index.ts";
import { CommandStandIn, type Behaviour } from "../stand-ins/command.ts";
import { VaultStandIn } from "../stand-ins/vault.ts";

const VALUE = "sk-ant-api03-CANARY-0123456789abcdefABCDEF";

let directory: string;
let env: Record<string, string>;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gatehouse-managers-"));
  env = { PATH: `${directory}:/usr/bin:/bin`, HOME: directory };
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function read(reference: string, seconds = 20): Promise<Reading | ReadFailure> {
  const parsed = parseSecretRef(reference);
  if (!parsed.ok || !isManaged(parsed.ref)) throw new Error(`${reference} leads to no manager`);
  const found = (await readManagers(new Map([[reference, parsed.ref]]), { env, seconds })).get(reference);
  if (found === undefined) throw new Error("nothing came back");
  return found;
}

async function failure(reference: string, seconds?: number): Promise<ReadFailure> {
  const found = await read(reference, seconds);
  if (found instanceof ReadFailure) return found;
  throw new Error("it was read");
}

const tool = (name: string, behaviour: Behaviour) => new CommandStandIn(directory, name, behaviour);

/** Every command line, with what a good call prints. Contracts: facts/secret-managers.md 2.2; the programs are stand-ins. */
const TOOLS: readonly {
  readonly name: string;
  readonly reference: string;
  /** What it has to be called with. */
  readonly called: string;
  readonly stdout: string;
  readonly version: string | null;
  readonly complaints: readonly (readonly [string, FailureKind])[];
}[] = [
  {
    name: "op",
    reference: "op://gateways/research/credential",
    called: "read --no-newline op://gateways/research/credential",
    stdout: VALUE,
    version: null,
    complaints: [
      [
        "[ERROR] could not read secret: error initializing client: You are not currently signed in. Please run `op signin --help`",
        "not signed in",
      ],
      ["[ERROR] could not read secret: failed to DecodeSACredentials: not a token", "not signed in"],
      ['[ERROR] could not read secret: "x" isn\'t an item in the "V" vault', "not found"],
      ["[ERROR] could not read secret: item 'x' does not have a field 'f'", "not found"],
      ["[ERROR] could not read secret: (403) Forbidden", "denied"],
      ["[ERROR] could not read secret: context deadline exceeded", "no answer"],
    ],
  },
  {
    name: "gcloud",
    reference: "gcp-sm://team-project/research#7",
    called: "--project=team-project secrets versions access 7 --secret=research --format=json",
    stdout: JSON.stringify({
      name: "projects/1/secrets/research/versions/7",
      payload: { data: Buffer.from(VALUE).toString("base64") },
    }),
    version: "7",
    complaints: [
      [
        "ERROR: (gcloud.secrets.versions.access) You do not currently have an active account selected.",
        "not signed in",
      ],
      ["ERROR: (gcloud.secrets.versions.access) UNAUTHENTICATED: no credentials", "not signed in"],
      ["ERROR: (gcloud.secrets.versions.access) NOT_FOUND: Secret not found", "not found"],
      ["ERROR: (gcloud.secrets.versions.access) PERMISSION_DENIED: or it may not exist", "denied"],
      ["ERROR: (gcloud.secrets.versions.access) FAILED_PRECONDITION: disabled", "unusable"],
      ["ERROR: gcloud crashed (ConnectionError)", "no answer"],
    ],
  },
  {
    name: "az",
    reference: "azure-kv://team-vault/research?version=0123456789abcdef0123456789abcdef",
    called:
      "keyvault secret show --vault-name team-vault --name research --version 0123456789abcdef0123456789abcdef --output json --only-show-errors",
    stdout: JSON.stringify({ id: "https://team-vault.vault.azure.net/secrets/research/0123", value: VALUE }),
    version: "0123",
    complaints: [
      ["ERROR: Please run 'az login' to setup account.", "not signed in"],
      ["ERROR: (SecretNotFound) A secret with (name/id) research was not found in this key vault.", "not found"],
      ["ERROR: (Forbidden) The user does not have secrets get permission", "denied"],
      ["ERROR: Max retries exceeded with url: /secrets", "no answer"],
    ],
  },
  {
    name: "security",
    reference: "keychain://gateways/research",
    called: "find-generic-password -s gateways -a research -w",
    stdout: `${VALUE}\n`,
    version: null,
    complaints: [
      ["security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain.", "not found"],
      ["security: SecKeychainItemCopyContent: User interaction is not allowed.", "not signed in"],
    ],
  },
];

describe.each(TOOLS)("$name (a stand-in)", ({ name, reference, called, stdout, version, complaints }) => {
  it("is asked for the one value, without a shell and with its own variables only", async () => {
    env["UNRELATED_TOKEN"] = "CANARY";
    const made = tool(name, { stdout });
    expect(await read(reference)).toEqual({ value: VALUE, version });
    expect(made.calls).toEqual([called]);
    expect(made.environment).not.toContain("UNRELATED_TOKEN");
  });

  it.each(complaints)("that says %j is understood, and not quoted", async (stderr, kind) => {
    tool(name, { stderr: `${stderr} ${VALUE}`, status: 1 });
    const found = await failure(reference);
    expect(found.kind).toBe(kind);
    expect(found.fix).not.toBe("");
    expect(`${found.message} ${found.fix}`).not.toContain("CANARY");
  });

  it("that fails with words of its own is no success", async () => {
    tool(name, { stdout: VALUE, stderr: "something new", status: 3 });
    expect(await failure(reference)).toMatchObject({ kind: "unknown", message: `${name} failed (exit 3)` });
  });

  it("that prints nothing, or no end, gives no value", async () => {
    tool(name, { stdout: "" });
    expect((await failure(reference)).kind).toBe("unusable");
    tool(name, { stdout: "x".repeat(1024 * 1024) });
    expect((await failure(reference)).kind).toBe("unusable");
  });

  it("that is missing, or never ends, is named", async () => {
    env["PATH"] = "/nonexistent";
    expect(await failure(reference)).toMatchObject({ kind: "tool missing", message: `${name} is not on PATH` });
    env["PATH"] = `${directory}:/usr/bin:/bin`;
    tool(name, { hangs: true });
    expect((await failure(reference, 1)).kind).toBe("no answer");
  });
});

describe("gcloud and az (stand-ins)", () => {
  it.each([
    ["gcloud", "gcp-sm://team-project/research", "no json"],
    ["gcloud", "gcp-sm://team-project/research", '{"payload":{}}'],
    ["az", "azure-kv://team-vault/research", "no json"],
    ["az", "azure-kv://team-vault/research", '{"value":5}'],
  ])("%s: %s answered with %j is unusable", async (name, reference, stdout) => {
    tool(name, { stdout });
    expect((await failure(reference)).kind).toBe("unusable");
  });

  it("take the newest version without one", async () => {
    const made = tool("gcloud", { stdout: "{}" });
    await failure("gcp-sm://team-project/research");
    expect(made.calls[0]).toContain("access latest");
    expect(made.environment).toContain("CLOUDSDK_CORE_DISABLE_PROMPTS=1");
  });
});

describe("security (a stand-in)", () => {
  const reference = "keychain://gateways/research";
  const hex = (text: string): string => Buffer.from(text).toString("hex");
  const shows = (stdout: string, told: string) => tool("security", { stdout: `${stdout}\n`, stderr: `${told}\n` });

  it("is asked which of the two it is, for what may be text or hex", async () => {
    const made = shows("6b65790a6b6579", 'password: "6b65790a6b6579"');
    expect(await read(reference)).toEqual({ value: "6b65790a6b6579", version: null });
    expect(made.calls.map((call) => call.at(-1))).toEqual(["w", "g"]);
  });

  it("prints a value with other than printing characters as hex, which is read as what it stands for", async () => {
    const value = `${VALUE}\n`;
    shows(hex(value), `password: 0x${hex(value).toUpperCase()}  "${VALUE}\\012"`);
    expect(await read(reference)).toEqual({ value, version: null });
  });

  it.each([
    ["does not say which", hex(VALUE), ""],
    ["says it of another value", hex(VALUE), 'password: "6b6579"'],
    ["has a value that is no text", "ff00", 'password: 0xFF00  "\\377\\000"'],
  ])("that %s gives no value", async (_how, stdout, told) => {
    shows(stdout, told);
    const { kind, message, fix } = await failure(reference);
    expect(kind).toBe("unusable");
    expect(`${message} ${fix}`).not.toContain(stdout);
  });
});

describe("op (a stand-in)", () => {
  const reference = "op://gateways/research/credential";

  it("gets a service account's token, and not a Connect server's beside it", async () => {
    Object.assign(env, { OP_SERVICE_ACCOUNT_TOKEN: "ops_x", OP_CONNECT_HOST: "http://connect", OP_CONNECT_TOKEN: "c" });
    const made = tool("op", { stdout: VALUE });
    await read(reference);
    expect(made.environment).toContain("OP_SERVICE_ACCOUNT_TOKEN=ops_x");
    expect(made.environment).not.toContain("OP_CONNECT");
  });

  it("opens no dialog where nobody is", async () => {
    const made = tool("op", { stdout: VALUE });
    await read(reference);
    expect(made.environment).not.toContain("OP_BIOMETRIC_UNLOCK_ENABLED");
    env["CI"] = "true";
    await read(reference);
    expect(made.environment).toContain("OP_BIOMETRIC_UNLOCK_ENABLED=false");
  });
});

describe("many references", () => {
  it("are read side by side, and one failure takes no other with it", async () => {
    tool("op", { stdout: VALUE });
    tool("az", { stderr: "Please run 'az login'", status: 1 });
    const references = ["op://v/a/f", "op://v/b/f", "azure-kv://vault/x"];
    const refs = new Map(
      references.flatMap((reference) => {
        const parsed = parseSecretRef(reference);
        return parsed.ok && isManaged(parsed.ref) ? [[reference, parsed.ref] as const] : [];
      }),
    );
    const found = await readManagers(refs, { env });
    expect([...found.keys()]).toEqual(references);
    expect([...found.values()].map((one) => (one instanceof ReadFailure ? one.kind : one.value))).toEqual([
      VALUE,
      VALUE,
      "not signed in",
    ]);
  });
});

describe("Vault (a stand-in with a real core's answers)", () => {
  let vault: VaultStandIn;
  beforeEach(async () => {
    vault = await new VaultStandIn().start();
    vault.store.set("team/research", ["older", VALUE]);
    Object.assign(env, { VAULT_ADDR: vault.address, VAULT_TOKEN: vault.issueToken() });
  });
  afterEach(() => vault.stop());

  it("gives the newest version, a named one, and the operator's kept login will do", async () => {
    expect(await read("vault://kv/team/research#key")).toEqual({ value: VALUE, version: "2" });
    expect(await read("vault://kv/team/research#key?version=1")).toEqual({ value: "older", version: "1" });
    writeFileSync(join(directory, ".vault-token"), `${env["VAULT_TOKEN"] ?? ""}\n`, { mode: 0o600 });
    delete env["VAULT_TOKEN"];
    expect(await read("vault://kv/team/research#key")).toMatchObject({ value: VALUE });
    vault.kv = 1;
    expect(await read("vault://kv/team/research#key?kv=1")).toEqual({ value: VALUE, version: null });
  });

  it.each([
    ["vault://kv/team/nowhere#key", "not found"],
    ["vault://kv/team/research#other", "not found"],
    ["vault://kv/team/research#key?version=9", "not found"],
  ])("has no %s", async (reference, kind) => {
    expect((await failure(reference)).kind).toBe(kind);
  });

  it("tells a token that may not read from one that it does not know, and from none", async () => {
    vault.store.set("team/closed", []);
    expect((await failure("vault://kv/team/closed#key?kv=2")).kind).toBe("denied");
    env["VAULT_TOKEN"] = "hvs.expired";
    const unknown = await failure("vault://kv/team/research#key");
    expect(unknown).toMatchObject({ kind: "not signed in", message: "Vault does not know the token (expired?)" });
    expect(unknown.fix).toContain("vault login");
    delete env["VAULT_TOKEN"];
    expect((await failure("vault://kv/team/research#key")).message).toBe("no Vault token is set");
    env["VAULT_ADDR"] = "vault.example";
    expect((await failure("vault://kv/team/research#key")).message).toBe("VAULT_ADDR is no http or https URL");
    delete env["VAULT_ADDR"];
    expect((await failure("vault://kv/team/research#key")).message).toBe("VAULT_ADDR is not set");
  });

  it("that is down gives no answer, in the time that there is", async () => {
    await vault.stop();
    expect((await failure("vault://kv/team/research#key", 2)).kind).toBe("no answer");
  });

  it("with a number in the field has no key in it", async () => {
    vault.store.set("team/number", [5]);
    expect((await failure("vault://kv/team/number#key")).kind).toBe("unusable");
  });
});

describe("pass, before it is run", () => {
  it("does not take a folder for a key", async () => {
    const store = join(directory, ".password-store");
    mkdirSync(join(store, "provider"), { recursive: true });
    const made = tool("pass", { stdout: "provider\n`-- anthropic\n" });
    expect(await failure("pass://provider")).toMatchObject({ kind: "not found" });
    expect(made.calls).toEqual([]);
    writeFileSync(join(store, "provider", "anthropic.gpg"), "");
    chmodSync(join(store, "provider", "anthropic.gpg"), 0o600);
    expect(await read("pass://provider/anthropic")).toMatchObject({ value: "provider" });
  });
});
