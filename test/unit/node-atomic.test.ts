import { spawnSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"; // prettier-ignore
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureDirectory, readLinkOrNull, removeLeftovers, swapSymlink, writeFileAtomic, writeTree } from "../../node/lib/atomic.ts"; // prettier-ignore

const module_ = join(import.meta.dirname, "../../node/lib/atomic.ts");
let directory: string;
const at = (name: string): string => join(directory, name);
const mode = (path: string): number => lstatSync(path).mode & 0o7777;
const leftovers = (): string[] => readdirSync(directory).filter((name) => name.startsWith(".gatehouse-tmp-"));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gatehouse-atomic-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/**
 * Runs `call` in a process of its own that is killed by SIGKILL at the `nth` use of one file operation, before it has
 * any effect.
 */
function killedAt(operation: string, call: string, nth = 1): void {
  const script = `
    import fs from "node:fs/promises";
    import { syncBuiltinESMExports } from "node:module";
    const handle = await fs.open(${JSON.stringify(directory)});
    const target = ${JSON.stringify(operation)} in fs && ${JSON.stringify(!operation.startsWith("handle."))}
      ? fs : Object.getPrototypeOf(handle);
    await handle.close();
    const name = ${JSON.stringify(operation.replace("handle.", ""))};
    const original = target[name];
    let uses = 0;
    target[name] = function (...args) {
      if (++uses === ${nth}) process.kill(process.pid, "SIGKILL");
      return original.apply(this, args);
    };
    syncBuiltinESMExports();
    process.umask(0);
    const atomic = await import(${JSON.stringify(module_)});
    await (${call});
  `;
  const done = spawnSync(process.execPath, ["--no-warnings", "--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  expect(done.signal, `not killed at ${operation}: ${done.stderr}`).toBe("SIGKILL");
}

describe("writeFileAtomic", () => {
  it("replaces content and mode, whatever the umask, and leaves nothing beside it", async () => {
    writeFileSync(at("file"), "old", { mode: 0o644 });
    const umask = process.umask(0o777);
    try {
      await writeFileAtomic(at("file"), "new", { mode: 0o640 });
    } finally {
      process.umask(umask);
    }
    expect(mode(at("file"))).toBe(0o640);
    expect(readFileSync(at("file"), "utf8")).toBe("new");
    expect(readdirSync(directory)).toEqual(["file"]);
  });

  const write = (): string =>
    `atomic.writeFileAtomic(${JSON.stringify(at("file"))}, "SECRET", { mode: 0o600, owner: { uid: process.getuid(), gid: process.getgid() } })`;
  it.each([
    ["open", 0, ""],
    ["handle.chown", 1, ""],
    ["handle.chmod", 1, ""],
    ["handle.writeFile", 1, ""],
    ["handle.sync", 1, "SECRET"],
    ["rename", 1, "SECRET"],
  ])(
    "killed before %s: the old file stays, what is left is private and can be cleaned up",
    async (step, count, content) => {
      writeFileSync(at("file"), "old");
      killedAt(step, write());
      expect(readFileSync(at("file"), "utf8")).toBe("old");
      expect(leftovers()).toHaveLength(count);
      for (const name of leftovers()) {
        expect(mode(at(name))).toBe(0o600);
        expect(readFileSync(at(name), "utf8")).toBe(content);
      }
      await removeLeftovers(directory);
      expect(readdirSync(directory)).toEqual(["file"]);
    },
  );
  it("gives the temporary file its final mode before any content", () => {
    killedAt("handle.writeFile", `atomic.writeFileAtomic(${JSON.stringify(at("file"))}, "SECRET", { mode: 0o640 })`);
    const [name = ""] = leftovers();
    expect(mode(at(name))).toBe(0o640);
    expect(readFileSync(at(name), "utf8")).toBe("");
  });
  it("cleans up after an error and keeps the old file", async () => {
    mkdirSync(at("busy"));
    writeFileSync(at("busy/old"), "old");
    await expect(writeFileAtomic(at("busy"), "new", { mode: 0o600 })).rejects.toThrow();
    expect(leftovers()).toEqual([]);
    expect(readFileSync(at("busy/old"), "utf8")).toBe("old");
  });
  it("replaces a link and leaves its target alone", async () => {
    writeFileSync(at("victim"), "untouched");
    symlinkSync("victim", at("link"));
    await writeFileAtomic(at("link"), "new", { mode: 0o600 });
    expect(readFileSync(at("victim"), "utf8")).toBe("untouched");
    expect(lstatSync(at("link")).isFile()).toBe(true);
  });
});

describe("swapSymlink", () => {
  it("points anew in one step and says whether it changed", async () => {
    expect(await swapSymlink(at("current"), "g-1")).toBe(true);
    expect(await swapSymlink(at("current"), "g-1")).toBe(false);
    expect(await swapSymlink(at("current"), "g-2")).toBe(true);
    expect(await readLinkOrNull(at("current"))).toBe("g-2");
    expect(readdirSync(directory)).toEqual(["current"]);
  });
  it("killed before the rename, still points at the old target", async () => {
    await swapSymlink(at("current"), "g-1");
    killedAt("rename", `atomic.swapSymlink(${JSON.stringify(at("current"))}, "g-2")`);
    expect(await readLinkOrNull(at("current"))).toBe("g-1");
    await removeLeftovers(directory);
    expect(readdirSync(directory)).toEqual(["current"]);
  });
  it("knows nothing from something that is no link", async () => {
    expect(await readLinkOrNull(at("nothing"))).toBeNull();
    writeFileSync(at("file"), "");
    await expect(readLinkOrNull(at("file"))).rejects.toThrow("EINVAL");
  });
});

describe("writeTree", () => {
  const files = { one: { content: "1", mode: 0o600 }, two: { content: "2", mode: 0o640 } };
  const tree = (): string => `atomic.writeTree(${JSON.stringify(at("tree"))}, ${JSON.stringify(files)}, 0o700)`;

  it("puts a whole directory in place and keeps one that is there", async () => {
    expect(await writeTree(at("tree"), files, 0o700)).toBe(true);
    expect([mode(at("tree")), mode(at("tree/one")), mode(at("tree/two"))]).toEqual([0o700, 0o600, 0o640]);
    writeFileSync(at("tree/one"), "kept");
    expect(await writeTree(at("tree"), files, 0o700)).toBe(false);
    expect(readFileSync(at("tree/one"), "utf8")).toBe("kept");
  });
  it.each([
    ["the first file", "handle.writeFile", 1],
    ["the second file", "handle.writeFile", 2],
    ["the last rename", "rename", 3],
  ])("killed before %s, it is not there at all", async (_name, operation, nth) => {
    killedAt(operation, tree(), nth);
    expect(readdirSync(directory)).toEqual(leftovers());
    expect(leftovers()).toHaveLength(1);
    await removeLeftovers(directory);
    expect(await writeTree(at("tree"), files, 0o700)).toBe(true);
    expect(readdirSync(directory)).toEqual(["tree"]);
  });
});

describe("ensureDirectory", () => {
  it("makes it and corrects the mode of an existing one", async () => {
    await ensureDirectory(at("made"), { mode: 0o700 });
    chmodSync(at("made"), 0o777);
    await ensureDirectory(at("made"), { mode: 0o750 });
    expect(mode(at("made"))).toBe(0o750);
  });
  it("never follows a link, not even to a directory", async () => {
    mkdirSync(at("elsewhere"), { mode: 0o755 });
    symlinkSync("elsewhere", at("planted"));
    await expect(ensureDirectory(at("planted"), { mode: 0o700 })).rejects.toMatchObject({ code: "ENOTDIR" });
    expect(mode(at("elsewhere"))).toBe(0o755);
  });
  it("refuses a file in its place", async () => {
    writeFileSync(at("file"), "");
    await expect(ensureDirectory(at("file"), { mode: 0o700 })).rejects.toMatchObject({ code: "ENOTDIR" });
  });
});
