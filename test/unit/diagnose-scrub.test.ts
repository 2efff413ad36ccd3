import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { logEvidence } from "../../node/diagnose/log.ts";
import { looseEnvironment } from "../../node/diagnose/loose-environment.ts";
import { shownEnvironment } from "../../node/platform/linux/unit-facts.ts";
import { scrubber } from "../../node/diagnose/scrub.ts";
import { ambientKeys, secretValues, variableEvidence } from "../../node/diagnose/variables.ts";
import type { Sources } from "../../node/diagnose/variables.ts";
import { tokenAnswerOf } from "../../node/diagnose/session.ts";
import type { StoredGeneration } from "../../node/generation/store.ts";
import { clientEvidence } from "../../operations/diagnose/client.ts";
import { statusOf } from "../../operations/diagnose/exchange.ts";

const CANARY = "sk-ant-api03-Canary5f2c1a9b7d3e8f6a4b2cXYZ9q8w7e6r5t4y3u2i1o0pAA";
const TOKEN = "WE68canaryTOKEN0123456789abcdefghijklmnopqrgWw";

/** No run of more than eight characters of a secret is left. */
function shows(text: string, secret: string): boolean {
  for (let start = 0; start + 9 <= secret.length; start += 1) {
    const part = secret.slice(start, start + 9);
    // the public beginning is the same for everybody
    if (!"sk-ant-api03-".includes(part) && text.includes(part)) return true;
  }
  return false;
}

