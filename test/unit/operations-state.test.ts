import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ensurePassphrase } from "../../operations/passphrase.ts";
import { ensureProjectFile, putSettings } from "../../operations/settings.ts";
import { removeStaleLocks } from "../../operations/stale-lock.ts";
import { defaultStateDirectory, ensurePrivateDirectory } from "../../operations/state-directory.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gatehouse-state-"));
  return () => {
    rmSync(directory, { recursive: true, force: true });
  };
});

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("passphrase", () => {
  const file = () => join(directory, "passphrase");

  it("is 256 random bits in a file of ours alone, and the engine gets its path only", async () => {
    const umask = process.umask(0);
    const environment = await ensurePassphrase(directory, {}).finally(() => process.umask(umask));
    expect(environment).toEqual({ PULUMI_CONFIG_PASSPHRASE_FILE: file() });
    expect(mode(file())).toBe("600");
    expect(Buffer.from(readFileSync(file(), "utf8").trim(), "base64url")).toHaveLength(32);
    expect(readdirSync(directory)).toEqual(["passphrase"]);
  });

  it("stays the same, also for runs that start together", async () => {
    const seen = async (turns: number): Promise<string> => {
      // started one turn apart, so that each meets another moment of the first one's work
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      await ensurePassphrase(directory, {});
      return readFileSync(file(), "utf8");
    };
    const all = await Promise.all(Array.from({ length: 40 }, (_, turns) => seen(turns)));
    expect(new Set([...all, await seen(0)]).size).toBe(1);
    expect(readdirSync(directory)).toEqual(["passphrase"]);
  });

  it.each([
    ["a stack of the file backend", "backend/.pulumi/stacks/gatehouse/demo.json"],
    ["settings with a salt", "project/Pulumi.demo.yaml"],
  ])("is not made anew over %s", async (_, path) => {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), "{}");
    await expect(ensurePassphrase(directory, {})).rejects.toMatchObject({ code: "passphrase-lost" });
    expect(existsSync(file())).toBe(false);
  });

  it.each([
    [
      "others can read it",
      () => {
        writeFileSync(file(), "x");
        chmodSync(file(), 0o640);
      },
    ],
    [
      "it is empty",
      () => {
        writeFileSync(file(), "", { mode: 0o600 });
      },
    ],
    [
      "it is a link",
      () => {
        symlinkSync("/etc/hostname", file());
      },
    ],
  ])("is refused when %s", async (_, prepare) => {
    prepare();
    await expect(ensurePassphrase(directory, {})).rejects.toMatchObject({ code: "passphrase-file" });
  });

  it.each(["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])("%s comes first", async (name) => {
    expect(await ensurePassphrase(directory, { [name]: "x" })).toEqual({});
    expect(existsSync(file())).toBe(false);
  });
});

describe("state directory", () => {
  it("is where the environment says", () => {
    expect(defaultStateDirectory({ GATEHOUSE_STATE_DIR: "/a", XDG_STATE_HOME: "/b" })).toBe("/a");
    expect(defaultStateDirectory({ XDG_STATE_HOME: "/b" })).toBe("/b/gatehouse");
    expect(defaultStateDirectory({ XDG_STATE_HOME: "relative" })).toMatch(/\/\.local\/state\/gatehouse$/);
  });

  it("is made for us alone, and refused when others can enter", async () => {
    const path = join(directory, "a", "b");
    await ensurePrivateDirectory(path);
    expect(mode(path)).toBe("700");
    chmodSync(path, 0o750);
    await expect(ensurePrivateDirectory(path)).rejects.toMatchObject({ code: "state-directory" });
  });
});

describe("settings", () => {
  it("keep the salt and the secrets that are there", async () => {
    const file = join(directory, "Pulumi.demo.yaml");
    writeFileSync(file, "encryptionsalt: v1:salt\nconfig:\n  gatehouse:key:\n    secure: v1:x\n");
    await putSettings(directory, "demo", { "gatehouse:fleet": { nodes: [] } });
    expect(parse(readFileSync(file, "utf8"))).toEqual({
      encryptionsalt: "v1:salt",
      config: { "gatehouse:key": { secure: "v1:x" }, "gatehouse:fleet": { nodes: [] } },
    });
    expect(mode(file)).toBe("600");
  });

  it("quote every text: the engine would read a date or `yes` as something else", async () => {
    await putSettings(directory, "demo", {
      "gatehouse:fleet": { from: "2026-12-01T20:00:00+01:00", name: "yes", port: 1 },
    });
    expect(readFileSync(join(directory, "Pulumi.demo.yaml"), "utf8")).toBe(
      'config:\n  gatehouse:fleet:\n    from: "2026-12-01T20:00:00+01:00"\n    name: "yes"\n    port: 1\n',
    );
  });

  it("are not guessed when the file is broken, and the error does not quote it", async () => {
    writeFileSync(join(directory, "Pulumi.demo.yaml"), "config: [canary-value");
    const error: unknown = await putSettings(directory, "demo", {}).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "settings" });
    expect(String(error)).not.toContain("canary-value");
  });

  it("come with a project file", async () => {
    await ensureProjectFile(directory);
    expect(readFileSync(join(directory, "Pulumi.yaml"), "utf8")).toContain("name: gatehouse\nruntime: nodejs\n");
  });
});

describe("stale locks", () => {
  const dead = (): number => spawnSync("true").pid;
  const locks = () => join(directory, ".pulumi", "locks", "organization", "gatehouse", "demo");
  const write = (name: string, content: string): void => {
    mkdirSync(locks(), { recursive: true });
    writeFileSync(join(locks(), name), content);
  };
  const lock = (pid: number, host = hostname()): string =>
    JSON.stringify({ pid, username: "ops", hostname: host, timestamp: "2026-01-01T00:00:00Z" });

  it("of a dead process of this machine go, all others stay", async () => {
    write("dead.json", lock(dead()));
    write("alive.json", lock(process.pid));
    write("init.json", lock(1));
    write("elsewhere.json", lock(dead(), "another-host"));
    write("odd.json", "not json");
    const notes: string[] = [];
    await removeStaleLocks(directory, "gatehouse", "demo", (line) => notes.push(line));
    expect(readdirSync(locks()).sort()).toEqual(["alive.json", "elsewhere.json", "init.json", "odd.json"]);
    expect(notes).toHaveLength(1);
  });

  it("need not be there", async () => {
    await removeStaleLocks(directory, "gatehouse", "demo", () => undefined);
    expect(readdirSync(directory)).toEqual([]);
  });
});
