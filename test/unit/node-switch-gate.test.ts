import { existsSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acceptCandidate, attestation } from "../../node/openclaw/candidate.ts";
import { OpenclawCli } from "../../node/openclaw/cli.ts";
import { EXIT } from "../../node/protocol.ts";
import { passGate } from "../../node/switch/gate.ts";
import { waitUntilReady } from "../../node/switch/start-watch.ts";
import { ATTESTATION, ATTESTED, failureOf, KEY, nameOf, SwitchBench, TOKEN, UNIT, VERSION } from "./switch-fixture.ts";

const NAME = nameOf("1");
const SOUND = { service: { loaded: true, configAudit: { ok: true, issues: [] } }, rpc: { ok: true } };
const SECRET = new RegExp(`${TOKEN}|${KEY}`);

let bench: SwitchBench;
beforeEach(async () => {
  bench = await SwitchBench.start();
  await bench.serve(NAME);
});
afterEach(() => {
  bench.stop();
});

const gate = () =>
  passGate(bench.home, bench.generation(NAME), bench.context(), { checks: "everything", before: null });
const ready = (seconds = 1) =>
  waitUntilReady(bench.generation(NAME, { readyTimeoutSeconds: seconds }), bench.context());

describe("the wait for readiness", () => {
  it("ends when the gateway says ready with the expected version", async () => {
    await ready();
  });
  it("reads the answer: a body that does not say ready is not ready", async () => {
    bench.readyBody = { ready: false, failing: ["sessions"] };
    expect(await failureOf(ready())).toMatchObject({ layer: "gateway session", code: "not-ready", exit: EXIT.gate });
    bench.readyBody = "ready";
    expect(await failureOf(ready())).toMatchObject({ code: "not-ready" });
  });
  it("names the version that answers instead", async () => {
    bench.behaviours.set(NAME, { version: "2026.9.5" });
    const failure = await failureOf(ready());
    expect(failure).toMatchObject({ layer: "runtime", code: "wrong-version", exit: EXIT.gate });
    expect(failure.message).toMatch(new RegExp(`OpenClaw 2026\\.9\\.5 answers on port \\d+, expected ${VERSION}`));
  });
  it.each(["ended", "restarting"] as const)("stops long before its limit when the process %s", async (start) => {
    bench.behaviours.set(NAME, { start });
    const began = performance.now();
    expect(await failureOf(ready(60))).toMatchObject({ layer: "gateway session", code: "start-failed" });
    expect(performance.now() - began).toBeLessThan(5000);
  });
  describe("with the vendor's own lock in the way", () => {
    const CONTENTION = "Gateway failed to start: StateDatabaseCoordinatorContentionError";
    const starts = () => bench.asked.filter((request) => request.startsWith("restart")).length;

    it("leaves the unit its next attempt, and no other cause", async () => {
      bench.behaviours.set(NAME, { start: "restarting" });
      bench.log.push(CONTENTION);
      expect(await failureOf(ready(1.5))).toMatchObject({ code: "not-ready" });
      bench.log.push("Gateway failed to start: out of memory");
      expect(await failureOf(ready(60))).toMatchObject({ code: "start-failed" });
      expect(starts()).toBe(0);
    });
    it("starts what the unit has given up, twice at most", async () => {
      bench.behaviours.set(NAME, { start: "ended" });
      bench.log.push(CONTENTION);
      expect(await failureOf(ready(60))).toMatchObject({ code: "start-failed" });
      expect(starts()).toBe(2);
    });
    it("does not start it anew for another cause", async () => {
      bench.behaviours.set(NAME, { start: "ended" });
      bench.log.push("Gateway failed to start: out of memory");
      expect(await failureOf(ready(60))).toMatchObject({ code: "start-failed" });
      expect(starts()).toBe(0);
    });
  });
  it.each([
    ["the last error", ["Error: first", "error: unknown option '--prt'", "Main process exited", "bye"], "unknown option '--prt'"], // prettier-ignore
    ["the last failure", ["listening failed: EADDRINUSE", "closing"], "EADDRINUSE"],
    ["the last line otherwise", ["one", "two"], ": two"],
    ["what the vendor says, not systemd", ["gateway failed to start", `${UNIT}: Failed with result 'exit-code'.`], "failed to start"], // prettier-ignore
    ["a cause, not what the fence explains", ["cannot open: denied", "Unable to read systemd stop timeout: refused", "shutdown budget: timeout unavailable"], "cannot open: denied"], // prettier-ignore
    ["an unknown option", ['OpenClaw does not recognize option "--prt".', "Try: openclaw gateway --help"], "--prt"],
    ["systemd's cause, where the process had no word", [`Started ${UNIT}`, `${UNIT}: Failed at step EXEC spawning /x: No such file`, `${UNIT}: Failed with result 'exit-code'.`], "step EXEC spawning /x"], // prettier-ignore
    ["no credential", [`error: bad key ${KEY}`], "bad key [redacted]"],
  ])("tells %s of the log", async (_name, log, words) => {
    bench.behaviours.set(NAME, { start: "ended" });
    bench.log.push(...log);
    const { message } = await failureOf(ready());
    expect(message).toContain(words);
    expect(message).not.toMatch(SECRET);
  });
});

