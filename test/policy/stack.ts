import * as policy from "@pulumi/policy";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { Fleet } from "../../policies/src/fleet.ts";
import { violationsOf } from "../../policies/src/policy.ts";
import type { Path } from "../../policies/src/read.ts";
import type { Rule } from "../../policies/src/rule.ts";
import type { FleetInput } from "../../spec/index.ts";
import { OperatorFiles, runFleet, SSH_KEY } from "../component/fleet.ts";
import { HOST_KEY } from "../fleet-input.ts";

// exported since 1.21.0, but its declaration file is empty
const { unknownCheckingProxy } = policy as unknown as { unknownCheckingProxy: <T>(value: T) => T };

/** How the engine writes a value that is not known at preview. */
export const UNKNOWN = pulumi.runtime.unknownValue;

/** A value that no message may repeat. */
export const CANARY = `sk-ant-api03-CANARY${"0".repeat(74)}AA`;

/** The day on which the rules are asked. */
export const TODAY = new Date("2026-11-23T12:00:00Z");

export type Props = Record<string | number, unknown>;

/** One resource as the engine shows it to a pack: inputs without secret wrappers. */
export interface Seen {
  readonly type: string;
  readonly name: string;
  /** Empty for a child of the stack. */
  readonly parent: string;
  parentType: string;
  secretOutputs: string[];
  props: Props;
}

const OPUS = "anthropic/claude-opus-4-8";

/** Two machines, three gateways, four agents of every kind that this version has; nothing is wrong with it. */
export function goodFleet(sshKey: string): FleetInput {
  const agent = (id: string, secret: string) => ({
    id,
    model: OPUS,
    credentials: [{ provider: "anthropic", secret }],
  });
  const connection = { user: "ops", hostKey: HOST_KEY, privateKey: `file://${sshKey}` };
  return {
    environments: [
      { name: "live", kind: "prod" },
      { name: "trial", kind: "staging" },
      { name: "runners", kind: "ci" },
    ],
    principals: [
      { name: "deploys", kind: "ci-runner", environment: "runners" },
      { name: "jo", kind: "person", environment: "live", publicKey: HOST_KEY },
      { name: "kim", kind: "person", environment: "live", publicKey: HOST_KEY.replace(/AA$/, "AB") },
    ],
    change: {
      ticket: "OPS-7",
      window: { from: "2026-11-23T20:00:00Z", to: "2026-11-23T22:00:00Z" },
      blastRadius: "one restart of each gateway",
      rollbackPoint: "the previous generation",
    },
    nodes: [
      {
        name: "box-1",
        platform: "linux",
        connection: { ...connection, host: "192.0.2.10", jump: { ...connection, host: "192.0.2.1", user: "jump" } },
        downloads: { registry: "https://registry.example.com/" },
        gateways: [
          {
            name: "team-a",
            environment: "live",
            user: "oc-team-a",
            port: 18789,
            token: "pulumi://team-a-token",
            access: [{ principal: "jo", from: ["198.51.100.7"] }],
            agents: [
              agent("research", "pulumi://research-anthropic"),
              { ...agent("builder", "pulumi://builder-anthropic"), permissions: { preset: "coder" } },
            ],
          },
          {
            name: "team-b",
            environment: "trial",
            user: "oc-team-b",
            port: 18909,
            agents: [{ ...agent("hands", "pulumi://hands-anthropic"), permissions: { preset: "operator" } }],
          },
        ],
      },
      {
        name: "box-2",
        platform: "linux",
        connection: { ...connection, host: "192.0.2.11" },
        downloads: { registry: "https://registry.example.com/" },
        gateways: [
          {
            name: "team-c",
            environment: "runners",
            user: "oc-team-c",
            port: 18789,
            nodeIdentity: {
              vault: { address: "https://vault.example.net:8200", roleId: "team-c", secretId: "pulumi://team-c-vault" },
            },
            agents: [
              {
                id: "runner",
                model: OPUS,
                credentials: [{ provider: "anthropic", secret: "vault://kv/ci/team-c#key", resolve: "node" }],
              },
            ],
          },
        ],
      },
    ],
  };
}

const SECRETS = ["research-anthropic", "builder-anthropic", "hands-anthropic", "team-a-token", "team-c-vault"];

