import { spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleNodeProgram } from "../../node/bundle.ts";
import { EXIT, PHASES, RESULT_MARK, type PhaseResult } from "../../node/protocol.ts";

const CANARY = "sk-ant-api03-canary-canary-canary";
const nodeDirectory = join(import.meta.dirname, "../../node");

/** The real dispatcher around phases that do what their payload says. */
const SCRIPTED = `
  import { writeFile } from "node:fs/promises";
  import { main } from "./cli.ts";
  import { PhaseFailure } from "./lib/failure.ts";
  import { exec } from "./lib/exec.ts";
  const say = async (payload, context) => {
    const { does, token } = payload;
    context.progress("working with " + (token?.value ?? "nothing"));
    if (does === "hang") {
      const end = await exec(["/bin/sh", "-c", "echo $$ >&2; exec sleep 60"], { timeoutSeconds: 60, onStderrLine: context.progress });
      if (end.status !== 0) throw new Error("the command was killed");
    }
    if (does === "slow") {
      await new Promise((resolve) => setTimeout(resolve, 500));
      context.progress("still working");
      await writeFile(payload.file, "done");
    }
    if (does === "fail") throw new PhaseFailure({ layer: "provider credential", code: "bad", message: "no " + token.value, fix: "use another", exit: 65 });
    if (does === "crash") throw new TypeError("boom " + token.value);
    if (does === "full") throw Object.assign(new Error("x"), { code: "ENOSPC", path: "/opt/x" });
    return { uid: process.geteuid(), umask: process.umask(), echo: token?.value };
  };
  const phase = (name) => ({
    name, watchdogSeconds: 1, check: (payload) => payload, apply: say, remove: async () => ({ removed: [name], kept: [] }),
    userCommands: { [name + "-say"]: say },
  });
  await main({
    phases: { runtime: phase("runtime"), account: phase("account"), agent: phase("agent"), gateway: phase("gateway"), verify: phase("verify") },
    visits: { diagnose: { watchdogSeconds: 1, run: async (payload) => ({ looked: payload.at }), userCommands: { "look-say": say } } },
    collectMetrics: async (context) => { context.progress("collecting"); },
    settle: async (args, context) => { context.progress("settling " + args.join(" ")); },
  });
`;

const directory = mkdtempSync(join(tmpdir(), "gatehouse-cli-"));
const scripted = join(directory, "scripted.mjs");
const bundled = join(directory, "gatehouse-node.mjs");

