import { readFile } from "node:fs/promises";
import { z } from "zod";
import { OperationError } from "../operations/error.ts";
import { PLATFORMS } from "../spec/index.ts";
import { writeFileAtomically } from "../sandbox/engine/cache.ts";

const recordSchema = z.object({
  version: z.literal(1),
  /** What runs on the machine. */
  platform: z.enum(PLATFORMS).default("linux"),
  /** Loopback port of the gateway on its machine. */
  gatewayPort: z.int(),
  /** Loopback port of the model provider on this machine. */
  providerPort: z.int(),
  /** Loopback port of the npm registry that has the stand-in's Node, on a stand-in for a Mac. */
  registryPort: z.int().optional(),
  /** A machine of one's own; without it the throw-away node. */
  own: z
    .object({
      ssh: z.object({
        host: z.string(),
        port: z.int(),
        user: z.string(),
        identityFile: z.string(),
        hostKey: z.string(),
      }),
      /** Loopback port there that leads to the provider here, while the demo runs. */
      providerPort: z.int(),
    })
    .optional(),
});

/** What the first run chose and later ones keep. No secrets. */
export type DemoRecord = z.output<typeof recordSchema>;

/** @throws {OperationError} `demo-record` when the file is there but not of this version. */
export async function readRecord(file: string): Promise<DemoRecord | undefined> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${file} is not the record of a demo of this version`;
    throw OperationError.of("demo-record", message, "run `npm run demo -- down` with the version that made it", {
      cause,
    });
  }
}

export async function writeRecord(file: string, record: DemoRecord): Promise<void> {
  await writeFileAtomically(file, `${JSON.stringify(record, null, 2)}\n`);
}
