import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instanceRoleKeys } from "../../node/launch/aws.ts";
import { ResolveFailure } from "../../node/launch/failure.ts";
import { IDENTITY_VARIABLES, launchPlan, type LaunchPlan, type LaunchSecret } from "../../node/launch/plan.ts";
import { resolvePlan } from "../../node/launch/resolve.ts";
import { AwsStandIn } from "../stand-ins/aws.ts";
import { VaultStandIn } from "../stand-ins/vault.ts";

const KEY = "sk-ant-api03-CANARY-0123456789abcdef";
const VARIABLE = "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY";
/** Ends an attempt that nobody answers; every other one ends by its answer. */
const soon = (): AbortSignal => AbortSignal.timeout(400);
const never = (): AbortSignal => AbortSignal.timeout(60_000);

let vault: VaultStandIn;
let aws: AwsStandIn;
beforeEach(async () => {
  vault = await new VaultStandIn().start();
  aws = await new AwsStandIn().start();
  vault.store.set("gw/research", ["an-older-key-0123456789", KEY]);
  aws.store.set("gw/research", JSON.stringify({ key: KEY, number: 7 }));
});
afterEach(async () => {
  await vault.stop();
  await aws.stop();
});

const vaultSecret = (changes: object = {}): LaunchSecret => ({
  variable: VARIABLE,
  reference: "vault://kv/gw/research#key",
  ...{ manager: "vault", mount: "kv", path: "gw/research", field: "key" },
  ...changes,
});
const awsSecret = (changes: object = {}): LaunchSecret => ({
  variable: VARIABLE,
  reference: "aws-sm://gw/research#key",
  ...{ manager: "aws-sm", id: "gw/research", jsonKey: "key" },
  ...changes,
});
const planOf = (...secrets: readonly LaunchSecret[]): LaunchPlan => ({
  identity: {
    vault: { address: vault.address, authMount: "approle", roleId: vault.roleId },
    aws: { region: "eu-central-1", endpoint: aws.endpoint, accessKeyId: aws.accessKeyId },
  },
  secrets,
  recordPath: "/home/oc/.openclaw/gatehouse-launch.json",
});
const identity = () => ({
  [IDENTITY_VARIABLES.vaultSecretId]: vault.secretId,
  [IDENTITY_VARIABLES.awsSecretAccessKey]: aws.secretAccessKey,
});
const resolve = (plan: LaunchPlan, deadline = never()) => resolvePlan(plan, identity(), deadline);
async function failureOf(work: Promise<unknown>): Promise<ResolveFailure> {
  const error: unknown = await work.then(() => "no failure", (reason: unknown) => reason); // prettier-ignore
  if (!(error instanceof ResolveFailure)) throw new Error(`not a ResolveFailure: ${String(error)}`);
  for (const secret of [KEY, vault.secretId, aws.secretAccessKey]) {
    expect(error.message + error.fix).not.toContain(secret);
  }
  expect(error.fix).not.toBe("");
  return error;
}

describe("a plan is resolved", () => {
  it("from Vault KV 2, with the newest version", async () => {
    expect(await resolve(planOf(vaultSecret()))).toEqual([{ variable: VARIABLE, reference: "vault://kv/gw/research#key", value: KEY, version: "2" }]); // prettier-ignore
  });
  it("from Vault KV 2, with the version that was asked for", async () => {
    expect(await resolve(planOf(vaultSecret({ version: 1 })))).toMatchObject([{ value: "an-older-key-0123456789", version: "1" }]); // prettier-ignore
  });
  it("from Vault KV 1, asked for or found out", async () => {
    vault.kv = 1;
    for (const changes of [{ kv: 1 }, {}]) {
      expect(await resolve(planOf(vaultSecret(changes)))).toMatchObject([{ value: KEY, version: null }]);
    }
  });
  it("from AWS, a key of a JSON secret", async () => {
    expect(await resolve(planOf(awsSecret()))).toMatchObject([{ value: KEY, version: aws.version }]);
  });
  it("from AWS, a whole secret of a stage, without its last newline", async () => {
    aws.store.set("plain@AWSPREVIOUS", `${KEY}\n`);
    const secret: LaunchSecret = { variable: VARIABLE, reference: "aws-sm://plain", manager: "aws-sm", id: "plain", stage: "AWSPREVIOUS" }; // prettier-ignore
    expect(await resolve(planOf(secret))).toMatchObject([{ value: KEY }]);
  });
  it("with each reference read once, in the order of the plan", async () => {
    const second = vaultSecret({ variable: "OPENCLAW_AGENT_BUILDER_ANTHROPIC_KEY" });
    const found = await resolve(planOf(awsSecret(), vaultSecret(), second));
    expect(found.map(({ variable, reference }) => [variable, reference])).toEqual([
      [VARIABLE, "aws-sm://gw/research#key"],
      [VARIABLE, "vault://kv/gw/research#key"],
      ["OPENCLAW_AGENT_BUILDER_ANTHROPIC_KEY", "vault://kv/gw/research#key"],
    ]);
    expect(vault.requests.filter((line) => line.includes("/data/"))).toHaveLength(1);
  });
  it("and no session is left open, whatever the outcome", async () => {
    await resolve(planOf(vaultSecret()));
    await failureOf(resolve(planOf(vaultSecret({ field: "other" }))));
    expect(vault.requests.filter((line) => line.endsWith("/revoke-self"))).toHaveLength(2);
    expect(vault.openSessions).toBe(0);
  });
});