beforeAll(() => {
  const stdin = { contents: SCRIPTED, resolveDir: nodeDirectory, loader: "js" as const };
  buildSync({ stdin, bundle: true, platform: "node", target: "node24", format: "esm", outfile: scripted });
  writeFileSync(bundled, bundleNodeProgram().programText);
  for (const path of [directory, scripted, bundled]) chmodSync(path, 0o755);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

type Done = SpawnSyncReturns<string> & { readonly result: PhaseResult<unknown> | undefined };

function finished(done: SpawnSyncReturns<string>): Done {
  const line = done.stdout.trimEnd().split("\n").at(-1) ?? "";
  const result = line.startsWith(RESULT_MARK)
    ? (JSON.parse(line.slice(RESULT_MARK.length)) as PhaseResult<unknown>)
    : undefined;
  return { ...done, result };
}

function run(file: string, args: readonly string[], input = ""): Done {
  return finished(spawnSync(process.execPath, [file, ...args], { encoding: "utf8", input }));
}

describe("bundled program", () => {
  it("is the same text each time and imports nothing but Node's own modules", () => {
    const { programText, hash } = bundleNodeProgram();
    expect(bundleNodeProgram()).toEqual({ programText, hash });
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const imported = [...programText.matchAll(/\bimport(?:[\w${},* ]*?\bfrom)?"([^"\\]+)"/g)].map(([, name]) => name);
    expect(imported.length).toBeGreaterThan(3);
    for (const name of imported) expect(name).toMatch(/^node:/);
    expect(programText).not.toContain(nodeDirectory);
  });
  it("explains itself", () => {
    const done = run(bundled, ["--help"]);
    expect(done).toMatchObject({ status: 0, stderr: "" });
    for (const phase of PHASES) expect(done.stdout).toContain(phase);
  });
  it.each(PHASES)("%s refuses a payload it does not understand, by field", (phase) => {
    const done = run(bundled, ["apply", phase], JSON.stringify({ token: { value: CANARY } }));
    expect(done.status).toBe(EXIT.usage);
    expect(done.result).toMatchObject({ ok: false, error: { code: "payload", layer: "runtime" } });
    expect(done.stdout + done.stderr).not.toContain("canary");
  });
});

it("a look at a gateway takes a payload that it understands, and no machine's record", () => {
  const done = run(bundled, ["diagnose"], JSON.stringify({ token: { value: CANARY } }));
  expect(done.status).toBe(EXIT.usage);
  expect(done.result).toMatchObject({ ok: false, error: { code: "payload" } });
  expect(done.stdout + done.stderr).not.toContain("canary");
});

const FAILURES = [
  ["a failure", "fail", 65, "provider credential", "bad"],
  ["a full disk", "full", EXIT.os, "config or disk", "disk-full"],
  ["a defect", "crash", EXIT.software, "runtime", "internal"],
] as const;

describe("dispatcher", () => {
  it.each([
    [[], "no command given"],
    [["frobnicate"], "unknown command 'frobnicate'"],
    [["apply"], "no phase ''"],
    [["apply", "everything"], "no phase 'everything'"],
    [["apply", "agent", "--force"], "unknown argument '--force'"],
    [["diagnose", "--force"], "unknown command 'diagnose'"],
    [["apply", "agent", "--known", "x"], "unknown argument"],
    [["internal", "nothing"], "no internal step 'nothing'"],
    [["internal", "constructor"], "no internal step 'constructor'"],
  ])("refuses the arguments %j", (args, words) => {
    const done = run(scripted, args, "{}");
    expect(done.status).toBe(EXIT.usage);
    expect(done.stderr).toContain(words);
    expect(done.result).toMatchObject({ ok: false, error: { code: "usage" } });
  });

  it.each([
    ["nothing", ""],
    ["half a payload", '{"token":{"value":"sk-ant-api03-canary'],
    ["no JSON", "canary"],
  ])("never starts with %s", (_name, input) => {
    const done = run(scripted, ["internal", "agent-say"], input);
    expect(done.status).toBe(EXIT.usage);
    expect(done.result).toMatchObject({ ok: false, error: { code: "payload", layer: "host" } });
    expect(done.stdout + done.stderr).not.toContain("canary");
  });

  it("prints progress for people on stderr and one line for programs on stdout, both without the secret", () => {
    const done = run(scripted, ["internal", "agent-say"], JSON.stringify({ token: { value: CANARY } }));
    expect(done.status).toBe(0);
    expect(done.stderr).toBe("gatehouse: working with [redacted]\n");
    expect(done.stdout.trim().split("\n")).toHaveLength(1);
    expect(done.result).toMatchObject({ ok: true, value: { echo: "[redacted]", umask: 0o077 } });
  });

  it.each(FAILURES)(
    "of a step passes %s on to the phase that called it, which tells people",
    (_name, does, status, layer, code) => {
      const done = run(scripted, ["internal", "agent-say"], JSON.stringify({ does, token: { value: CANARY } }));
      expect(done.status).toBe(status);
      expect(done.result).toMatchObject({ ok: false, error: { layer, code } });
      expect(done.stderr).toBe("gatehouse: working with [redacted]\n");
      expect(done.stdout).not.toContain("canary");
    },
  );

  it("looks without a record of this machine", () => {
    const done = run(scripted, ["diagnose"], JSON.stringify({ at: "team-a" }));
    expect(done).toMatchObject({ status: 0, result: { ok: true, value: { looked: "team-a" } } });
  });

  it("gives timers a call without a payload", () => {
    const collected = run(scripted, ["collect-metrics"]);
    expect([collected.status, collected.stderr]).toEqual([0, "gatehouse: collecting\n"]);
    expect(run(scripted, ["collect-metrics", "more"]).status).toBe(EXIT.usage);
    const done = run(scripted, ["settle", "a", "b"]);
    expect(done).toMatchObject({ status: 0, stderr: "gatehouse: settling a b\n" });
  });

  /** Starts a step and waits for a line on stderr that matches. */
  async function started(payload: object, line: RegExp) {
    const child = spawn(process.execPath, [scripted, "internal", "agent-say"], { stdio: ["pipe", "pipe", "pipe"] });
    const said = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stdin.end(JSON.stringify(payload));
    await new Promise<void>((resolve) => {
      child.stderr.on("data", (chunk: Buffer) => {
        said.stderr += chunk.toString();
        if (line.test(said.stderr)) resolve();
      });
    });
    return { child, said };
  }

  it.each(["SIGTERM", "SIGINT"] as const)("ends at %s with a result, and so do its commands", async (signal) => {
    const { child, said } = await started({ does: "hang" }, /^gatehouse: [0-9]+$/m);
    const command = Number(/^gatehouse: ([0-9]+)$/m.exec(said.stderr)?.[1]);
    const closed = once(child, "close");
    child.kill(signal);
    await closed;
    expect(child.exitCode).toBe(EXIT.unavailable);
    expect(said.stdout).toContain('"code":"interrupted"');
    expect(said.stdout).toContain(`ended by ${signal}`);
    expect(() => process.kill(command, 0)).toThrow("ESRCH");
  });

  it("runs to its end when the connection is cut", async () => {
    const file = join(directory, "done");
    const { child } = await started({ does: "slow", file }, /working/);
    child.stdout.destroy();
    child.stderr.destroy();
    child.kill("SIGHUP");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(readFileSync(file, "utf8")).toBe("done");
  });
});

describe("phases", () => {
  const [uid, gid] = [65534, 65534];
  const asRoot = process.getuid?.() === 0;
  it("refuse to run without root", () => {
    const options = { encoding: "utf8", input: '{"machine":{}}', ...(asRoot ? { uid, gid } : {}) } as const;
    const done = finished(spawnSync(process.execPath, [scripted, "apply", "agent"], options));
    expect(done.status).toBe(EXIT.permission);
    expect(done.result).toMatchObject({ ok: false, error: { code: "not-root", layer: "host" } });
  });

  /** As root of a namespace in which this machine's record is a fresh directory. */
  const inNamespace = (script: string): readonly string[] => [
    "-rm",
    "sh",
    "-c",
    `mount -t tmpfs tmpfs /var/lib && ${script}`,
  ];
  const possible = spawnSync("unshare", inNamespace("test -r /etc/machine-id")).status === 0;
  if (!possible)
    process.stderr.write("skipped: this kernel lets nobody make a user namespace with mounts of its own\n");
  const asNodeRoot = (args: string, payload: object, before = "true"): Done =>
    finished(
      spawnSync("unshare", inNamespace(`${before} && exec "$0" ${scripted} ${args}`).concat(process.execPath), {
        encoding: "utf8",
        input: JSON.stringify({ machine: {}, ...payload }),
      }),
    );

  it.skipIf(!possible)("bind themselves to the machine, then work with a private umask", () => {
    const done = asNodeRoot("apply agent", {});
    expect(done).toMatchObject({ status: 0, result: { ok: true, value: { uid: 0, umask: 0o077 } } });
    expect(asNodeRoot("remove agent", {}).result).toEqual({ ok: true, value: { removed: ["agent"], kept: [] } });
  });
  it.skipIf(!possible)("refuse another machine before they do anything", () => {
    for (const done of [
      asNodeRoot("apply agent --known", {}),
      asNodeRoot("apply agent", { machine: { machineId: "f".repeat(32) } }),
      asNodeRoot("remove agent", {}, `mkdir /var/lib/gatehouse && echo '{"machineId":"${"f".repeat(32)}"}' >/var/lib/gatehouse/machine.json`), // prettier-ignore
    ]) {
      expect(done.status).toBe(EXIT.refused);
      expect(done.result).toMatchObject({ ok: false, error: { code: "machine-changed" } });
      expect(done.stderr).not.toContain("working");
    }
  });
  it.skipIf(!possible).each(FAILURES)(
    "tell %s to people and programs alike, without the secret",
    (_name, does, status, layer, code) => {
      const done = asNodeRoot("apply agent", { does, token: { value: CANARY } });
      expect(done.status).toBe(status);
      if (done.result?.ok !== false) throw new Error("no error in the result");
      const { error } = done.result;
      expect(error).toMatchObject({ layer, code });
      expect(done.stderr).toContain(
        `gatehouse: agent failed [${layer}/${code}]: ${error.message}\n  fix: ${error.fix}\n`,
      );
      expect(done.stdout + done.stderr).not.toContain("canary");
    },
  );
  it.skipIf(!possible)("are ended by their watchdog when they hang, with all their commands", () => {
    const started = Date.now();
    const done = asNodeRoot("apply agent", { does: "hang" });
    expect(Date.now() - started).toBeLessThan(20_000);
    expect(done.status).toBe(EXIT.unavailable);
    expect(done.result).toMatchObject({ ok: false, error: { code: "timeout", layer: "host" } });
  });
});