describe("the gate", () => {
  it("passes a gateway that OpenClaw finds no fault with", async () => {
    await gate();
    expect(
      bench
        .calls()
        .map((call) => call.split(" ")[0])
        .toSorted(),
    ).toEqual(["gateway-status", "models-research"]);
  });
  it("leaves a first start alone until it listens, and uses the time of any other", async () => {
    bench.behaviours.set(NAME, { start: "ended" });
    await failureOf(gate());
    expect(bench.calls()).toEqual([]);
    const generation = bench.generation(NAME);
    await failureOf(passGate(bench.home, generation, bench.context(), { checks: "everything", before: generation }));
    expect(bench.calls().map((call) => call.split(" ")[0])).toEqual(["models-research"]);
  });
  it("gives the vendor's commands the generation's own credentials", async () => {
    await gate();
    for (const call of bench.calls()) expect(call).toMatch(new RegExp(`config=live key=${KEY}$`));
  });

  const refusals: readonly (readonly [string, string, object, number, object, string])[] = [
    ["a unit with a fault", "gateway-status", { ...SOUND, service: { loaded: true, configAudit: { ok: false, issues: [{ code: "gateway-token-embedded" }] } } }, 0, { layer: "config or disk", code: "unit-audit" }, "gateway-token-embedded"], // prettier-ignore
    ["a unit that is not loaded", "gateway-status", { ...SOUND, service: { loaded: false, configAudit: { ok: true } } }, 0, { layer: "config or disk", code: "unit-audit" }, "not loaded"], // prettier-ignore
    ["a token that is refused", "gateway-status", { ...SOUND, rpc: { ok: false, connectFailure: { kind: "auth-rejected", detailCode: "AUTH_TOKEN_MISMATCH" }, error: `unauthorized: ${TOKEN}` } }, 1, { layer: "gateway session", code: "auth-token-mismatch" }, "unauthorized: [redacted]"], // prettier-ignore
    ["a session that fails without a word", "gateway-status", SOUND, 1, { layer: "gateway session", code: "rpc" }, "exit status 1"], // prettier-ignore
    ["a status without a session", "gateway-status", { service: SOUND.service }, 0, { layer: "gateway session", code: "rpc" }, ""], // prettier-ignore
    ["no answer at all", "gateway-status", {}, 0, { layer: "config or disk", code: "unit-audit" }, "not loaded"],
    ["an agent without a key", "models-research", { auth: { missingProvidersInUse: ["anthropic"] } }, 1, { layer: "provider credential", code: "agent-credential" }, "agent 'research' cannot use its model: no usable key for anthropic"], // prettier-ignore
    ["a key that can't be resolved", "models-research", { auth: { modelRouteIssues: [{ kind: "indeterminate", message: `could not confirm ${KEY}` }] } }, 1, { code: "agent-credential" }, "could not confirm [redacted]"], // prettier-ignore
    ["a profile that is disabled", "models-research", { auth: { unusableProfiles: [{ kind: "disabled" }] } }, 1, { code: "agent-credential" }, "exit status 1"], // prettier-ignore
    ["a missing key beside a resting one", "models-research", { auth: { unusableProfiles: [{ kind: "cooldown" }], missingProvidersInUse: ["openai"] } }, 1, { code: "agent-credential" }, "openai"], // prettier-ignore
  ];
  it.each(refusals)("refuses %s", async (_name, key, answer, status, expected, words) => {
    bench.answer(key, answer, { status });
    const failure = await failureOf(gate());
    expect(failure).toMatchObject({ ...expected, exit: EXIT.gate });
    expect(failure.message).toContain(words);
    expect(failure.message).not.toMatch(SECRET);
  });
  it("refuses an agent whose check crashes, with the vendor's last words", async () => {
    bench.answer("models-research", "not json", { status: 3, complaint: `first\nboom ${KEY}\n` });
    const { message } = await failureOf(gate());
    expect(message).toContain("exit status 3, boom [redacted]");
  });
  it("passes a key that expires soon", async () => {
    bench.answer("models-research", { auth: {} }, { status: 2 });
    await gate();
  });
  it("passes a new key while OpenClaw still rests after the old one, and says so", async () => {
    bench.answer("models-research", { auth: { unusableProfiles: [{ kind: "cooldown" }] } }, { status: 1 });
    await gate();
    expect(bench.progress.join("\n")).toContain("agent 'research'");
  });
  it("asks again what was asked too early, while the gateway still started", async () => {
    bench.readyBody = { ready: false };
    bench.answer("gateway-status", { service: SOUND.service, rpc: { ok: false } }, { status: 1 });
    bench.answer("models-research", { auth: { missingProvidersInUse: ["anthropic"] } }, { status: 1 });
    setTimeout(() => {
      bench.answer("gateway-status", SOUND);
      bench.answer("models-research", { auth: {} });
      bench.readyBody = { ready: true };
    }, 400);
    await gate();
    const asked = bench.calls().map((call) => call.split(" ")[0]);
    expect(asked.toSorted()).toEqual(["gateway-status", "gateway-status", "models-research", "models-research"]);
  });
  it("fails in order when a command can't even be started", async () => {
    bench.behaviours.set(NAME, { start: "mute" });
    setTimeout(() => bench.behaviours.delete(NAME), 300);
    const generation = bench.generation(NAME, { nodePath: "/nonexistent/node" });
    await expect(
      passGate(bench.home, generation, bench.context(), { checks: "everything", before: null }),
    ).rejects.toMatchObject({
      code: "ENOENT",
    });
  });
  it("refuses a configuration that something rewrote meanwhile", async () => {
    writeFileSync(bench.home.config, "{}");
    expect(await failureOf(gate())).toMatchObject({ layer: "config or disk", code: "config-changed", exit: EXIT.gate });
  });
});