describe("a person is needed", () => {
  const cases: readonly [what: string, arrange: () => LaunchPlan, words: string][] = [
    ["Vault has no such secret", () => planOf(vaultSecret({ path: "gw/other" })), "not found (HTTP 404)"],
    ["Vault has no such version", () => planOf(vaultSecret({ version: 9 })), "not found (HTTP 404)"],
    ["the version was deleted", () => { vault.store.set("gw/research", [null]); return planOf(vaultSecret()); }, "this version was deleted"], // prettier-ignore
    ["the field is missing", () => planOf(vaultSecret({ field: "other" })), "no field 'other'"],
    ["the field is inherited", () => planOf(vaultSecret({ field: "constructor" })), "no field 'constructor'"],
    ["the field is a number", () => { vault.store.set("gw/research", [1234567890123456]); return planOf(vaultSecret()); }, "no text"], // prettier-ignore
    [
      "the policy denies",
      () => {
        vault.store.set("gw/research", []);
        return planOf(vaultSecret());
      },
      "denied",
    ],
    ["the store is unknown", () => planOf(vaultSecret({ mount: "nowhere" })), "denied"],
    [
      "the store is unknown, version given",
      () => planOf(vaultSecret({ mount: "nowhere", kv: 2 })),
      "no store 'nowhere'",
    ],
    ["the store has the other version", () => planOf(vaultSecret({ kv: 1 })), "KV version 2, not 1"],
    ["the AppRole is refused", () => { const plan = planOf(vaultSecret()); vault.secretId = "another"; return { ...plan, identity: { ...plan.identity, vault: { address: vault.address, authMount: "approle", roleId: "wrong" } } }; }, "refuses this node's AppRole login (HTTP 400)"], // prettier-ignore
    [
      "the value is empty",
      () => {
        vault.store.set("gw/research", ["\n"]);
        return planOf(vaultSecret());
      },
      "is empty",
    ],
    ["the value is too short", () => { vault.store.set("gw/research", ["short"]); return planOf(vaultSecret()); }, "has 5 characters"], // prettier-ignore
    ["the value cannot be a variable", () => { vault.store.set("gw/research", [`${KEY}\0`]); return planOf(vaultSecret()); }, "NUL"], // prettier-ignore
    ["AWS has no such secret", () => planOf(awsSecret({ id: "other" })), "not found"],
    ["AWS denies", () => { aws.store.set("gw/research", new Error("AccessDeniedException")); return planOf(awsSecret()); }, "denied or unusable (AccessDeniedException)"], // prettier-ignore
    ["the JSON key is missing", () => planOf(awsSecret({ jsonKey: "other" })), "no key 'other'"],
    ["the JSON key is inherited", () => planOf(awsSecret({ jsonKey: "toString" })), "no key 'toString'"],
    ["the JSON key is a number", () => planOf(awsSecret({ jsonKey: "number" })), "'number' is no text"],
    ["the secret is no JSON", () => { aws.store.set("gw/research", KEY); return planOf(awsSecret()); }, "no JSON object"], // prettier-ignore
    ["there is no Vault identity", () => ({ ...planOf(vaultSecret()), identity: {} }), "no vault identity"],
    ["there is no AWS identity", () => ({ ...planOf(awsSecret()), identity: {} }), "no aws identity"],
  ];
  it.each(cases)("when %s", async (_what, arrange, words) => {
    const plan = arrange();
    const failure = await failureOf(resolve(plan));
    expect(failure.outlook).toBe("needs a person");
    expect(failure.message).toContain(words);
    expect(failure.message).toContain(`cannot resolve ${plan.secrets[0]?.reference ?? ""} for ${VARIABLE}`);
  });
  it("when the secret part of the identity is missing", async () => {
    for (const secret of [vaultSecret(), awsSecret()]) {
      const failure = await failureOf(resolvePlan(planOf(secret), {}, never()));
      expect(failure.message).toMatch(/no (vault|aws) identity/);
    }
  });
  it("when the signature is not by the key that AWS knows", async () => {
    const variables = { [IDENTITY_VARIABLES.awsSecretAccessKey]: "another-secret-access-key" };
    const failure = await failureOf(resolvePlan(planOf(awsSecret()), variables, never()));
    expect(failure.message).toContain("InvalidSignatureException");
  });
});

