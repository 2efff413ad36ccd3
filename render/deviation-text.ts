import type { Deviation, Mending } from "../node/drift/deviation.ts";

/** One difference in one line; `mends` says in the reader's words what mends it. */
export function deviationText(
  { kind, what, detail, likely, mending }: Deviation,
  mends: Readonly<Record<Mending, string>>,
): string {
  const by = likely === "unknown" ? "" : `, likely ${likely}`;
  return `${kind}: ${what} ${detail} (${mends[mending]}${by})`;
}
