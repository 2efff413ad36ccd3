import { createHash } from "node:crypto";
import { parse } from "plist";
import type { EnvironmentSpec, GatewaySpec, NodeDesign, Platform } from "../spec/index.ts";
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

/** Who starts a gateway, and when. */
const SERVICES: Readonly<Record<Platform, { readonly manager: string; readonly starts: string }>> = {
  linux: { manager: "systemd-user", starts: "at boot, by linger" },
  macos: { manager: "launchd-daemon", starts: "at boot" },
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
  return {
    node: node.name,
    platform: node.platform,
    ...(environmentKind === undefined ? {} : { environmentKind }),
    token: { ref: gateway.token ?? "generated", rotateEveryDays: gateway.tokenRotateEveryDays },
    rollbackPoints: gateway.keepGenerations - 1,
    openclaw: configView(node, gateway, layout),
    // the account phase refuses any other user (node/account)
    account: { user: layout.user, groups: [], password: "locked" },
    service: SERVICES[node.platform],
    ...DEFINITIONS[node.platform](renderUnit(node.platform, gateway, layout, plan.unitRuntime).unit),
  };
}
