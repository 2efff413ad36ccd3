import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { isManaged, ReadFailure, readManagers, type Reading } from "../../managers/index.ts";
import { freePort } from "../../sandbox/node/port.ts";
import { parseSecretRef } from "../../spec/index.ts";

const VALUE = "sk-ant-api03-CANARY'\"$x`\\-0123456789";

async function read(
  reference: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Reading | ReadFailure> {
  const parsed = parseSecretRef(reference);
  if (!parsed.ok || !isManaged(parsed.ref)) throw new Error(`${reference} leads to no manager`);
  const found = (await readManagers(new Map([[reference, parsed.ref]]), { env, seconds: 20 })).get(reference);
  if (found === undefined) throw new Error("nothing came back");
  return found;
}

async function failure(reference: string, env: Readonly<Record<string, string | undefined>>): Promise<ReadFailure> {
  const found = await read(reference, env);
  if (found instanceof ReadFailure) return found;
  throw new Error("it was read");
}

function directoryWith(): string {
  return mkdtempSync(join(tmpdir(), "gatehouse-real-managers-"));
}

function isThere(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** `.ci/run` builds it there; the first on PATH otherwise. */
const SOPS_DIRECTORY = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "gatehouse/tools/sops-3.13.3");
const toolsPath = `${SOPS_DIRECTORY}:${process.env["PATH"] ?? ""}`;
const sops = existsSync(join(SOPS_DIRECTORY, "sops")) || isThere("sops", "--disable-version-check", "--version");
const age = isThere("age-keygen", "--version");
if (!sops || !age)
  process.stderr.write(`skipped: sops with age (missing:${sops ? "" : " sops"}${age ? "" : " age"})\n`);

describe.skipIf(!sops || !age)("sops with age", () => {
  let directory: string;
  let env: Record<string, string>;
  let file: string;
  beforeAll(() => {
    directory = directoryWith();
    const key = join(directory, "key.txt");
    file = join(directory, "keys.enc.json");
    execFileSync("age-keygen", ["-o", key], { stdio: "ignore" });
    const recipient = execFileSync("age-keygen", ["-y", key], { encoding: "utf8" }).trim();
    const plain = join(directory, "keys.json");
    writeFileSync(plain, JSON.stringify({ providers: { "anthropic.prod": VALUE, numbers: [5, "second"] } }));
    env = { PATH: toolsPath, HOME: directory, SOPS_AGE_KEY_FILE: key };
    const sealed = execFileSync("sops", ["--disable-version-check", "encrypt", "--age", recipient, plain], { env });
    writeFileSync(file, sealed);
    rmSync(plain);
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it("gives one value of the file, byte for byte", async () => {
    expect(await read(`sops://${file}#providers/anthropic.prod`, env)).toEqual({ value: VALUE, version: null });
    expect(await read(`sops://${file}#providers/numbers/1`, env)).toMatchObject({ value: "second" });
  });

  it("names what is missing: key, file, identity", async () => {
    expect((await failure(`sops://${file}#providers/openai`, env)).kind).toBe("not found");
    expect((await failure(`sops://${directory}/none.json#a`, env)).kind).toBe("not found");
    expect(await failure(`sops://${file}#providers`, env)).toMatchObject({ kind: "unusable", message: "the keys lead to a branch of the file, not to a value" }); // prettier-ignore
    const other = join(directory, "other.txt");
    execFileSync("age-keygen", ["-o", other], { stdio: "ignore" });
    const without = await failure(`sops://${file}#providers/anthropic.prod`, { ...env, SOPS_AGE_KEY_FILE: other });
    expect(without.kind).toBe("not signed in");
    expect(without.fix).toContain("SOPS_AGE_KEY_FILE");
  });

  it("does not believe a file that was changed, or that is not encrypted", async () => {
    const changed = join(directory, "changed.json");
    const text = readFileSync(file, "utf8");
    writeFileSync(changed, text.replace(/"lastmodified": "20\d\d/, '"lastmodified": "2001'));
    expect((await failure(`sops://${changed}#providers/anthropic.prod`, env)).kind).toBe("unusable");
    const clear = join(directory, "clear.json");
    writeFileSync(clear, JSON.stringify({ key: VALUE }));
    const found = await failure(`sops://${clear}#key`, env);
    expect(found.kind).toBe("unusable");
    expect(`${found.message} ${found.fix}`).not.toContain("CANARY");
  });
});

const pass = isThere("pass", "version") && isThere("gpg", "--version");
if (!pass) process.stderr.write("skipped: pass with GnuPG (apt-get install pass gnupg)\n");

describe.skipIf(!pass)("pass with GnuPG", () => {
  let directory: string;
  let env: Record<string, string>;
  beforeAll(() => {
    directory = directoryWith();
    const home = join(directory, "gnupg");
    mkdirSync(home, { mode: 0o700 });
    env = {
      PATH: process.env["PATH"] ?? "",
      HOME: directory,
      GNUPGHOME: home,
      PASSWORD_STORE_DIR: join(directory, "store"),
    };
    const generate = (name: string, passphrase: string) =>
      execFileSync(
        "gpg",
        ["--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase, "--quick-generate-key", `${name} <${name}@example.invalid>`, "default", "default", "never"], // prettier-ignore
        { env, stdio: "ignore" },
      );
    generate("open", "");
    generate("locked", "a passphrase");
    execFileSync("pass", ["init", "open@example.invalid"], { env, stdio: "ignore" });
    execFileSync("pass", ["insert", "-m", "provider/anthropic"], { env, input: `${VALUE}\nuser: gateway\n`, stdio: ["pipe", "ignore", "ignore"] }); // prettier-ignore
    execFileSync("pass", ["init", "-p", "locked", "locked@example.invalid"], { env, stdio: "ignore" });
    execFileSync("pass", ["insert", "-m", "locked/key"], { env, input: VALUE, stdio: ["pipe", "ignore", "ignore"] });
    execFileSync("gpgconf", ["--kill", "all"], { env });
  }, 60_000);
  afterAll(() => {
    spawnSync("gpgconf", ["--kill", "all"], { env });
    rmSync(directory, { recursive: true });
  });

  it("gives the first line of an entry", async () => {
    expect(await read("pass://provider/anthropic", env)).toEqual({ value: VALUE, version: null });
  });

  it("has no such entry, and takes no folder for one", async () => {
    expect((await failure("pass://provider/openai", env)).kind).toBe("not found");
    expect((await failure("pass://provider", env)).kind).toBe("not found");
  });

  it("asks nobody for a passphrase, and says what to do instead", async () => {
    const found = await failure("pass://locked/key", env);
    expect(found.kind).toBe("not signed in");
    expect(found.fix).toContain("unlock the key once");
  });
});

const moto = isThere("moto_server", "--help");
if (!moto) process.stderr.write("skipped: AWS Secrets Manager as moto plays it (pip install 'moto[server,secretsmanager]==5.2.5')\n"); // prettier-ignore

describe.skipIf(!moto)("AWS Secrets Manager: the vendor's SDK against moto", () => {
  let server: ChildProcess;
  let endpoint: string;
  const keys = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  beforeAll(async () => {
    const port = await freePort("127.0.0.1");
    endpoint = `http://127.0.0.1:${port}`;
    server = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    const up = (): Promise<boolean> => fetch(endpoint).then(() => true, () => false); // prettier-ignore
    for (let attempt = 0; attempt < 300 && !(await up()); attempt += 1) await sleep(100);
  }, 60_000);
  afterAll(async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill();
    await ended;
  });
  // the SDK reads its login from the process's own environment
  beforeEach(() => {
    for (const [name, value] of Object.entries({
      ...keys,
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    }))
      vi.stubEnv(name, value);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("gives a secret by name and ARN, each version and stage, and a key of a JSON secret", async () => {
    const client = new SecretsManagerClient({ endpoint, region: "eu-central-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } }); // prettier-ignore
    const first = await client.send(new CreateSecretCommand({ Name: "gw/research", SecretString: '{"key":"first"}' }));
    const second = await client.send(
      new PutSecretValueCommand({ SecretId: "gw/research", SecretString: JSON.stringify({ key: VALUE, number: 5 }) }),
    );
    client.destroy();
    const newest = { value: VALUE, version: second.VersionId };
    expect(await read("aws-sm://gw/research#key", {})).toEqual(newest);
    expect(await read(`aws-sm://${first.ARN ?? ""}#key`, {})).toEqual(newest);
    const former = { value: "first", version: first.VersionId };
    expect(await read("aws-sm://gw/research#key?stage=AWSPREVIOUS", {})).toEqual(former);
    expect(await read(`aws-sm://gw/research#key?version=${first.VersionId ?? ""}`, {})).toEqual(former);
    expect((await failure("aws-sm://gw/research#other", {})).kind).toBe("not found");
    expect((await failure("aws-sm://gw/research#number", {})).kind).toBe("unusable");
  });

  it("names what is missing: the secret, the region, the login, the service", async () => {
    expect((await failure("aws-sm://gw/nowhere", {})).kind).toBe("not found");
    vi.stubEnv("AWS_REGION", undefined);
    expect(await failure("aws-sm://gw/research", {})).toMatchObject({ kind: "not signed in", message: "no AWS region is set" }); // prettier-ignore
    vi.stubEnv("AWS_REGION", "eu-central-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
    expect((await failure("aws-sm://gw/research", {})).fix).toContain("aws sso login");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1");
    expect((await failure("aws-sm://gw/research", {})).kind).toBe("no answer");
  });
});
