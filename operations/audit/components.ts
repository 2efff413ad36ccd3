import { parse } from "plist";
import { member } from "../../node/lib/member.ts";
import type { ObservedGateway, ObservedNode } from "../../node/audit/observed.ts";
import type { Resource } from "../../policies/src/resource.ts";
import type { StackComponent } from "../stack.ts";

const [NODE, RUNTIME, GATEWAY] = ["GatewayNode", "Runtime", "Gateway"].map((name) => `gatehouse:index:${name}`);

type Inputs = Readonly<Record<string, unknown>>;

/** A property list as seen; null for one that cannot be read, which no rule takes for a good one. */
function jobOf(text: string | null | undefined): unknown {
  try {
    return text === null || text === undefined ? null : parse(text);
  } catch {
    return null;
  }
}

function serviceOf({ lingers, enabled, unitText }: ObservedGateway, inputs: Inputs) {
  const starts = lingers === true && enabled === true;
  if (inputs["platform"] === "macos") {
    const isAgent = member(inputs, "service", "manager") === "launchd-agent";
    const [manager, when] = isAgent ? ["launchd-agent", "at login"] : ["launchd-daemon", "at boot"];
    return {
      service: { manager, starts: starts ? when : `not ${when}` },
      launchdJob: jobOf(unitText),
    };
  }
  return {
    service: { manager: "systemd-user", starts: starts ? "at boot, by linger" : "not at boot" },
    unitText: unitText ?? null,
  };
}

function fieldsOf(gateway: ObservedGateway, inputs: Inputs): Readonly<Record<string, unknown>> {
  const { account, openclaw } = gateway;
  return {
    account: account === null ? null : { groups: account.groups, password: account.hasPassword ? "usable" : "locked" },
    ...serviceOf(gateway, inputs),
    openclaw: openclaw ?? null,
  };
}

interface DeclaredPath {
  readonly path: string;
  readonly mode: string;
}

/** Declared paths with the modes that they have; one that is not there keeps what was declared, and drift tells of it. */
function pathsOf(declared: unknown, observed: ObservedGateway["paths"] = []): readonly DeclaredPath[] {
  return (declared as readonly DeclaredPath[]).map((one) => ({
    ...one,
    mode: observed.find(({ path }) => path === one.path)?.mode ?? one.mode,
  }));
}

function propsOf(
  { type, name, inputs }: StackComponent,
  nodes: ReadonlyMap<string, ObservedNode>,
): Readonly<Record<string, unknown>> | undefined {
  if (type === NODE || type === RUNTIME) {
    const node = nodes.get(name);
    if (node === undefined) return undefined;
    if (type === NODE)
      return { ...inputs, sleep: node.sleepPrevented ? "prevented" : "as configured", boot: node.boot };
    const version = (field: "nodeVersion" | "openclawVersion"): unknown =>
      node.gateways.map((gateway) => gateway[field]).find((one) => typeof one === "string") ?? null;
    return { ...inputs, nodeVersion: version("nodeVersion"), openclawVersion: version("openclawVersion") };
  }
  if (type !== GATEWAY) return inputs;
  const gateway = [...nodes.values()].flatMap(({ gateways }) => gateways).find((one) => one.gateway === name);
  if (gateway === undefined || gateway.failure !== null) return undefined;
  return { ...inputs, ...fieldsOf(gateway, inputs), paths: pathsOf(inputs["paths"], gateway.paths) };
}

/**
 * The stack's components as the rules see them, with what was seen on the machines in place of what was declared; those
 * that were not seen are left out.
 */
export function observedComponents(
  components: readonly StackComponent[],
  nodes: ReadonlyMap<string, ObservedNode>,
): readonly Resource[] {
  return components.flatMap((component) => {
    const props = propsOf(component, nodes);
    const { urn, type, name } = component;
    return props === undefined ? [] : [{ urn, type, name, parentType: "", props, secretOutputs: [] }];
  });
}
