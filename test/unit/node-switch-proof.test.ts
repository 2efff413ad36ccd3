import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { renderEnvironmentFile } from "../../node/environment-file.ts";
import { stageGeneration, type StoredGeneration } from "../../node/generation/store.ts";
import { proveRotation } from "../../node/switch/proof.ts";
import { confirmSwitch, switchTo } from "../../node/switch/switch.ts";
import { failureOf, KEY, nameOf, SwitchBench, TOKEN, TOKEN_VARIABLE, VARIABLE } from "./switch-fixture.ts";

const [OLD, NEW] = [nameOf("a"), nameOf("b")];
const OLD_TOKEN = "tok-before-0123456789abcdef";

let bench: SwitchBench;
let generation: StoredGeneration;
beforeEach(async () => {
  bench = await SwitchBench.start();
  generation = await bench.serve(NEW);
});
afterEach(() => {
  bench.stop();
});

const withToken = (token: string): StoredGeneration => {
  const stored = bench.generation(OLD);
  const environment = renderEnvironmentFile(new Map([[TOKEN_VARIABLE, token], [VARIABLE, KEY]])); // prettier-ignore
  return { ...stored, files: { ...stored.files, environment } };
};
const prove = (before: StoredGeneration | null = null) => proveRotation(generation, before, bench.context());
const processHas = (changes: Record<string, string>, without = ""): void => {
  const all = new Map([...bench.environment(), ...Object.entries(changes)]);
  all.delete(without);
  bench.environment = () => all;
};

describe("the proof of a rotation", () => {
  it("counts what the process has, and says nothing of a token that stayed", async () => {
    expect(await prove()).toEqual({ variables: 2, oldTokenRefused: null, unconfirmedAgents: [] });
    expect(await prove(withToken(TOKEN))).toEqual({ variables: 2, oldTokenRefused: null, unconfirmedAgents: [] });
  });

  it("has seen the previous token refused", async () => {
    expect(await prove(withToken(OLD_TOKEN))).toEqual({ variables: 2, oldTokenRefused: true, unconfirmedAgents: [] });
  });

  it.each<[string, () => void, string, string]>([
    [
      "another key",
      () => {
        processHas({ [VARIABLE]: "sk-stale" });
      },
      "provider credential",
      `another value in ${VARIABLE}`,
    ],
    [
      "no key",
      () => {
        processHas({}, VARIABLE);
      },
      "provider credential",
      `nothing in ${VARIABLE}`,
    ],
    [
      "another token",
      () => {
        processHas({ [TOKEN_VARIABLE]: OLD_TOKEN });
      },
      "gateway session",
      TOKEN_VARIABLE,
    ],
    [
      "no token",
      () => {
        processHas({}, TOKEN_VARIABLE);
      },
      "gateway session",
      `nothing in ${TOKEN_VARIABLE}`,
    ],
    [
      "ended",
      () => {
        bench.running = null;
      },
      "gateway session",
      "nothing in",
    ],
  ])("fails when the process has %s", async (_what, plant, layer, message) => {
    plant();
    const failure = await failureOf(prove());
    expect(failure).toMatchObject({ layer, code: "stale-environment" });
    expect(failure.message).toContain(message);
    expect(failure.message).not.toMatch(/sk-|tok-/);
  });

  it("fails when the gateway refuses the new token, or still accepts the old one", async () => {
    bench.accepts = () => false;
    expect(await failureOf(prove())).toMatchObject({ layer: "gateway session", code: "token-refused" });
    bench.accepts = () => true;
    const failure = await failureOf(prove(withToken(OLD_TOKEN)));
    expect(failure).toMatchObject({ layer: "gateway session", code: "old-token-accepted" });
    expect(failure.message).not.toContain(OLD_TOKEN);
  });

  it("is part of the gate: a switch whose process has a stale key is taken back", async () => {
    const next = bench.generation(OLD);
    const started = bench.environment;
    bench.environment = () => (bench.running === OLD ? new Map([...started(), [VARIABLE, "sk-stale"]]) : started());
    const failure = await failureOf(switchTo(bench.home, next, 3, bench.context()));
    expect(failure.code).toBe("stale-environment");
    expect(failure.message).toContain(`${NEW} is serving again`);
    expect(bench.running).toBe(NEW);
  });
});

