import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildPolicies } from "../policies/build.js";
import { renderPoliciesPage } from "../policies/src/docs.ts";

/** `npm run build`: the policy pack, and the page that is made from its catalogue. */
const changed = buildPolicies();
await writeFile(join(import.meta.dirname, "../docs/policies.md"), renderPoliciesPage());
process.stdout.write(changed ? "policies/dist/index.js written\n" : "policies/dist/index.js is up to date\n");
