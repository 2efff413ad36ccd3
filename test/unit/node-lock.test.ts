import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withLock, type LockOptions } from "../../node/lib/lock.ts";
import { EXIT } from "../../node/protocol.ts";

const module_ = join(import.meta.dirname, "../../node/lib/lock.ts");
let directory: string;
let children: ChildProcess[];
const path = (): string => join(directory, "lock.sqlite");
const options = (more: Partial<LockOptions> = {}): LockOptions => ({
  path: path(),
  what: "the lock of this test",
  waitSeconds: 0.3,
  progress: () => undefined,
  ...more,
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gatehouse-lock-"));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

/** Another process that tries for the lock and says `held` or `refused CODE`; a holder ends when its stdin does. */
async function contender(): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const script = `
    const { withLock } = await import(${JSON.stringify(module_)});
    const options = { path: ${JSON.stringify(path())}, what: "x", waitSeconds: 0.3, progress() {} };
    await withLock(options, async () => {
      console.log("held");
      for await (const _ of process.stdin);
    }).catch((error) => console.log("refused", error.code));
  `;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: chunk.toString().trim() };
}

describe("withLock", () => {
  it("returns what the work returns, private to the owner", async () => {
    const result = await withLock(options(), async () => {
      expect(statSync(path()).mode & 0o777).toBe(0o600);
      return 7;
    });
    expect(result).toBe(7);
    expect(existsSync(`${path()}.holder`)).toBe(false);
  });

  it("refuses while another process holds it, with that process's id and a status of its own", async () => {
    const { child, said } = await contender();
    expect(said).toBe("held");
    const messages: string[] = [];
    let ran = false;
    const attempt = withLock(options({ progress: (message) => messages.push(message) }), async () => {
      ran = true;
    });
    await expect(attempt).rejects.toMatchObject({
      code: "busy",
      exit: EXIT.busy,
      message: expect.stringContaining(`process ${String(child.pid)}`) as string,
    });
    expect(ran).toBe(false);
    expect(messages).toEqual([expect.stringMatching(/^waiting for process [0-9]+, which is working on the lock of this test$/)]); // prettier-ignore
  });

  it("waits until the other one is done", async () => {
    const { child } = await contender();
    setTimeout(() => child.stdin?.end(), 200);
    await expect(withLock(options({ waitSeconds: 20 }), async () => "mine")).resolves.toBe("mine");
  });

  it("is free as soon as its holder was killed by SIGKILL", async () => {
    const { child } = await contender();
    child.kill("SIGKILL");
    await once(child, "exit");
    await expect(withLock(options({ waitSeconds: 0 }), async () => "mine")).resolves.toBe("mine");
  });

  it("keeps others out while this process works, also when this process asks twice", async () => {
    await withLock(options(), async () => {
      await expect(withLock(options({ waitSeconds: 0 }), async () => undefined)).rejects.toMatchObject({
        code: "busy",
      });
      // a second open and close of the file in the holder's process must not give the kernel's lock away
      expect((await contender()).said).toBe("refused busy");
    });
    expect((await contender()).said).toBe("held");
  });

  it("is released when the work fails", async () => {
    const work = withLock(options(), async () => {
      throw new Error("work failed");
    });
    await expect(work).rejects.toThrow("work failed");
    expect((await contender()).said).toBe("held");
  });

  it("stops waiting when the phase is aborted", async () => {
    await contender();
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort(new Error("watchdog"));
    }, 100);
    const attempt = withLock(options({ waitSeconds: 30, signal: controller.signal }), async () => undefined);
    await expect(attempt).rejects.toMatchObject({ name: "AbortError" });
  });

  it("says which system call failed when it cannot be made", async () => {
    const missing = options({ path: join(directory, "missing/lock.sqlite") });
    await expect(withLock(missing, async () => undefined)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
