import { describe, expect, it } from "vitest";
import { parseFleet, SpecError } from "../../spec/index.ts";
import { HOST_KEY, validFleet } from "../fleet-input.ts";

type Loose = Record<string, unknown>;

const RUNNER = { name: "runner-1", kind: "ci-runner", environment: "prod" };

/** The valid fleet with these principals, and this access list in its gateway. */
function fleetWith(principals: Loose[], access: Loose[]): unknown {
  const fleet = validFleet() as unknown as { principals: Loose[]; nodes: { gateways: Loose[] }[] };
  fleet.principals = principals;
  for (const { gateways } of fleet.nodes) for (const gateway of gateways) gateway["access"] = access;
  return fleet;
}

function problemsOf(principals: Loose[], access: Loose[] = []): string {
  try {
    parseFleet(fleetWith(principals, access));
    return "";
  } catch (error) {
    if (error instanceof SpecError)
      return error.problems.map(({ field, problem }) => `${field}: ${problem}`).join("\n");
    throw error;
  }
}

describe("principals", () => {
  it("get a tunnel from anywhere unless the spec says less", () => {
    const fleet = parseFleet(fleetWith([RUNNER], [{ principal: "runner-1" }]));
    expect(fleet.principals).toEqual([{ ...RUNNER, keyVersion: 1, rotateEveryDays: 90 }]);
    expect(fleet.nodes[0]?.gateways[0]?.access).toEqual([{ principal: "runner-1", tunnel: "gateway" }]);
    expect(parseFleet(validFleet())).toMatchObject({ principals: [] });
  });

  it("may come with a key of their own, sources and a command", () => {
    const access = { principal: "runner-1", from: ["192.0.2.0/24", "2001:db8::/32", "*.ci.example", "10.0.0.1"], tunnel: "none", command: "/usr/bin/true" }; // prettier-ignore
    expect(problemsOf([{ ...RUNNER, publicKey: `${HOST_KEY} me` }], [access])).toBe("");
  });

  const second = { ...RUNNER, name: "runner-2" };
  it.each<[string, Loose[], Loose[], string]>([
    ["two of one name", [RUNNER, RUNNER], [], "principals[1].name: 'runner-1' is used twice"],
    ["no kind", [{ name: "x1", environment: "prod" }], [], "principals[0].kind"],
    ["an unknown kind", [{ ...RUNNER, kind: "robot" }], [], "principals[0].kind"],
    ["an unknown environment", [{ ...RUNNER, environment: "lab" }], [], "principals[0].environment: environment 'lab' is not declared"], // prettier-ignore
    ["an unknown key", [{ ...RUNNER, email: "x" }], [], "principals[0].email: unknown key"],
    ["an RSA key", [{ ...RUNNER, publicKey: `ssh-rsa ${"A".repeat(372)}` }], [], "principals[0].publicKey: expected an ed25519"], // prettier-ignore
    ["one key for two", [{ ...RUNNER, publicKey: HOST_KEY }, { ...second, publicKey: `${HOST_KEY} b` }], [], "principals[1].publicKey: principals 'runner-1' and 'runner-2' have the same key"], // prettier-ignore
    ["access of nobody", [], [{ principal: "runner-1" }], "gateways[0].access[0].principal: principal 'runner-1' is not declared"], // prettier-ignore
    ["access twice", [RUNNER], [{ principal: "runner-1" }, { principal: "runner-1" }], "access[1].principal: 'runner-1' is used twice"], // prettier-ignore
    ["access across environments", [{ ...RUNNER, environment: "staging" }], [{ principal: "runner-1" }], "is of environment 'staging', gateway 'team-a' of 'prod'"], // prettier-ignore
    ["access to nothing", [RUNNER], [{ principal: "runner-1", tunnel: "none" }], "access[0]: allows nothing"],
    ["no source", [RUNNER], [{ principal: "runner-1", from: [] }], "access[0].from: name at least one source"],
    ["a source with a quote", [RUNNER], [{ principal: "runner-1", from: ['1.2.3.4"'] }], "access[0].from[0]: expected"],
    ["a block that is none", [RUNNER], [{ principal: "runner-1", from: ["10.0.0.0/40"] }], "from[0]: is no CIDR block"],
    ["a block of a name", [RUNNER], [{ principal: "runner-1", from: ["ci.example/24"] }], "from[0]: is no CIDR block"],
    ["two commands", [RUNNER], [{ principal: "runner-1", command: "/bin/a\n/bin/b" }], "access[0].command: expected"],
    ["a relative command", [RUNNER], [{ principal: "runner-1", command: "true" }], "access[0].command: expected"],
  ])("are refused with %s", (_, principals, access, problem) => {
    expect(problemsOf(principals, access)).toContain(problem);
  });
});
