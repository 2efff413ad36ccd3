import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Diagnosis } from "./diagnose.ts";
import { isUnreachable } from "../visit/connect.ts";
import { diagnosisText } from "./report.ts";

/**
 * Writes what fits into a ticket: `diagnosis.json`, `diagnosis.md` and `gateway.log`, each 0600; returns their paths.
 * The directory is made (0700) if it is not there; files of an earlier bundle are replaced.
 */
export async function writeBundle(directory: string, diagnosis: Diagnosis): Promise<string[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { node } = diagnosis.seen;
  const log = isUnreachable(node) ? [] : (node.gateway?.log?.lines ?? []);
  const files = {
    "diagnosis.json": `${JSON.stringify(diagnosis, null, 2)}\n`,
    "diagnosis.md": `# ${diagnosis.frozen.gateway}: ${diagnosis.verdict}\n\n\`\`\`\n${diagnosisText(diagnosis)}\n\`\`\`\n`,
    "gateway.log": log.map((line) => `${line}\n`).join(""),
  };
  const paths: string[] = [];
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    await writeFile(path, text, { mode: 0o600 });
    paths.push(path);
  }
  return paths;
}