describe("another attempt is worth it", () => {
  it.each([
    ["sealed", 503, { errors: ["Vault is sealed"] }],
    ["throttling", 429, {}],
  ])("when Vault is %s", async (_what, status, body) => {
    vault.trouble = { status, body };
    const failure = await failureOf(resolve(planOf(vaultSecret()), soon()));
    expect(failure.outlook).toBe("try again");
    expect(failure.message).toContain(`gives no answer (HTTP ${status})`);
    expect(vault.requests.length).toBeGreaterThan(1);
  });
  it("when nobody listens", async () => {
    const plan = planOf(vaultSecret(), awsSecret());
    await Promise.all([vault.stop(), aws.stop()]);
    const failure = await failureOf(resolve(plan, soon()));
    expect(failure).toMatchObject({ outlook: "try again" });
    expect(failure.message).toContain("ECONNREFUSED");
  });
  it("when AWS throttles with status 400", async () => {
    aws.store.set("gw/research", new Error("ThrottlingException"));
    const failure = await failureOf(resolve(planOf(awsSecret()), soon()));
    expect(failure).toMatchObject({ outlook: "try again" });
    expect(failure.message).toContain("ThrottlingException");
    expect(aws.requests.length).toBeGreaterThan(1);
  });
  it("and succeeds when the manager is back before the deadline", async () => {
    vault.trouble = { status: 503, body: {} };
    const found = resolve(planOf(vaultSecret()));
    while (vault.requests.length < 2) await new Promise(setImmediate);
    vault.trouble = undefined;
    expect(await found).toMatchObject([{ value: KEY }]);
  });
});

describe("the instance role", () => {
  it("signs with the metadata service's keys and their session", async () => {
    const keys = await instanceRoleKeys(never(), aws.endpoint);
    expect(keys).toEqual({ accessKeyId: aws.accessKeyId, secretAccessKey: aws.secretAccessKey, sessionToken: aws.sessionToken }); // prettier-ignore
  });
  it("is missed clearly", async () => {
    aws.sessionToken = undefined;
    const failure = await failureOf(instanceRoleKeys(never(), aws.endpoint));
    expect(failure.message).toContain("no AWS instance role");
  });
});

describe("a launch plan", () => {
  it("is read back as it was written", () => {
    const plan = planOf(vaultSecret({ version: 3, kv: 2 }), awsSecret({ stage: "AWSCURRENT" }));
    expect(launchPlan(JSON.parse(JSON.stringify(plan)), "plan")).toEqual(plan);
  });
  it.each([
    ["an unknown manager", { secrets: [{ ...vaultSecret(), manager: "other" }] }, "plan.secrets[0].manager"],
    ["an unknown field", { secrets: [{ ...awsSecret(), mount: "kv" }] }, "plan.secrets[0]"],
    ["a variable that is none", { secrets: [vaultSecret({ variable: "a-b" })] }, "plan.secrets[0].variable"],
    ["no record", { recordPath: undefined }, "plan.recordPath"],
  ])("is refused with %s", (_what, changes, field) => {
    expect(() => launchPlan({ ...planOf(vaultSecret()), ...changes }, "plan")).toThrow(field);
  });
});
