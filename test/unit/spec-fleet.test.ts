import { describe, expect, it } from "vitest";
import { parseFleet, SpecError } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";

/** Parts of a fleet as plain data, so that a test can plant what the types forbid. */
type Loose = Record<string, unknown>;
const at = (value: unknown, ...path: (string | number)[]): Loose =>
  path.reduce<unknown>((part, key) => (part as Loose)[key as string], value) as Loose;

/** The problems of a valid fleet after `plant` broke it. */
function problemsAfter(plant: (fleet: Loose) => void): string[] {
  const fleet = structuredClone(validFleet()) as Loose;
  plant(fleet);
  try {
    parseFleet(fleet);
  } catch (error) {
    if (error instanceof SpecError) return error.problems.map(({ field, problem }) => `${field}: ${problem}`);
    throw error;
  }
  return [];
}
const gateway = (fleet: Loose): Loose => at(fleet, "nodes", 0, "gateways", 0);
const agent = (fleet: Loose, index = 0): Loose => at(gateway(fleet), "agents", index);
const addGateway = (fleet: Loose, changes: Loose): void => {
  const list = at(fleet, "nodes", 0)["gateways"] as Loose[];
  list.push({ ...structuredClone(list[0]), name: "team-b", user: "oc-team-b", port: 19789, ...changes });
};

describe("a valid fleet", () => {
  it("passes and gets the defaults", () => {
    const fleet = parseFleet(validFleet());
    const node = fleet.nodes[0];
    expect(node?.connection.port).toBe(22);
    expect(node?.runtime.node.version).toBe("24.21.0");
    expect(node?.runtime.openclaw.version).toBe("2026.9.6");
    expect(node?.gateways[0]?.purgeOnDestroy).toBe(false);
    expect(node?.gateways[0]?.agents[0]?.permissions).toEqual({
      profile: "minimal",
      allow: [],
      deny: [],
      exec: "deny",
    });
  });

  it("may hold a second gateway at the vendor's distance under another user", () => {
    expect(
      problemsAfter((fleet) => {
        addGateway(fleet, { port: 18909 });
      }),
    ).toEqual([]);
  });

  it("drops the comment of a host key, which is no part of it", () => {
    const input = validFleet();
    const connection = input.nodes[0]?.connection;
    if (connection) connection.hostKey += " root@box";
    expect(parseFleet(input).nodes[0]?.connection.hostKey.split(" ")).toHaveLength(2);
  });
});

