import { PhaseFailure } from "../lib/failure.ts";
import { member } from "../lib/member.ts";
import { complaint, OpenclawCli } from "../openclaw/cli.ts";
import type { StoredGeneration } from "../generation/store.ts";
import type { Context } from "../phase.ts";
import { EXIT } from "../protocol.ts";
import type { DevicesAfterRotation, PairedDevice } from "../protocol.ts";

/** The vendor's id of a device. */
export const DEVICE_ID = /^[0-9a-f]{64}$/;

function unusable(what: string): PhaseFailure {
  return new PhaseFailure({
    layer: "gateway session",
    code: "devices",
    message: `the new gateway token serves, but ${what}`,
    fix: "run the same command again; by hand: `openclaw devices list` and `openclaw devices remove ID` as the gateway user",
    exit: EXIT.gate,
  });
}

/** @throws {PhaseFailure} `devices` for a list that is not one: "none are paired" must be said by the vendor. */
export function pairedDevices(list: unknown): readonly PairedDevice[] {
  const paired = member(list, "paired");
  if (!Array.isArray(paired)) throw unusable("the gateway did not list its paired devices");
  return paired.map((device: unknown) => {
    const id = member(device, "deviceId");
    if (typeof id !== "string" || !DEVICE_ID.test(id)) throw unusable("a paired device has no id that is known here");
    const word = (key: string): string => {
      const value = member(device, key);
      return typeof value === "string" && /^[\w .-]{1,40}$/.test(value) ? value : "unknown";
    };
    return { id, client: word("clientId"), platform: word("platform") };
  });
}

/**
 * Removes every paired device but those that stay. A device has a token of its own, so that a new gateway token alone
 * leaves it connected (facts: remote-access.md 1, measured on 2026.9.6).
 * @throws {PhaseFailure} `devices`.
 */
export async function removeDevices(
  generation: StoredGeneration,
  keep: readonly string[],
  context: Context,
): Promise<DevicesAfterRotation> {
  const cli = await OpenclawCli.of(generation);
  const listed = await cli.run(["devices", "list", "--json"]);
  if (listed.result.status !== 0)
    throw unusable(`its paired devices can't be listed: ${cli.redact(complaint(listed))}`);
  const devices = pairedDevices(listed.json);
  const unwanted = devices.filter(({ id }) => !keep.includes(id));
  for (const { id } of unwanted) {
    context.progress(`removing the paired device ${id.slice(0, 12)}`);
    const removed = await cli.run(["devices", "remove", id, "--json"]);
    if (removed.result.status !== 0)
      throw unusable(`the device ${id} can't be removed: ${cli.redact(complaint(removed))}`);
  }
  return { removed: unwanted, kept: devices.filter(({ id }) => keep.includes(id)) };
}
