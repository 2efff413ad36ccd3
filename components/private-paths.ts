import { keyFileVariables } from "../render/index.ts";
import type { GatewayLayout } from "../render/index.ts";
import type { GatewaySpec } from "../spec/index.ts";

/** What Gatehouse writes for a gateway and nobody else may read, as policies see it. */
export function privatePaths(gateway: GatewaySpec, layout: GatewayLayout) {
  const directory = (path: string) => ({ path, mode: "0700", kind: "directory", owner: layout.user });
  const file = (path: string) => ({ path, mode: "0600", kind: "file", owner: layout.user });
  return [
    directory(layout.home),
    directory(layout.stateDir),
    directory(layout.workspacesDir),
    directory(layout.gatehouseDir),
    directory(layout.generationsDir),
    file(layout.configPath),
    file(layout.envFile),
    // launchd reads its definitions from a folder of root's; they hold no secret
    ...(layout.unitPath.startsWith(`${layout.home}/`) ? [file(layout.unitPath)] : []),
    ...(keyFileVariables(gateway).length === 0 ? [] : [file(layout.keysPath)]),
    ...(gateway.https === undefined ? [] : [file(layout.certificatePath), file(layout.certificateKeyPath)]),
    ...(gateway.nodeIdentity === undefined ? [] : [file(layout.launcherPath), file(layout.launchPlanPath)]),
  ];
}
