import { describe, expect, it } from "vitest";
import { gh501 } from "../../policies/src/rules/gh501-host-key-pinned.ts";
import { good, UNKNOWN, violations, type Props } from "./resources.ts";
import { ruleContract } from "./stack.ts";

const part = (props: Props, ...path: string[]): Props => path.reduce((value, key) => value[key] as Props, props);

describe("GH501 host key pinned", () => {
  it("is quiet on a pinned node, a pinned command and other resources", () => {
    expect([
      ...violations(gh501, good.node),
      ...violations(gh501, good.command),
      ...violations(gh501, good.gateway),
    ]).toEqual([]);
  });

  it("refuses a pin that the provider cannot use", () => {
    expect(
      violations(gh501, good.command, (p) => {
        part(p, "connection")["hostKey"] = "ssh-rsa AAAA";
      }),
    ).toEqual(["connection.hostKey is neither an ed25519 nor an ecdsa public key"]);
    expect(
      violations(gh501, good.node, (p) => {
        part(p, "connection")["hostKeyType"] = "ssh-rsa";
      }),
    ).toEqual(["connection.hostKeyType is neither ed25519 nor ecdsa"]);
    expect(
      violations(gh501, good.node, (p) => {
        part(p, "connection", "jump")["hostKeyFingerprint"] = "MD5:aa";
      }),
    ).toEqual(["connection.jump.hostKeyFingerprint is not a SHA256 fingerprint"]);
  });

  it("takes a missing pin for a violation", () => {
    expect(
      violations(gh501, good.command, (p) => {
        delete part(p, "connection")["hostKey"];
      }),
    ).toEqual(["connection.hostKey is not declared"]);
    expect(
      violations(gh501, good.command, (p) => {
        delete p["connection"];
      }),
    ).toEqual(["connection.hostKey is not declared"]);
    expect(
      violations(gh501, good.command, (p) => {
        delete part(p, "connection", "proxy")["hostKey"];
      }),
    ).toEqual(["connection.proxy.hostKey is not declared"]);
    expect(
      violations(gh501, good.node, (p) => {
        delete p["connection"];
      }),
    ).toEqual(["connection.hostKeyType is not declared", "connection.hostKeyFingerprint is not declared"]);
    expect(
      violations(gh501, good.node, (p) => {
        delete part(p, "connection", "jump")["hostKeyType"];
      }),
    ).toEqual(["connection.jump.hostKeyType is not declared"]);
  });

  it("takes an unknown pin for a violation", () => {
    expect(
      violations(gh501, good.command, (p) => {
        part(p, "connection")["hostKey"] = UNKNOWN;
      }),
    ).toEqual(["connection.hostKey is unknown at preview"]);
    expect(
      violations(gh501, good.command, (p) => {
        p["connection"] = UNKNOWN;
      }),
    ).toEqual(["connection.hostKey is unknown at preview"]);
    expect(
      violations(gh501, good.node, (p) => {
        part(p, "connection")["hostKeyFingerprint"] = UNKNOWN;
      }),
    ).toEqual(["connection.hostKeyFingerprint is unknown at preview"]);
  });

  it("leaves a phase of ours with an unknown connection to its node's declaration", () => {
    const unknownPhase = (p: Props, resource: { parentType: string }) => {
      p["connection"] = UNKNOWN;
      resource.parentType = "gatehouse:index:Gateway";
    };
    expect(violations(gh501, good.command, unknownPhase)).toEqual([]);
  });
});

ruleContract(gh501, {
  faults: [
    {
      label: "a command without a pin",
      plant: (stack) => {
        stack.remove("Command", "team-a-gateway", ["connection", "hostKey"]);
      },
      says: [/team-a-gateway: connection\.hostKey is not declared/],
    },
    {
      label: "an RSA pin",
      plant: (stack) => {
        stack.set("Command", "team-a-gateway", ["connection", "hostKey"], "ssh-rsa AAAA");
      },
      says: [/team-a-gateway: connection\.hostKey is neither an ed25519 nor an ecdsa public key/],
    },
    {
      label: "a jump host without a pin",
      plant: (stack) => {
        stack.remove("Command", "team-a-gateway", ["connection", "proxy", "hostKey"]);
      },
      says: [/team-a-gateway: connection\.proxy\.hostKey is not declared/],
    },
    {
      label: "a node with an old fingerprint",
      plant: (stack) => {
        stack.set("GatewayNode", "box-1", ["connection", "hostKeyFingerprint"], "MD5:aa");
      },
      says: [/box-1: connection\.hostKeyFingerprint is not a SHA256 fingerprint/],
    },
  ],
  needs: [
    ["Command", "team-a-gateway", ["connection", "hostKey"]],
    ["GatewayNode", "box-1", ["connection", "hostKeyType"]],
    ["GatewayNode", "box-1", ["connection", "jump", "hostKeyFingerprint"]],
  ],
});
