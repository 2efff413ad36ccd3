import * as policy from "@pulumi/policy";
import { Fleet } from "../../policies/src/fleet.ts";
import { textOf } from "../../policies/src/read.ts";
import type { Resource } from "../../policies/src/resource.ts";
import type { Rule } from "../../policies/src/rule.ts";

// exported since 1.21.0, but its declaration file is empty
const { unknownCheckingProxy } = policy as unknown as { unknownCheckingProxy: <T>(value: T) => T };

/** How the engine writes a string that is not known at preview (`@pulumi/policy` 1.21.0, proxy.ts). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A value that no message may repeat. */
export const CANARY = "sk-ant-api03-CANARY0000000000000000";

export type Props = Record<string, unknown>;

export interface Good {
  readonly type: string;
  readonly parentType: string;
  readonly props: Props;
}

const FINGERPRINT = `SHA256:${"A".repeat(43)}`;
const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/** Valid resources; each test breaks one of them in one place. */
export const good = {
  node: (): Good => ({
    type: "gatehouse:index:GatewayNode",
    parentType: "pulumi:pulumi:Stack",
    props: {
      node: "box-1",
      connection: {
        host: "192.0.2.10",
        hostKeyType: "ssh-ed25519",
        hostKeyFingerprint: FINGERPRINT,
        jump: { host: "192.0.2.1", hostKeyType: "ecdsa-sha2-nistp256", hostKeyFingerprint: FINGERPRINT },
      },
    },
  }),
  command: (): Good => ({
    type: "command:remote:Command",
    parentType: "pulumi:pulumi:Stack",
    props: {
      connection: {
        host: "192.0.2.10",
        hostKey: HOST_KEY,
        privateKey: CANARY,
        proxy: { host: "192.0.2.1", hostKey: HOST_KEY },
      },
      stdin: CANARY,
    },
  }),
  gateway: (): Good => ({
    type: "gatehouse:index:Gateway",
    parentType: "gatehouse:index:GatewayNode",
    props: {
      gateway: "team-a",
      paths: [
        { path: "/home/oc/.openclaw", kind: "directory", mode: "0700", owner: "oc" },
        { path: "/home/oc/.openclaw/openclaw.json", kind: "file", mode: "0600", owner: "oc" },
      ],
    },
  }),
  agent: (): Good => ({
    type: "gatehouse:index:Agent",
    parentType: "gatehouse:index:Gateway",
    props: {
      agent: "research",
      paths: [{ path: "/home/oc/workspaces/research", kind: "directory", mode: "0700", owner: "oc" }],
    },
  }),
};

/** What `rule` says of `make()` after `breakIt`, seen through the proxy that the engine puts before a rule. */
export function violations(
  rule: Rule,
  make: () => Good,
  breakIt: (props: Props, resource: { parentType: string }) => void = () => undefined,
): readonly string[] {
  const { type, parentType, props } = make();
  const resource = { parentType };
  breakIt(props, resource);
  const seen: Resource = {
    urn: "urn:subject",
    type,
    name: "subject",
    ...resource,
    props: unknownCheckingProxy(props),
    secretOutputs: [],
  };
  return rule.judge(seen, {}, { fleet: new Fleet(), now: new Date() }).map(textOf);
}
