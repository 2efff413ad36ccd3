/** Three numbers of a full version such as 24.21.0 or 2026.9.6; undefined for anything else. */
export function versionOf(text: string): readonly [number, number, number] | undefined {
  const match = /^(\d{1,5})\.(\d{1,5})\.(\d{1,5})$/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

/** Whether `text` comes before `than`; false when one of them is no full version. */
export function isOlder(text: string, than: string): boolean {
  const [version, floor] = [versionOf(text), versionOf(than)];
  if (version === undefined || floor === undefined) return false;
  const difference = version.map((part, index) => part - (floor[index] ?? 0)).find((part) => part !== 0);
  return (difference ?? 0) < 0;
}
