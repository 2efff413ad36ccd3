import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gh104 } from "../../policies/src/rules/gh104-no-value-in-a-resource.ts";
import { hideTokens, looksRandom, tokenKinds } from "../../policies/src/token-shapes.ts";
import { CANARY, ruleContract, UNKNOWN, type Stack } from "./stack.ts";

const command = (props: Record<string, unknown>) => (stack: Stack) => {
  stack.add({ type: "command:remote:Command", name: "theirs", props });
};

const RANDOM = "q7Zp2mX9vL4tR8wK1nB6yH3cD5fJ0sGa";

ruleContract(gh104, {
  faults: [
    {
      label: "a token in a command line",
      plant: command({ create: `curl -H 'x-api-key: ${CANARY}' https://api.example.net` }),
      says: [/theirs: create \(\d+ characters\) holds what looks like a Anthropic key\./],
    },
    {
      label: "a token in an environment",
      plant: command({ create: "true", environment: { LATER: UNKNOWN, ANTHROPIC: CANARY } }),
      says: [/theirs: environment\.ANTHROPIC \(\d+ characters\) holds what looks like a Anthropic key/],
    },
    {
      label: "a random value that a command line assigns to a key",
      plant: command({ create: `INTERNAL_API_KEY=${RANDOM} ./start` }),
      says: [/theirs: create \(\d+ characters\) holds a random value under the name of a secret/],
    },
    {
      label: "a random value under the name of a secret, deep in a stranger's resource",
      plant: (stack) => {
        stack.add({ type: "aws:x:Y", name: "theirs", props: { a: [{ settings: { clientSecret: RANDOM } }] } });
      },
      says: [/theirs: a\.0\.settings\.clientSecret \(32 characters\) holds a random value/],
    },
    {
      label: "a setting of the stack that the engine gives to a provider of the same name",
      plant: (stack) => {
        stack.add({ type: "pulumi:providers:gatehouse", name: "default", props: { "research-anthropic": CANARY } });
      },
      says: [/default: research-anthropic \(\d+ characters\) holds what looks like a Anthropic key/],
    },
    {
      label: "a private key of an observation outside its connection",
      plant: (stack) => {
        const props = { machineId: "-----BEGIN OPENSSH PRIVATE KEY-----\nxyz" };
        stack.add({ type: "gatehouse-drift:index:Observation", name: "theirs", props });
      },
      says: [/theirs: machineId \(\d+ characters\) holds what looks like a private key/],
    },
    {
      label: "a private key where a reference belongs",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "-----BEGIN OPENSSH PRIVATE KEY-----\nxyz");
      },
      says: [/team-a\/builder: credentials\.0\.ref \(\d+ characters\) holds what looks like a private key/],
    },
    {
      label: "a token as a key, by a slip of YAML",
      plant: command({ create: "true", triggers: [{ [CANARY]: "" }] }),
      says: [/theirs: triggers\.0 has a key that looks like a token/],
    },
    {
      label: "stdin, where the team wants it looked at",
      plant: command({ stdin: CANARY }),
      says: [/holds what looks like/],
      given: { valueFields: ["command:remote:Command#connection.privateKey", "*#connection.proxy.privateKey"] },
    },
  ],
  needs: [],
});

const chars = (alphabet: string, min: number, max = min) =>
  fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), minLength: min, maxLength: max });
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = UPPER.toLowerCase();
const DIGITS = "0123456789";
const WORD = UPPER + LOWER + DIGITS;
const URL_SAFE = `${WORD}_-`;