function plain(value: unknown): unknown {
  if (pulumi.runtime.isRpcSecret(value)) return plain(pulumi.runtime.unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

/** What the program of `index.ts` registers for a fleet at a first preview, in order. */
export async function previewed(fleet: FleetInput, keys: readonly string[] = SECRETS): Promise<Seen[]> {
  const secrets = Object.fromEntries(keys.map((key) => [key, key.endsWith("ssh-key") ? SSH_KEY : `${CANARY}${key}`]));
  const { resources } = await runFleet(fleet, { preview: true, secrets });
  return resources.map(({ type, name, parent, parentUrn, inputs, additionalSecretOutputs }) => ({
    type,
    name,
    parent,
    parentType: parentUrn.split("::")[2]?.split("$").at(-1) ?? "",
    secretOutputs: [...additionalSecretOutputs],
    props: plain(inputs) as Props,
  }));
}

/** A stack whose resources a test breaks; each test gets its own. */
export class Stack {
  readonly resources: Seen[];

  constructor(resources: Seen[]) {
    this.resources = resources;
  }

  /** The resource of that type (its last part) and name. */
  get(type: string, name: string): Seen {
    const found = this.resources.find((one) => one.type.split(":").at(-1) === type && one.name === name);
    if (found === undefined) throw new Error(`the stack has no ${type} ${name}`);
    return found;
  }

  #holder(type: string, name: string, path: Path): { readonly holder: Props; readonly key: string | number } {
    const key = path.at(-1);
    if (key === undefined) throw new Error("an empty path");
    const holder = path
      .slice(0, -1)
      .reduce<unknown>((value, part) => (value as Props)[part], this.get(type, name).props);
    return { holder: holder as Props, key };
  }

  set(type: string, name: string, path: Path, value: unknown): void {
    const { holder, key } = this.#holder(type, name, path);
    holder[key] = value;
  }

  edit(type: string, name: string, path: Path, change: (old: string) => string): void {
    const { holder, key } = this.#holder(type, name, path);
    const old = String(holder[key]);
    const changed = change(old);
    if (changed === old) throw new Error(`nothing to change in ${path.join(".")} of ${name}`);
    holder[key] = changed;
  }

  remove(type: string, name: string, path: Path): void {
    const { holder, key } = this.#holder(type, name, path);
    if (!(key in holder)) throw new Error(`${name} has no ${path.join(".")}`);
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- that is what the test is about
    delete holder[key];
  }

  add(resource: Partial<Seen> & Pick<Seen, "type" | "name" | "props">): void {
    this.resources.push({ parent: "", parentType: "pulumi:pulumi:Stack", secretOutputs: [], ...resource });
  }

  /** What a rule says of all resources, as `pulumi preview` shows it. */
  violations(rule: Rule, given: unknown = {}, now = TODAY): readonly string[] {
    const fleet = new Fleet();
    return this.resources.flatMap(({ props, ...rest }) =>
      violationsOf(
        rule,
        { urn: `urn:pulumi:test::gatehouse::${rest.type}::${rest.name}`, ...rest, props: unknownCheckingProxy(props) },
        given,
        { fleet, now },
      ),
    );
  }
}

/** One way to go wrong: what is planted, and what the only violations are about. */
export interface Case {
  readonly label: string;
  readonly plant: (stack: Stack) => void;
  /** What a violation says of which resource; every violation has to match one of them, each at least once. */
  readonly says: readonly RegExp[];
  readonly given?: unknown;
}

/** Nothing is wrong but what the pack is told to look for. */
export const unchanged = (): void => undefined;

/** One field that a rule needs. */
export type Needed = readonly [type: string, name: string, path: Path];

let good: Seen[] | undefined;

async function goodStack(): Promise<Seen[]> {
  if (good !== undefined) return good;
  const files = new OperatorFiles();
  try {
    good = await previewed(goodFleet(files.sshKey));
  } finally {
    files.remove();
  }
  return good;
}

function expectOnly(found: readonly string[], says: readonly RegExp[]): void {
  for (const pattern of says) expect(found).toContainEqual(expect.stringMatching(pattern));
  for (const message of found)
    expect(
      says.some((pattern) => pattern.test(message)),
      message,
    ).toBe(true);
}

/**
 * What every rule has to show: quiet on a good stack, every planted fault refused and nothing else said, every field that
 * it needs refused when it is missing or unknown, and an exception that holds until its day.
 */
export function ruleContract(
  rule: Rule,
  { faults, needs }: { readonly faults: readonly [Case, ...Case[]]; readonly needs: readonly Needed[] },
): void {
  let stack: Stack;
  beforeAll(goodStack);
  const fresh = async (): Promise<Stack> => new Stack(structuredClone(await goodStack()));

  describe(`${rule.id} ${rule.title}`, () => {
    it("is quiet on a good stack", async () => {
      expect((await fresh()).violations(rule)).toEqual([]);
    });

    it.each(faults.map((fault) => [fault.label, fault] as const))("refuses %s", async (_label, fault) => {
      stack = await fresh();
      fault.plant(stack);
      const found = stack.violations(rule, fault.given);
      expectOnly(found, fault.says);
      for (const message of found) {
        expect(message).toContain(`Fix: ${rule.fix}`);
        expect(message).not.toContain("CANARY");
      }
    });

    it.each(needs)("takes a missing or unknown value for a violation: %s %s %j", async (type, name, path) => {
      for (const [plant, text] of [
        [
          (one: Stack) => {
            one.remove(type, name, path);
          },
          "not declared",
        ],
        [
          (one: Stack) => {
            one.set(type, name, path, UNKNOWN);
          },
          "unknown at preview",
        ],
      ] as const) {
        stack = await fresh();
        plant(stack);
        expect(stack.violations(rule)).toContainEqual(expect.stringContaining(text));
      }
    });

    it("accepts an exception until the end of its day, and no longer", async () => {
      const [{ plant, given = {} }] = faults;
      stack = await fresh();
      plant(stack);
      const names = stack.violations(rule, given).map((message) => message.split(": ")[1] ?? "");
      const exceptions = [...new Set(names)].map((resource) => ({
        resource,
        owner: "jo@example.com",
        reason: "until the migration is done",
        expires: "2026-11-30",
      }));
      const excused = { ...(given as object), exceptions };
      expect(stack.violations(rule, excused, new Date("2026-11-30T23:59:59Z"))).toEqual([]);
      const later = stack.violations(rule, excused, new Date("2026-12-01T00:00:00Z"));
      expect(later.length).toBeGreaterThan(names.length);
      expect(later).toContainEqual(expect.stringContaining("the exception of jo@example.com expired on 2026-11-30"));
    });
  });
}
