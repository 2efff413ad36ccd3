/** Whether one version of OpenClaw (`YYYY.M.D`, each a number) comes before another. */
export function isOlder(version: string, than: string): boolean {
  const parts = (text: string): number[] => text.split(".").map(Number);
  const floor = parts(than);
  const difference = parts(version).map((part, index) => part - (floor[index] ?? 0));
  return (difference.find((part) => part !== 0) ?? 0) < 0;
}