/** A token of each kind, made from its documented form. */
const TOKENS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  Anthropic: chars(URL_SAFE, 93).map((text) => `sk-ant-api03-${text}AA`),
  "Anthropic setup": chars(URL_SAFE, 80).map((text) => `sk-ant-oat01-${text}AA`),
  "OpenAI project": fc.tuple(chars(WORD, 74), chars(WORD, 74)).map((parts) => `sk-proj-${parts.join("T3BlbkFJ")}`),
  "OpenAI old": fc.tuple(chars(WORD, 20), chars(WORD, 20)).map((parts) => `sk-${parts.join("T3BlbkFJ")}`),
  OpenRouter: chars("0123456789abcdef", 64).map((text) => `sk-or-v1-${text}`),
  xAI: chars(WORD, 80).map((text) => `xai-${text}`),
  Groq: chars(WORD, 52).map((text) => `gsk_${text}`),
  Google: chars(WORD, 35).map((text) => `AIza${text}`),
  AWS: chars(`${UPPER}234567`, 16).map((text) => `AKIA${text}`),
  GitHub: chars(WORD, 36).map((text) => `ghp_${text}`),
  "GitHub fine-grained": fc.tuple(chars(WORD, 22), chars(WORD, 59)).map((parts) => `github_pat_${parts.join("_")}`),
  Slack: fc.tuple(chars(DIGITS, 12), chars(WORD, 24)).map((parts) => `xoxb-${parts.join("-")}`),
  Telegram: fc.tuple(chars(DIGITS, 9), chars(WORD, 33)).map((parts) => parts.join(":AA")),
  JWT: fc
    .tuple(chars(WORD, 20), chars(WORD, 60), chars(WORD, 43))
    .map(([head, claims, signature]) => `eyJ${head}.eyJ${claims}.${signature}`),
  age: chars("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58).map((text) => `AGE-SECRET-KEY-1${text}`),
  "1Password": chars(WORD, 200).map((text) => `ops_eyJ${text}`),
  Vault: chars(URL_SAFE, 91).map((text) => `hvs.A${text}A`),
  Tailscale: fc.tuple(chars(WORD, 12), chars(WORD, 32)).map((parts) => `tskey-auth-${parts.join("-")}`),
  "Hugging Face": chars(LOWER + UPPER, 34).map((text) => `hf_${text}`),
  npm: chars(WORD, 36).map((text) => `npm_${text}`),
  Pulumi: chars("0123456789abcdef", 40).map((text) => `pul-${text}`),
};

describe("token shapes", () => {
  it.each(Object.entries(TOKENS))("finds and hides any %s token in any place", (_kind, token) => {
    fc.assert(
      fc.property(
        token,
        fc.constantFrom("", "KEY=", "-H 'x: ", '{"k":"'),
        fc.constantFrom("", " ", "'", '"}'),
        (text, before, after) => {
          const line = `${before}${text}${after}`;
          return tokenKinds(line).length > 0 && !hideTokens(line).includes(text);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("never repeats a token, whatever kind and however deep", () => {
    const anywhere = fc.tuple(fc.oneof(...Object.values(TOKENS)), chars(LOWER, 1, 12), fc.nat(3));
    fc.assert(
      fc.property(anywhere, ([token, key, depth]) => {
        let props: unknown = { [key]: token };
        for (let level = 0; level < depth; level += 1) props = level % 2 === 0 ? [props] : { [key]: props };
        const resource = {
          urn: "u",
          type: "some:index:Thing",
          name: "theirs",
          parentType: "",
          props: { outer: props },
          secretOutputs: [],
        };
        const found = gh104.judge(resource, {}, undefined as never);
        return found.length > 0 && !JSON.stringify(found).includes(token);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    "op://Ops/anthropic/credential",
    "vault://kv/gw/research#key?version=7",
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:gw/research-a1b2c3",
    "projects/p-1/secrets/research/versions/7",
    "https://vault-1.vault.azure.net/secrets/research/0123456789abcdef0123456789abcdef",
    "sha512-uNHuPhjJEkgTgVkTgBbTPSVBOZ9pGEBaVFTSC7Jd1FqKVX6s9sKqXJ2Qk7rQAcS1oIL8l9EjzW5mFJp0T2a7Zw==",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq",
    "-----BEGIN PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----",
    "v1:9Zq2fV7mXk1Lr8Ty:secure-blob-of-the-stack-configuration0123456789",
    "123e4567-e89b-12d3-a456-426614174000",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "h1.B7sB.vlXJBy5HBIfLoU_xNeRWaw",
    "task-ant-api03-is-a-name",
  ])("leaves %s alone", (text) => {
    expect(tokenKinds(text)).toEqual([]);
    expect(looksRandom("ref", text)).toBe(false);
  });

  it("hits no random text of 64 characters", () => {
    fc.assert(
      fc.property(chars(URL_SAFE, 64), (text) => tokenKinds(text).length === 0),
      { numRuns: 5000 },
    );
  });

  it("takes names that end like a word for no secrets", () => {
    expect(
      ["monkey", "hotkeys", "tokenizer", "keyboard", "hostKeyFingerprint"].map((name) => looksRandom(name, RANDOM)),
    ).toEqual([false, false, false, false, false]);
    expect(["apiKey", "API_KEY", "client-secret", "password"].every((name) => looksRandom(name, RANDOM))).toBe(true);
    expect(looksRandom("apiKey", "a".repeat(40))).toBe(false);
  });
});