describe("scrubbing", () => {
  const scrub = scrubber([CANARY, TOKEN, "short"]);
  it.each([
    ["known values", `key ${CANARY} and token "${TOKEN}".`],
    ["known values inside others", `https://user:${TOKEN}@host/?k=${CANARY}&x`],
    ["the vendor's own mask", "labels: anthropic:research=ref(env:…) sk-ant-a...1o0pAA"],
    ["the vendor's mask with an ellipsis", "sk-Canary5f…o0pAA12345"],
  ])("takes out %s", (_name, text) => {
    const shown = scrub(text);
    expect(shows(shown, CANARY) || shows(shown, TOKEN)).toBe(false);
  });

  it("keeps at most four characters of the vendor's mask on each side", () => {
    expect(scrub("sk-ant-a...00001o0pAA12")).toBe("sk-a…AA12");
  });

  it.each([
    `Bearer ${CANARY}`,
    `authorization: bearer ${TOKEN}`,
    `{"token":"${TOKEN}"}`,
    `OPENAI_API_KEY=${TOKEN}`,
    `password: ${TOKEN}`,
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
  ])("takes out what has the shape of a secret, known or not: %#", (text) => {
    const shown = scrubber([])(text);
    const longest = Math.max(...shown.split(/[^A-Za-z0-9_-]/).map((word) => word.length));
    expect(longest).toBeLessThan(21);
    expect(shows(shown, CANARY) || shows(shown, TOKEN)).toBe(false);
  });

  it("takes out values as JSON escapes them", () => {
    const secret = 'canary"with\\escapes-0123456789';
    expect(scrubber([secret])(JSON.stringify({ x: secret }))).not.toContain("with");
  });

  it("takes out private keys, also half of one", () => {
    const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${CANARY}\n`;
    expect(scrubber([])(`a ${pem}-----END OPENSSH PRIVATE KEY----- b`)).toBe("a (private key) b");
    expect(scrubber([])(`a ${pem}`)).toBe("a (private key)");
  });

  it("leaves ordinary words alone", () => {
    const text = "short: the gateway is not ready after 120 s, port 18789";
    expect(scrub(text)).toBe(text);
  });
});

describe("log", () => {
  it("counts the two kinds of auth failure apart, and shows no secret even where a line is cut", () => {
    const lines = [
      "unauthorized conn=1 peer=x client=cli auth=token reason=token_mismatch guidance=x",
      "unauthorized conn=2 peer=x client=cli auth=token reason=token_mismatch guidance=x",
      "auth profile failure state updated: x provider=anthropic reason=auth window=cooldown",
      `error ${"x".repeat(280)} ${CANARY}`,
      "all is well",
    ];
    const found = logEvidence(lines, { sinceStart: [], running: true, profiles: [] }, scrubber([CANARY]));
    expect(found.gatewayFailures).toEqual({ token_mismatch: 2 });
    expect(found.providerFailures).toEqual({ auth: 1 });
    expect(found.lines).toHaveLength(4);
    expect(shows(found.lines.join("\n"), CANARY)).toBe(false);
  });
});

describe("variables", () => {
  const stored = {
    manifest: {
      tokenVariable: "OPENCLAW_GATEWAY_TOKEN",
      tokenFingerprint: "h1.token",
      agents: [
        { id: "a", credentials: [{ provider: "anthropic", variable: "OPENCLAW_AGENT_A_KEY", fingerprint: "h1.a" }] },
      ],
    },
    files: { environment: `OPENCLAW_GATEWAY_TOKEN="${TOKEN}"\nOPENCLAW_AGENT_A_KEY="${CANARY}"\n` },
  } as unknown as StoredGeneration;
  const sources = (changes: Partial<Sources> = {}): Sources => {
    const delivered = new Map([
      ["OPENCLAW_GATEWAY_TOKEN", TOKEN],
      ["OPENCLAW_AGENT_A_KEY", CANARY],
    ]);
    const none = new Map<string, string>();
    return {
      environmentFile: delivered,
      otherFiles: [],
      unset: [],
      unit: none,
      manager: none,
      dotenv: none,
      keyFile: none,
      process: delivered,
      ...changes,
    };
  };

  it("tell by source what is the same, without any value", () => {
    const process = new Map([
      ["OPENCLAW_GATEWAY_TOKEN", " "],
      ["ANTHROPIC_API_KEY", CANARY],
    ]);
    const found = variableEvidence(stored, sources({ process }));
    expect(found.map((one) => one.sources.process)).toEqual(["empty", "missing"]);
    expect(found.map((one) => one.sources.environmentFile)).toEqual(["same", "same"]);
    expect(variableEvidence(stored, sources({ process: null })).map((one) => one.sources.process)).toEqual([
      null,
      null,
    ]);
    expect(shows(JSON.stringify(variableEvidence(stored, sources())), CANARY)).toBe(false);
    expect(ambientKeys(sources({ process }))).toEqual([{ variable: "ANTHROPIC_API_KEY", where: "process" }]);
    expect(ambientKeys(sources())).toEqual([]);
  });

  it("all are known to the scrubber, also those that somebody put elsewhere", () => {
    const other = "another-canary-0123456789";
    const found = secretValues(
      stored,
      sources({ dotenv: new Map([["X", other]]), unit: new Map([["A_TOKEN", "unit-canary"]]) }),
    );
    for (const value of [CANARY, TOKEN, other, "unit-canary"]) expect(found).toContain(value);
  });
});

it("environment files are read as edited by hand", () => {
  const text = 'A="x\\"y"\nexport B=two words\n# C=3\nbroken line\nD=\n';
  expect([...looseEnvironment(text)]).toEqual([
    ["A", 'x"y'],
    ["B", "two words"],
    ["D", ""],
  ]);
  expect([...shownEnvironment('HOME=/h "A=b c" N=')]).toEqual([
    ["HOME", "/h"],
    ["A", "b c"],
    ["N", ""],
  ]);
});

it("only an answer about the body means that the token was right", () => {
  expect([400, 200, 401, 403, 429, 500].map(tokenAnswerOf)).toEqual([
    "accepted",
    "accepted",
    "refused",
    "another answer",
    "another answer",
    "another answer",
  ]);
  expect(["HTTP/1.1 401 Unauthorized\r\n", "", "SSH-2.0"].map(statusOf)).toEqual([401, 0, 0]);
});

describe("client", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "gatehouse-client-"));
    return () => {
      rmSync(directory, { recursive: true, force: true });
    };
  });
  const look = (env: NodeJS.ProcessEnv = {}) => {
    const tried: string[] = [];
    const found = clientEvidence(directory, env, (token) => {
      tried.push(token);
      return Promise.resolve("refused");
    });
    return found.then((evidence) => ({ evidence, tried }));
  };
  const put = (name: string, text: string): void => {
    writeFileSync(join(directory, name), text);
  };

  it("config beats the environment, which beats .env even when it is empty", async () => {
    expect((await look()).evidence.state).toBe("missing");
    put(".env", `OPENCLAW_GATEWAY_TOKEN=${TOKEN}\n`);
    expect(await look()).toMatchObject({ evidence: { state: "set", answer: "refused" }, tried: [TOKEN] });
    const empty = await look({ OPENCLAW_GATEWAY_TOKEN: "" });
    expect(empty).toMatchObject({ evidence: { state: "empty", answer: null }, tried: [] });
    expect(empty.evidence.shadowed).toEqual(["OPENCLAW_GATEWAY_TOKEN of .env"]);
    put(
      "openclaw.json",
      JSON.stringify({ gateway: { remote: { token: CANARY, url: `wss://u:${TOKEN}@h:1/x?t=${TOKEN}` } } }),
    );
    const configured = await look({ OPENCLAW_GATEWAY_TOKEN: TOKEN });
    expect(configured.tried).toEqual([CANARY]);
    expect(configured.evidence).toMatchObject({ url: "wss://h:1", masked: "sk-a…0pAA" });
    expect(
      shows(JSON.stringify(configured.evidence), CANARY) || shows(JSON.stringify(configured.evidence), TOKEN),
    ).toBe(false);
  });

  it("a reference is not resolved, and what can't be read is said so", async () => {
    put("openclaw.json", JSON.stringify({ gateway: { remote: { token: { source: "env", id: "X" } } } }));
    expect(await look()).toMatchObject({ evidence: { state: "reference" }, tried: [] });
    put("openclaw.json", `{ token: ${TOKEN}`);
    const { evidence } = await look();
    expect(evidence.state).toBe("unreadable");
    expect(JSON.stringify(evidence)).not.toContain(TOKEN);
  });
});