describe("the candidate's own runtime", () => {
  const accept = () => acceptCandidate(bench.home, bench.generation(NAME));
  const gone = (): void => {
    expect(existsSync(bench.home.candidate)).toBe(false);
  };

  it("looks at a copy, never at what is live, and asks once", async () => {
    await accept();
    expect(bench.calls().map((call) => call.split(" ")[0]).toSorted()).toEqual(["policy-check", "secrets-apply"]); // prettier-ignore
    for (const call of bench.calls()) expect(call).toContain(`config=${bench.home.candidate}/`);
    gone();
  });
  it.each([
    ["by the field", { valid: false, issues: [{ path: "gateway.port", message: `bad ${TOKEN}` }] }, "gateway.port: bad [redacted]"], // prettier-ignore
    ["in its own words", { valid: false, error: { message: "JSON5 parse failed" } }, "JSON5 parse failed"],
  ])("refuses the configuration %s", async (_name, answer, words) => {
    bench.answer("secrets-apply", {}, { status: 1 });
    bench.answer("config-validate", answer, { status: 1 });
    const failure = await failureOf(accept());
    expect(failure).toMatchObject({ layer: "config or disk", code: "config-invalid", exit: EXIT.gate });
    expect(failure.message).toContain(words);
    expect(failure.message).not.toMatch(SECRET);
    gone();
  });
  it("refuses what is not said to be valid, whatever the exit status", async () => {
    bench.answer("secrets-apply", {}, { status: 1 });
    bench.answer("config-validate", {});
    expect(await failureOf(accept())).toMatchObject({ code: "config-invalid" });
  });
  it("says that the agents' profiles were not written", async () => {
    bench.answer("secrets-apply", "", { status: 1, complaint: `no agent store ${KEY}` });
    const failure = await failureOf(accept());
    expect(failure).toMatchObject({ layer: "provider credential", code: "secrets-apply", exit: EXIT.gate });
    expect(failure.message).toContain("no agent store [redacted]");
    gone();
  });
});

