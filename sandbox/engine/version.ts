/** The three numbers of a semantic version. */
export type Version = readonly [major: number, minor: number, patch: number];

/** Reads `1.2.3` out of texts such as `v1.2.3`, `go1.2.3 linux/amd64` or `1.2.3-alpha`; a missing patch is 0. */
export function parseVersion(text: string): Version | undefined {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return undefined;
  return [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** True when `version` is `minimum` or newer. A pre-release counts as its release. */
export function atLeast(version: Version, minimum: Version): boolean {
  for (const index of [0, 1, 2] as const) {
    if (version[index] !== minimum[index]) return version[index] > minimum[index];
  }
  return true;
}
