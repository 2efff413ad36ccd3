/**
 * The stand-in provider as a process: `main.ts --keys FILE --port N --pid FILE`.
 * The key file is read again at each request, so a rotation takes effect at once. SIGTERM ends it.
 */
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { writeFileAtomically } from "../node/files.ts";
import { identify } from "../node/process-identity.ts";
import { ProviderError } from "./errors.ts";
import { readKeysFile } from "./keys.ts";
import { startProvider } from "./server.ts";

async function main(): Promise<void> {
  const { keys, port, pid } = parseArgs({
    options: { keys: { type: "string" }, port: { type: "string" }, pid: { type: "string" } },
  }).values;
  if (keys === undefined || port === undefined || pid === undefined || !/^\d{1,5}$/.test(port)) {
    throw new ProviderError("--keys FILE, --port N and --pid FILE are needed", "name all three");
  }
  // a bad file shows at the start, not at the first request
  await readKeysFile(keys);
  const provider = await startProvider({ keys: () => readKeysFile(keys), port: Number(port) });
  await writeFileAtomically(
    pid,
    `${JSON.stringify({ port: provider.port, process: await identify(process.pid) })}\n`,
    0o600,
  );
  const stop = (): void => {
    void provider
      .close()
      .then(() => rm(pid, { force: true }))
      .then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`stand-in provider: ${error instanceof Error ? error.message : "failed"}\n`);
  if (error instanceof ProviderError) process.stderr.write(`  fix: ${error.fix}\n`);
  process.exitCode = 1;
});
