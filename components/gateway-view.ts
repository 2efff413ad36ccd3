import { createHash } from "node:crypto";
import { parse } from "plist";
import type { EnvironmentSpec, GatewaySpec, NodeDesign, Platform, StartsAt } from "../spec/index.ts";
import { renderOpenclawConfig, renderUnit } from "../render/index.ts";
import type { GatewayLayout } from "../render/index.ts";
import type { RuntimePlan } from "./runtime.ts";

/** What an environment is for; undefined where the program does not say. */
export type EnvironmentKind = EnvironmentSpec["kind"];

/** The parts of `openclaw.json` that policies read; the file holds references only. */
const CONFIG_BLOCKS = ["gateway", "discovery", "update", "secrets", "auth", "models", "tools", "logging"] as const;

/** Tells an edit of a gateway's design from a change of its credentials' values or of what a change declares. */
export function designHash(gateway: GatewaySpec, runtime: RuntimePlan["unitRuntime"]): string {
  return createHash("sha256")
    .update(JSON.stringify([{ ...gateway, change: undefined }, runtime]))
    .digest("hex")
    .slice(0, 16);
}

type Config = Readonly<Record<string, unknown>>;

/** `openclaw.json` of a gateway, as policies may read it. */
function configView(node: NodeDesign, gateway: GatewaySpec, layout: GatewayLayout): Config {
  const config = JSON.parse(renderOpenclawConfig(node, gateway, layout)) as Config;
  const agents = config["agents"] as { readonly defaults?: unknown };
  return {
    ...Object.fromEntries(CONFIG_BLOCKS.map((block) => [block, config[block]])),
    agents: { defaults: agents.defaults },
  };
}

interface Service {
  /** Who starts it, and when. */
  readonly service: { readonly manager: string; readonly starts: string };
  /** The account phase refuses a user that has more (node/account). */
  readonly account: { readonly groups: readonly string[]; readonly password: string };
}

const OWN_ACCOUNT = { groups: [], password: "locked" } as const;
const LINUX: Service = {
  service: { manager: "systemd-user", starts: "at boot, by linger" },
  account: OWN_ACCOUNT,
};
const SERVICES: Readonly<Record<Platform, Readonly<Record<StartsAt, Service>>>> = {
  // the spec refuses another start there
  linux: { boot: LINUX, login: LINUX },
  macos: {
    boot: { service: { manager: "launchd-daemon", starts: "at boot" }, account: OWN_ACCOUNT },
    login: {
      service: { manager: "launchd-agent", starts: "at login" },
      // somebody logs in to it
      account: { groups: ["staff"], password: "usable" },
    },
  },
};

/** What is started and how, in the form that policies read. */
const DEFINITIONS: Readonly<Record<Platform, (unit: string) => object>> = {
  linux: (unitText) => ({ unitText }),
  macos: (plist) => ({ launchdJob: parse(plist) }),
};

/** What policies may read of a gateway besides its names, paths and fingerprints. */
export function gatewayView(args: {
  readonly node: NodeDesign;
  readonly gateway: GatewaySpec;
  readonly layout: GatewayLayout;
  readonly plan: RuntimePlan;
  readonly environmentKind: EnvironmentKind | undefined;
}) {
  const { node, gateway, layout, plan, environmentKind } = args;
  const { service, account } = SERVICES[node.platform][gateway.startsAt];
  return {
    node: node.name,
    platform: node.platform,
    ...(environmentKind === undefined ? {} : { environmentKind }),
    token: { ref: gateway.token ?? "generated", rotateEveryDays: gateway.tokenRotateEveryDays },
    rollbackPoints: gateway.keepGenerations - 1,
    openclaw: configView(node, gateway, layout),
    account: { user: layout.user, ...account },
    service,
    ...DEFINITIONS[node.platform](renderUnit(node.platform, gateway, layout, plan.unitRuntime).unit),
  };
}
