import { integer, list, object, text, textOrNull, variableName } from "../lib/shape.ts";

/** Which secret a running gateway was given; never the value. */
export interface LaunchedCredential {
  readonly variable: string;
  readonly reference: string;
  /** As the manager names it; null where it has no versions. */
  readonly version: string | null;
}

export interface LaunchRecord {
  /** Process that the launcher became. */
  readonly pid: number;
  readonly credentials: readonly LaunchedCredential[];
}

export const launchRecordShape = object<LaunchRecord>({
  pid: integer(1, Number.MAX_SAFE_INTEGER),
  credentials: list(object<LaunchedCredential>({ variable: variableName, reference: text, version: textOrNull })),
});

/** The record's text. */
export function launchRecord(pid: number, credentials: readonly LaunchedCredential[]): string {
  const shown = credentials.map(({ variable, reference, version }) => ({ variable, reference, version }));
  return `${JSON.stringify({ pid, credentials: shown } satisfies LaunchRecord)}\n`;
}
