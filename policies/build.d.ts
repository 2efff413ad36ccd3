/**
 * Compiles the pack to one CommonJS file, `policies/dist/index.js`, unless the file there came from these very sources.
 * @returns whether the file was written.
 * @throws when the sources do not compile, or `policies/dist` cannot be written.
 */
export function buildPolicies(): boolean;
