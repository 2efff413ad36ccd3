import { networkInterfaces } from "node:os";
import { Gaps } from "../diagnose/sources.ts";
import { unitName } from "../generation/manifest.ts";
import { gatewayHome } from "../lib/gateway-home.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import { member } from "../lib/member.ts";
import { absolutePath, gatewayName, list, object, textLike, userName } from "../lib/shape.ts";
import type { Context, UserCommand } from "../phase.ts";
import { waitForArrivals } from "./arrivals.ts";
import { pairedDevices } from "./devices.ts";
import type { ExposureEvidence, WayEvidence, WayPayload } from "./evidence.ts";
import { tailscaleEvidence } from "./tailscale.ts";

/** The operator's side waits at most a little longer. */
export const WAY_SECONDS = 30;

export const checkWay = object<WayPayload>({
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  unit: unitName,
  marks: list(textLike(/^[\w/-]{1,60}$/, "a mark")),
  comparisonKey: textLike(/^[0-9a-f]{32,64}$/, "hex digits"),
});

type AsUser = Pick<WayEvidence, "arrivals" | "devices" | "exposure">;

function exposureOf(config: unknown): ExposureEvidence {
  const text = (value: unknown): string | null =>
    typeof value === "string" && /^[\w.-]{1,40}$/.test(value) ? value : null;
  const allowed = member(config, "gateway", "auth", "allowTailscale");
  return {
    bind: text(member(config, "gateway", "bind")),
    tailscaleMode: text(member(config, "gateway", "tailscale", "mode")),
    allowTailscale: typeof allowed === "boolean" ? allowed : null,
  };
}

/** Runs as the gateway's user: its log and its database. Reads only. */
async function lookAsUser({ unit, marks, comparisonKey }: WayPayload, { platform }: Context): Promise<AsUser> {
  const home = gatewayHome(ownUser().home);
  const gaps = new Gaps();
  const [arrivals, devices, exposure] = await Promise.all([
    gaps.part("log", () => waitForArrivals(platform.services, unit, marks)),
    gaps.part("devices", () => Promise.resolve().then(() => pairedDevices(home.openclaw, comparisonKey))),
    gaps.part("configuration", () => readJsonOrNull<ExposureEvidence>(home.config, exposureOf)),
  ]);
  return { arrivals, devices, exposure };
}

/** Looks at the node's end of an outside route and changes nothing. */
export async function lookAtWay(payload: WayPayload, context: Context): Promise<WayEvidence> {
  const user = await context.platform.users.find(payload.user);
  const nothing: AsUser = { arrivals: null, devices: null, exposure: null };
  const [tailscale, own] = await Promise.all([
    tailscaleEvidence(),
    user?.home !== payload.home || user.uid === 0
      ? nothing
      : (context.asUser(user, "way-look", payload, { timeoutSeconds: WAY_SECONDS - 5 }) as Promise<AsUser>),
  ]);
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  return { addresses, ...own, tailscale };
}

export const wayCommands: Readonly<Record<string, UserCommand>> = {
  "way-look": (payload, context) => lookAsUser(checkWay(payload, "payload"), context),
};
