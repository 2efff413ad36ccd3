import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensurePulumi } from "../../sandbox/engine/cli.ts";
import { cacheRoot, contentKey, publishDirectory } from "../../sandbox/engine/cache.ts";
import { ChecksumMismatch, DownloadUnavailable, EngineError } from "../../sandbox/engine/errors.ts";
import { downloadPinned } from "../../sandbox/engine/download.ts";
import { findGo } from "../../sandbox/engine/go-toolchain.ts";
import { STAND_IN_MARK } from "../../sandbox/engine/launchers.ts";
import { GO_TOOLCHAIN, OFFICIAL_CLI } from "../../sandbox/engine/pins.ts";
import { ensurePlugins } from "../../sandbox/engine/plugins.ts";
import { readZip } from "../../sandbox/engine/unzip.ts";
import { atLeast, parseVersion } from "../../sandbox/engine/version.ts";

let work: string;
let server: Server | undefined;
const silent = (): void => undefined;
const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin";

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "gatehouse-engine-"));
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(work, { recursive: true, force: true });
});

/** Serves fixed answers on a loopback port; an unknown path is 404. */
async function serve(answers: Record<string, Buffer>): Promise<string> {
  const started = createServer((request, response) => {
    const body = answers[request.url ?? ""];
    response.writeHead(body ? 200 : 404).end(body);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const address = started.address();
  return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
}

function executable(path: string, script: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

/** An official archive in miniature: `pulumi/pulumi` prints a version. */
function archive(version: string): Buffer {
  executable(join(work, "archive", "pulumi", "pulumi"), `echo v${version}`);
  return execFileSync("tar", ["-czf", "-", "-C", join(work, "archive"), "pulumi"]);
}

const archivePath = `/pulumi-v${OFFICIAL_CLI.version}-${process.platform}-${process.arch}.tar.gz`;

describe("versions", () => {
  it.each([
    ["v3.250.0\n", [3, 250, 0]],
    ["go version go1.26.8 linux/amd64", [1, 26, 8]],
    ["go version go1.26 linux/amd64", [1, 26, 0]],
    ["3.204.0-alpha.1", [3, 204, 0]],
  ])("reads %j", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });

  it("finds none in other text", () => {
    expect(parseVersion("command not found")).toBeUndefined();
  });

  it.each([
    [[3, 203, 0], true],
    [[3, 202, 99], false],
    [[3, 1000, 0], true],
    [[4, 0, 0], true],
    [[2, 999, 9], false],
  ] as const)("compares %j with 3.203.0", (version, expected) => {
    expect(atLeast(version, [3, 203, 0])).toBe(expected);
  });
});

describe("the Pulumi CLI", () => {
  it("comes from PATH when new enough, past an old one before it", async () => {
    executable(join(work, "old", "pulumi"), "echo v3.202.5");
    const command = executable(join(work, "new", "pulumi"), "echo v3.203.0");
    const notes: string[] = [];
    const env = { PATH: `${join(work, "old")}:${join(work, "new")}:${SYSTEM_PATH}` };
    const cli = await ensurePulumi({ env, cache: join(work, "cache") }, (text) => notes.push(text));
    expect(cli).toEqual({ command, version: "3.203.0", source: "path" });
    expect(notes.join()).toContain("3.202.5");
  });

  it("is downloaded, checked and afterwards found in the cache", async () => {
    const data = archive("3.221.0");
    const releases = await serve({ [archivePath]: data });
    const options = {
      env: { PATH: SYSTEM_PATH },
      cache: join(work, "cache"),
      sources: ["download"] as const,
      releases,
      sha256: sha256(data),
    };
    const first = await ensurePulumi(options, silent);
    expect(first).toMatchObject({ version: "3.221.0", source: "download" });
    server?.close();
    expect(await ensurePulumi(options, silent)).toEqual({ ...first, source: "cache" });
  });

  it("is refused when its checksum differs, and leaves nothing behind", async () => {
    const releases = await serve({ [archivePath]: archive("3.221.0") });
    const cache = join(work, "cache");
    const run = ensurePulumi({ env: { PATH: SYSTEM_PATH }, cache, releases, sha256: "0".repeat(64) }, silent);
    await expect(run).rejects.toBeInstanceOf(ChecksumMismatch);
    expect(readdirSync(join(cache, "pulumi"))).toEqual([]);
  });

  it("names what to install when no source is left", async () => {
    const releases = await serve({});
    const run = ensurePulumi(
      { env: { PATH: SYSTEM_PATH }, cache: join(work, "cache"), sources: ["path", "download"], releases },
      silent,
    );
    const error: unknown = await run.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).message).toContain("HTTP status 404");
    expect((error as EngineError).fix).toContain("install `pulumi`");
  });
});

describe("downloads", () => {
  it("fail at once on a closed port", async () => {
    const base = await serve({});
    server?.close();
    const started = Date.now();
    await expect(downloadPinned(`${base}/x`, "0".repeat(64), join(work, "x"))).rejects.toBeInstanceOf(
      DownloadUnavailable,
    );
    expect(Date.now() - started).toBeLessThan(2_000);
  });
});

describe("the cache", () => {
  it("follows XDG_CACHE_HOME", () => {
    expect(cacheRoot({ XDG_CACHE_HOME: "/x" })).toBe("/x/gatehouse");
    expect(cacheRoot({ XDG_CACHE_HOME: "relative" })).toMatch(/\/\.cache\/gatehouse$/);
  });

  it("keys by content and by where the parts are cut", () => {
    expect(contentKey(["ab", "c"])).not.toBe(contentKey(["a", "bc"]));
    expect(contentKey(["ab", "c"])).toBe(contentKey(["ab", "c"]));
  });

  it("publishes a directory whole or not at all", async () => {
    const failing = publishDirectory(work, "entry", async (staging) => {
      writeFileSync(join(staging, "half"), "");
      throw new Error("killed");
    });
    await expect(failing).rejects.toThrow("killed");
    expect(readdirSync(work)).toEqual([]);
    await publishDirectory(work, "entry", async (staging) => {
      expect(existsSync(join(work, "entry"))).toBe(false);
      writeFileSync(join(staging, "file"), "first");
    });
    await publishDirectory(work, "entry", async () => {
      throw new Error("made again");
    });
    expect(readFileSync(join(work, "entry", "file"), "utf8")).toBe("first");
  });
});