describe("a fleet with one fault gets one error that names the field", () => {
  const cases: [title: string, plant: (fleet: Loose) => void, expected: RegExp][] = [
    [
      "unknown key",
      (f) => {
        gateway(f)["prot"] = 1;
      },
      /^nodes\[0\]\.gateways\[0\]\.prot: unknown key$/,
    ],
    [
      "unknown key of a connection",
      (f) => {
        at(f, "nodes", 0, "connection")["password"] = "x";
      },
      /^nodes\[0\]\.connection\.password: unknown key$/,
    ],
    [
      "missing host key",
      (f) => {
        delete at(f, "nodes", 0, "connection")["hostKey"];
      },
      /connection\.hostKey: /,
    ],
    [
      "RSA host key",
      (f) => {
        at(f, "nodes", 0, "connection")["hostKey"] = "ssh-rsa " + "A".repeat(372);
      },
      /connection\.hostKey: expected an ed25519 or ecdsa/,
    ],
    [
      "jump host without a host key",
      (f) => {
        at(f, "nodes", 0, "connection")["jump"] = { host: "j.example" };
      },
      /connection\.jump\.hostKey: /,
    ],
    [
      "two nodes of one name",
      (f) => {
        const n = f["nodes"] as Loose[];
        n.push({ ...n[0], gateways: [{ ...gateway(f), name: "other" }] });
      },
      /^nodes\[1\]\.name: 'box-1' is used twice/,
    ],
    [
      "two gateways of one name",
      (f) => {
        addGateway(f, { name: "team-a" });
      },
      /gateways\[1\]\.name: gateway name 'team-a' is already used/,
    ],
    [
      "two agents of one id",
      (f) => {
        agent(f, 1)["id"] = "research";
      },
      /agents\[1\]\.id: 'research' is used twice/,
    ],
    [
      "ports too close",
      (f) => {
        addGateway(f, { port: 18908 });
      },
      /gateways\[1\]\.port: port 18908 is closer than 120/,
    ],
    [
      "reserved agent id",
      (f) => {
        agent(f)["id"] = "main";
      },
      /agents\[0\]\.id: is reserved by OpenClaw/,
    ],
    [
      "user shared by two gateways",
      (f) => {
        addGateway(f, { user: "oc-team-a" });
      },
      /gateways\[1\]\.user: 'oc-team-a' is used twice; one OS user/,
    ],
    [
      "root as gateway user",
      (f) => {
        gateway(f)["user"] = "root";
      },
      /gateways\[0\]\.user: a gateway never runs as root/,
    ],
    [
      "undeclared environment",
      (f) => {
        gateway(f)["environment"] = "lab";
      },
      /environment: environment 'lab' is not declared/,
    ],
    [
      "model without a credential",
      (f) => {
        agent(f)["model"] = "openai/gpt-5.4";
      },
      /agents\[0\]\.model: agent 'research' has no credential for provider 'openai'/,
    ],
    [
      "no credential at all",
      (f) => {
        agent(f)["credentials"] = [];
      },
      /agents\[0\]\.credentials: an agent needs a credential/,
    ],
    [
      "two credentials for one provider",
      (f) => {
        const c = agent(f)["credentials"] as Loose[];
        c.push({ ...c[0] });
      },
      /credentials\[1\]\.provider: 'anthropic' is used twice/,
    ],
    [
      "host exec beside another agent",
      (f) => {
        agent(f)["permissions"] = { exec: "host" };
      },
      /permissions\.exec: agent 'research' may run commands on the host/,
    ],
    [
      "Node outside the 24 line",
      (f) => {
        at(f, "nodes", 0)["runtime"] = { node: { version: "22.1.0" } };
      },
      /runtime\.node\.version: expected Node 24/,
    ],
    [
      "unpinned OpenClaw",
      (f) => {
        at(f, "nodes", 0)["runtime"] = { openclaw: { version: "latest" } };
      },
      /runtime\.openclaw\.version: expected an exact OpenClaw version/,
    ],
    [
      "change without a ticket",
      (f) => {
        f["change"] = {
          window: { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" },
          blastRadius: "a",
          rollbackPoint: "b",
        };
      },
      /^change\.ticket: /,
    ],
    [
      "no nodes",
      (f) => {
        f["nodes"] = [];
      },
      /^nodes: /,
    ],
    [
      "no environments",
      (f) => {
        delete f["environments"];
      },
      /^environments: /,
    ],
  ];
  it.each(cases)("%s", (_title, plant, expected) => {
    const problems = problemsAfter(plant);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  it("two agents that would share a variable", () => {
    const problems = problemsAfter((fleet) => {
      Object.assign(agent(fleet, 0), {
        id: "ab",
        model: "c-d/m",
        credentials: [{ provider: "c-d", secret: "pulumi://x" }],
      });
      Object.assign(agent(fleet, 1), {
        id: "ab-c",
        model: "d/m",
        credentials: [{ provider: "d", secret: "pulumi://y" }],
      });
    });
    // the provider id 'd' is fine; only the variable is in the way
    expect(problems).toEqual([
      expect.stringMatching(
        /agents\[1\]\.id: agents 'ab' and 'ab-c' would share the variable OPENCLAW_AGENT_AB_C_D_KEY/,
      ),
    ]);
  });
});

describe("no value is ever repeated in an error", () => {
  const canary = "sk-ant-api03-CANARY-CANARY-CANARY-CANARY-CANARY";
  const places: [string, (fleet: Loose) => void][] = [
    [
      "a key in place of its reference",
      (f) => {
        at(agent(f), "credentials", 0)["secret"] = canary;
      },
    ],
    [
      "a token in place of its reference",
      (f) => {
        gateway(f)["token"] = canary;
      },
    ],
    [
      "a private key in place of its reference",
      (f) => {
        at(f, "nodes", 0, "connection")["privateKey"] = `-----BEGIN OPENSSH PRIVATE KEY-----\n${canary}`;
      },
    ],
    [
      "a key as a scheme",
      (f) => {
        gateway(f)["token"] = `${canary}://x`;
      },
    ],
    [
      "a key as a value of another field",
      (f) => {
        agent(f)["model"] = canary;
      },
    ],
  ];
  it.each(places)("%s", (_title, plant) => {
    const problems = problemsAfter(plant);
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain("CANARY");
  });
});