describe("the policy check", () => {
  const accept = (files = {}) => {
    const { manifest, files: own } = bench.generation(NAME);
    return acceptCandidate(bench.home, { manifest, files: { ...own, config: '{"other":1}\n', ...files } });
  };
  const asked = () => bench.calls().filter((call) => call.startsWith("policy-check")).length;

  it("gives what the vendor attests", async () => {
    expect(await accept()).toEqual(ATTESTATION);
  });
  it("is not asked twice about the same configuration and rules, and is about others", async () => {
    await accept();
    const { manifest, files } = bench.generation(NAME);
    const same = { manifest, files: { ...files, config: '{"other":1}\n' } };
    expect(await attestation(bench.home, same)).toEqual(ATTESTATION);
    expect(asked()).toBe(1);
    await attestation(bench.home, { manifest, files: { ...same.files, policy: "{}\n" } });
    expect(asked()).toBe(2);
    await attestation(bench.home, { manifest: { ...manifest, openclawVersion: "2026.9.7" }, files: same.files });
    expect(asked()).toBe(3);
  });
  it("is not asked of a generation without rules", async () => {
    expect(await accept({ policy: undefined })).toBeNull();
    expect(asked()).toBe(0);
  });
  it("refuses a finding by the vendor's rule, without a secret, and keeps no record", async () => {
    const findings = ["a", "b", "c", "d", "e"].map((checkId) => ({ checkId, message: `wrong ${KEY}` }));
    bench.answer("policy-check", { ...ATTESTED, ok: false, findings }, { status: 1 });
    const failure = await failureOf(accept());
    expect(failure).toMatchObject({ layer: "config or disk", code: "policy-finding", exit: EXIT.gate });
    expect(failure.message).toContain("a: wrong [redacted]; b: wrong [redacted]; c: wrong [redacted] and 2 more");
    expect(failure.message).not.toMatch(SECRET);
    bench.answer("policy-check", ATTESTED);
    await accept();
    expect(asked()).toBe(2);
  });
  it.each([
    ["a failed command", ATTESTED, 1],
    ["no verdict", { ...ATTESTED, ok: undefined }, 0],
    ["no hash", { ...ATTESTED, attestation: {} }, 0],
    ["no count of checks", { ...ATTESTED, checksRun: undefined }, 0],
    ["no check at all", { ...ATTESTED, checksRun: 0 }, 0],
    ["no JSON", "policy: ok", 0],
  ])("takes %s for undecided", async (_name, answer, status) => {
    bench.answer("policy-check", answer, { status });
    expect(await failureOf(accept())).toMatchObject({ code: "policy-undecided", exit: EXIT.gate });
  });
  it("comes second where the configuration itself is refused", async () => {
    bench.answer("policy-check", "", { status: 1 });
    bench.answer("secrets-apply", "", { status: 1 });
    bench.answer("config-validate", { valid: false, issues: [] });
    expect(await failureOf(accept())).toMatchObject({ code: "config-invalid" });
  });
});

describe("what OpenClaw says", () => {
  it("is shown without any credential, also when one is part of another", async () => {
    const { manifest, files } = bench.generation(NAME);
    const environment = `OPENCLAW_A="${KEY}"\nOPENCLAW_B="${KEY}-longer"\n`;
    const cli = await OpenclawCli.of({ manifest, files: { ...files, environment } });
    expect(cli.redact(`a ${KEY}-longer b ${KEY} c`)).toBe("a [redacted] b [redacted] c");
  });
});
