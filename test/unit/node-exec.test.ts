import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { describeEnd, exec, killAllCommands, MINIMAL_PATH } from "../../node/lib/exec.ts";

const sh = (script: string): readonly [string, ...string[]] => ["/bin/sh", "-c", script];
const node = (script: string): readonly [string, ...string[]] => [process.execPath, "-e", script];

function alive(pid: number): boolean {
  try {
    // a zombie that nobody has waited for yet is as dead as it gets
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("exec", () => {
  it("passes stdin, both outputs and the status through", async () => {
    const result = await exec(sh("cat; echo oops >&2; exit 7"), { stdin: "grüße", timeoutSeconds: 10 });
    expect(result).toMatchObject({ status: 7, signal: null, stdout: "grüße", stderr: "oops\n", timedOut: false });
    expect(describeEnd(result)).toBe("exit status 7");
  });

  it("passes on no variable of this process", async () => {
    process.env["GATEHOUSE_TEST_CANARY"] = "leaked";
    try {
      const result = await exec(["/usr/bin/env"], { timeoutSeconds: 10, env: { ONE: "1" } });
      expect(result.stdout.trim().split("\n").sort()).toEqual(["LANG=C.UTF-8", "ONE=1", `PATH=${MINIMAL_PATH}`]);
    } finally {
      delete process.env["GATEHOUSE_TEST_CANARY"];
    }
  });

  it("uses no shell: an argument is an argument", async () => {
    const argument = "$(echo x); `y` 'z' \"\n*";
    expect((await exec(["/usr/bin/printf", "%s", argument], { timeoutSeconds: 10 })).stdout).toBe(argument);
  });

  it("survives a program that does not read its stdin", async () => {
    const result = await exec(["/bin/true"], { stdin: "x".repeat(4_000_000), timeoutSeconds: 10 });
    expect(result.status).toBe(0);
  });

  it("rejects when the program is not there", async () => {
    await expect(exec(["/nowhere/program"], { timeoutSeconds: 10 })).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("says which signal ended it", async () => {
    const result = await exec(sh("kill -9 $$"), { timeoutSeconds: 10 });
    expect(describeEnd(result)).toBe("killed by SIGKILL");
  });

  it("ends the whole group after the timeout", async () => {
    const result = await exec(sh("sleep 60 & echo $!; wait"), { timeoutSeconds: 0.3 });
    expect(result.timedOut).toBe(true);
    expect(describeEnd(result)).toMatch(/^no answer within \d+ s$/);
    const grandchild = Number(result.stdout.trim());
    expect(grandchild).toBeGreaterThan(1);
    await sleep(100);
    expect(alive(grandchild)).toBe(false);
  });

  it("kills a group that does not listen to SIGTERM, soon after", async () => {
    const result = await exec(sh("trap '' TERM; echo $$; while :; do sleep 0.1; done"), { timeoutSeconds: 0.2 });
    expect(result.signal).toBe("SIGKILL");
    expect(result.seconds).toBeLessThan(10);
    expect(alive(Number(result.stdout.trim()))).toBe(false);
  });

  it("does not wait for ever for a grandchild that left the group and holds the pipes", async () => {
    const result = await exec(sh("setsid sh -c 'echo $$; exec sleep 60' & wait"), { timeoutSeconds: 0.5 });
    expect(result.timedOut).toBe(true);
    expect(result.seconds).toBeLessThan(10);
    process.kill(Number(result.stdout.trim()), "SIGKILL");
  });

  it("is killed with everything else by the watchdog", async () => {
    const result = exec(sh("sleep 60"), { timeoutSeconds: 60 });
    await sleep(50);
    killAllCommands();
    expect((await result).signal).toBe("SIGKILL");
  });

  it("keeps the end of a long output and says that it is the end", async () => {
    const long = await exec(node("process.stdout.write('a'.repeat(300000) + 'END')"), {
      timeoutSeconds: 10,
      keepBytes: 1000,
    });
    expect(long.stdout).toBe(`${"a".repeat(997)}END`);
    expect(long.truncated).toBe(true);
    const short = await exec(node("process.stdout.write('a'.repeat(1000))"), { timeoutSeconds: 10, keepBytes: 1000 });
    expect(short).toMatchObject({ stdout: "a".repeat(1000), truncated: false });
  });

  it("hands out lines of stderr as they come, whole ones, also the last without its end", async () => {
    const lines: string[] = [];
    // the two bytes of ü arrive apart
    const script =
      "const w=(b)=>new Promise(r=>process.stderr.write(b,r)); (async()=>{await w('first\\ngr');await w(Buffer.from([0xc3]));" +
      "await new Promise(r=>setTimeout(r,100));await w(Buffer.from([0xbc]));await w('n\\nlast')})()";
    await exec(node(script), { timeoutSeconds: 10, onStderrLine: (line) => lines.push(line) });
    expect(lines).toEqual(["first", "grün", "last"]);
  });
});
