import type { Rule } from "./rule.ts";
import { gh201 } from "./rules/gh201-no-world-readable-path.ts";
import { gh501 } from "./rules/gh501-host-key-pinned.ts";

/** Every rule, by id. */
export const CATALOGUE: readonly Rule[] = [gh201, gh501];
