import type { GatewaySpec, Platform, StartsAt } from "../spec/index.ts";
import { seccompOnly } from "./hardening.ts";
import { renderLaunchPlan } from "./launch-plan.ts";
import { renderLaunchAgent, renderLaunchDaemon, type StartForm } from "./launchd-plist.ts";
import type { GatewayLayout } from "./layout.ts";
import { renderSystemdUnit, type UnitRuntime } from "./systemd-unit.ts";

/** One service definition, and the form for a node that cannot give it namespaces. */
export interface RenderedUnit {
  readonly unit: string;
  readonly unitWithoutNamespaces: string;
}

type Renderer = (gateway: GatewaySpec, layout: GatewayLayout, runtime: UnitRuntime, start: StartForm) => RenderedUnit;

const LAUNCHD_JOBS: Readonly<Record<StartsAt, typeof renderLaunchDaemon>> = {
  boot: renderLaunchDaemon,
  login: renderLaunchAgent,
};

const RENDERERS: Readonly<Record<Platform, Renderer>> = {
  linux: (...args) => {
    const unit = renderSystemdUnit(...args);
    return { unit, unitWithoutNamespaces: seccompOnly(unit) };
  },
  // macOS has no namespaces to do without
  macos: (gateway, ...args) => {
    const unit = LAUNCHD_JOBS[gateway.startsAt](gateway, ...args);
    return { unit, unitWithoutNamespaces: unit };
  },
};

/** What the service manager of a platform is given for one gateway; the same input gives the same bytes. */
export function renderUnit(
  platform: Platform,
  gateway: GatewaySpec,
  layout: GatewayLayout,
  runtime: UnitRuntime,
): RenderedUnit {
  const start = renderLaunchPlan(gateway, layout) === undefined ? "direct" : "launcher";
  return RENDERERS[platform](gateway, layout, runtime, start);
}
