import * as pulumi from "@pulumi/pulumi";
import { ComponentError } from "./errors.ts";

/** The part of a gateway's public view that tells its two layers apart. */
export interface LayersView {
  readonly tokenFingerprint: pulumi.Input<string>;
  /** By `AGENT/PROVIDER`; the reference in place of a fingerprint where the node reads the key itself. */
  readonly providerFingerprints: Readonly<Record<string, pulumi.Input<string>>>;
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

/**
 * Why an update of a gateway may not be made; undefined when it may. It may change the gateway token or provider keys,
 * and both only with `change.rotateTogether`: whoever changes both cannot tell which of them an "Unauthorized" is about.
 * A fingerprint that is not known yet counts as another one, and one that the state does not have as changed.
 */
export function rotatedTogether(before: unknown, after: unknown): string | undefined {
  if (member(before, "tokenFingerprint") === member(after, "tokenFingerprint")) return undefined;
  if (member(member(after, "change"), "rotateTogether") !== undefined) return undefined;
  const [known, wanted] = [member(before, "providerFingerprints"), member(after, "providerFingerprints")];
  if (typeof known !== "object" || known === null) {
    return "changes the gateway token, and the state does not say whether provider keys change with it";
  }
  const changed = Object.entries(known).filter(([key, value]) => {
    const next = member(wanted, key);
    return next !== undefined && next !== value;
  });
  if (changed.length === 0) return undefined;
  return `changes the gateway token and the provider keys of ${changed.map(([key]) => key).join(", ")} together`;
}

/**
 * Stops such an update at preview. Part of the component, not of the policy pack: a policy sees no earlier inputs, and a
 * pack can be left out.
 */
export function rotationGuard(gateway: string): pulumi.ResourceHook {
  return new pulumi.ResourceHook(
    `gatehouse-rotation-guard-${gateway}`,
    ({ oldInputs, newInputs }) => {
      const problem = rotatedTogether(oldInputs, newInputs);
      if (problem === undefined) return;
      throw new ComponentError(
        [`gateway '${gateway}': this update ${problem}`],
        "rotate one layer, see that it serves, then the other; after a break-in set `change.rotateTogether.reason` on the gateway",
      );
    },
    { onDryRun: true },
  );
}
