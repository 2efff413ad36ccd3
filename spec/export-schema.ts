import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { FLEET_SCHEMA_FILE, fleetJsonSchema, STACK_SCHEMA_FILE, stackJsonSchema } from "./json-schema.ts";

/** `npm run schema`: the JSON Schemas that editors check a fleet and a stack's configuration against. */
for (const [name, schema] of [
  [FLEET_SCHEMA_FILE, fleetJsonSchema()],
  [STACK_SCHEMA_FILE, stackJsonSchema()],
] as const) {
  const file = join(import.meta.dirname, name);
  await writeFile(file, await format(JSON.stringify(schema), { ...(await resolveConfig(file)), filepath: file }));
  process.stdout.write(`spec/${name} written\n`);
}