describe("Go", () => {
  it("is taken from PATH when new enough", async () => {
    executable(join(work, "bin", "go"), "echo go version go1.25.11 linux/amd64");
    const env = { PATH: `${join(work, "bin")}:${SYSTEM_PATH}` };
    expect(await findGo(work, work, env, silent)).toBe("go");
  });

  it("that is too old, without a module proxy, is an error with the ways out", async () => {
    executable(join(work, "bin", "go"), "echo go version go1.19.8 linux/amd64");
    const env = { PATH: `${join(work, "bin")}:${SYSTEM_PATH}`, GOENV: join(work, "none") };
    const error: unknown = await findGo(work, work, env, silent).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).fix).toMatch(/Go 1\.25\.11.*GOPROXY/);
  });

  it("from the first proxy of GOPROXY must have the pinned checksum", async () => {
    const arch = process.arch === "x64" ? "amd64" : process.arch;
    const path = `/golang.org/toolchain/@v/v0.0.1-go${GO_TOOLCHAIN.version}.${process.platform}-${arch}.zip`;
    const base = await serve({ [path]: Buffer.from("not Go") });
    const env = { PATH: join(work, "empty"), GOENV: join(work, "none"), GOPROXY: `off,${base}/,direct` };
    await expect(findGo(work, join(work, "cache"), env, silent)).rejects.toBeInstanceOf(ChecksumMismatch);
  });
});

describe("zip archives", () => {
  it("are read back, stored and deflated", async () => {
    const path = join(work, "a.zip");
    const script =
      "import sys,zipfile\n" +
      "z=zipfile.ZipFile(sys.argv[1],'w')\n" +
      "z.writestr('a/stored','s',zipfile.ZIP_STORED)\n" +
      "z.writestr('a/deflated','d'*1000,zipfile.ZIP_DEFLATED)\n";
    execFileSync("python3", ["-c", script, path]);
    const entries = (await readZip(path)).map((entry) => [entry.name, entry.content().toString()]);
    expect(entries).toEqual([
      ["a/stored", "s"],
      ["a/deflated", "d".repeat(1000)],
    ]);
  });
});

describe("plugins", () => {
  const cli = () => ({
    command: executable(join(work, "cli", "pulumi"), "echo v3.250.0"),
    version: "3.250.0",
    source: "path" as const,
  });
  const env = () => ({ PATH: SYSTEM_PATH, PULUMI_HOME: join(work, "home") });

  it("are all stand-ins on demand, as executables that name themselves", async () => {
    const ready = await ensurePlugins({ choice: "stand-in", cache: join(work, "cache"), env: env() }, cli(), silent);
    expect(ready).toMatchObject({ command: "stand-in", tls: "stand-in", languageHost: "stand-in" });
    const bin = ready.env["PATH"]?.split(":")[0] ?? "";
    for (const name of readdirSync(bin)) expect(readFileSync(join(bin, name), "utf8")).toContain(STAND_IN_MARK);
    expect(readdirSync(bin)).toContain("pulumi-resource-command");
    expect(ready.env).toMatchObject({
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    });
  });

  it("are the official ones where all are installed", async () => {
    for (const name of ["command-v1.2.1", "tls-v5.6.1"]) {
      const [plugin = ""] = name.split("-");
      executable(join(work, "home", "plugins", `resource-${name}`, `pulumi-resource-${plugin}`), "true");
    }
    const pulumi = cli();
    executable(join(work, "cli", "pulumi-language-nodejs"), "true");
    const ready = await ensurePlugins({ choice: "official", cache: join(work, "cache"), env: env() }, pulumi, silent);
    expect(ready).toMatchObject({ command: "official", tls: "official", languageHost: "official" });
    expect(ready.env).not.toHaveProperty("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION");
  });

  it("of ours on PATH do not pass for official", async () => {
    const options = { choice: "stand-in", cache: join(work, "cache"), env: env() } as const;
    const ready = await ensurePlugins(options, cli(), silent);
    rememberRefusals(join(work, "cache"), new Date());
    const again = { ...env(), PATH: ready.env["PATH"] ?? "" };
    const second = await ensurePlugins({ choice: "auto", cache: join(work, "cache"), env: again }, cli(), silent);
    expect(second).toMatchObject({ command: "stand-in", tls: "stand-in", languageHost: "stand-in" });
  });

  it("are not asked for again on the day of a refused download", async () => {
    rememberRefusals(join(work, "cache"), new Date());
    const notes: string[] = [];
    const started = Date.now();
    await ensurePlugins({ choice: "auto", cache: join(work, "cache"), env: env() }, cli(), (text) => notes.push(text));
    expect(Date.now() - started).toBeLessThan(1_000);
    expect(notes.join()).not.toContain("installing");
  });

  function rememberRefusals(cache: string, at: Date): void {
    mkdirSync(join(cache, "plugins"), { recursive: true });
    for (const name of ["command-1.2.1", "tls-5.6.1"]) {
      const text = JSON.stringify({ at: at.toISOString(), reason: "no network" });
      writeFileSync(join(cache, "plugins", `refused-${name}.json`), text);
    }
  }
});
