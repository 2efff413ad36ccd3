import type { ProviderRecord } from "../sandbox/provider/index.ts";

/**
 * What is wrong with the keys that came during an agent's turn. A helper call of an agent that had its turn `before` may
 * come late, so that its key is no objection.
 */
export function keyProblem(
  agent: string,
  records: readonly ProviderRecord[],
  before: readonly string[],
): string | undefined {
  if (!records.some(({ key, status }) => key === agent && status === 200)) {
    return `no request with the key of ${agent} reached the provider`;
  }
  const foreign = records.find(({ key }) => key !== agent && !before.includes(key));
  return foreign && `a request came with another key (${foreign.key})`;
}