describe("a switch that was interrupted before its confirmation", () => {
  const interrupted = async () => {
    const next = withToken(OLD_TOKEN);
    await stageGeneration(bench.home, next);
    await switchTo(bench.home, next, 3, bench.context());
    return next;
  };

  it("is proven when it is asked for again", async () => {
    const next = await interrupted();
    expect(await switchTo(bench.home, next, 3, bench.context())).toMatchObject({
      action: "unchanged",
      proof: { variables: 2, oldTokenRefused: true, unconfirmedAgents: [] },
    });
  });

  it("is taken back when the proof fails then", async () => {
    const next = await interrupted();
    bench.accepts = () => true;
    const failure = await failureOf(switchTo(bench.home, next, 3, bench.context()));
    expect(failure.code).toBe("old-token-accepted");
    expect(bench.running).toBe(NEW);
  });

  it("has nothing to prove once it is confirmed", async () => {
    const next = await interrupted();
    await confirmSwitch(bench.home, bench.context());
    expect(await switchTo(bench.home, next, 3, bench.context())).toMatchObject({ action: "unchanged", proof: null });
  });
});

describe("a switch that changes values only", () => {
  /** Another token; with a fingerprint, the agent's key is another one as well. */
  const withKeys = (fingerprint?: string): StoredGeneration => {
    const { manifest } = bench.generation(OLD);
    const agents = manifest.agents.map(({ id }) => ({
      id,
      credentials: fingerprint === undefined ? [] : [{ provider: "anthropic", variable: VARIABLE, fingerprint }],
    }));
    const tokenFingerprint = fingerprint === undefined ? "another-token" : manifest.tokenFingerprint;
    return {
      manifest: { ...manifest, tokenFingerprint, agents },
      files: { ...generation.files, unit: `# ${OLD}\n[Service]\n` },
    };
  };
  const rotated = (): StoredGeneration => withKeys("k2");

  it("asks the provider track for nothing when only the token is new", async () => {
    const next = withKeys();
    await stageGeneration(bench.home, next);
    await switchTo(bench.home, next, 3, bench.context());
    expect(bench.calls().map((call) => call.split(" ")[0])).toEqual(["gateway-status"]);
  });

  it("asks for nothing when only a key is new: the running process is the proof", async () => {
    const next = rotated();
    await stageGeneration(bench.home, next);
    const { proof } = await switchTo(bench.home, next, 3, bench.context());
    expect(bench.calls()).toEqual([]);
    expect(proof).toMatchObject({ variables: 2 });
  });

  it("goes back when the process has not got the new key", async () => {
    bench.environment = () => new Map([[TOKEN_VARIABLE, TOKEN], [VARIABLE, "another"]]); // prettier-ignore
    const failure = await failureOf(switchTo(bench.home, rotated(), 3, bench.context()));
    expect(failure).toMatchObject({ layer: "provider credential", code: "stale-environment" });
    expect(failure.message).toContain(`${NEW} is serving again`);
    expect(bench.running).toBe(NEW);
  });

  it.each([
    ["the configuration", { config: "{}\n" }, {}],
    ["the plan", { secretsPlan: '{"a":1}\n' }, {}],
    ["the runtime", {}, { runtimeId: "openclaw-2026.9.7-0123456789ab" }],
  ])("is none when %s changes, too", async (_what, files, manifest) => {
    const next = rotated();
    const changed = { manifest: { ...next.manifest, ...manifest }, files: { ...next.files, ...files } };
    await failureOf(switchTo(bench.home, changed, 3, bench.context())).catch(() => undefined);
    expect(bench.calls().join(" ")).toContain("secrets-apply");
  });
});
