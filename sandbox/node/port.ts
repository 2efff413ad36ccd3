import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { NodeError } from "./errors.ts";

/** Below the kernel's range for outgoing connections (32768 and up), which could take a port at any moment. */
const RANGE = { from: 22_000, to: 30_000 } as const;
const ATTEMPTS = 50;

/**
 * A port that nobody listens on at `address`, found by binding it.
 * @throws {NodeError} when `wanted` is taken, or none is free.
 */
export async function freePort(address: string, wanted?: number): Promise<number> {
  if (wanted !== undefined) {
    if (await canBind(address, wanted)) return wanted;
    throw new NodeError(`port ${wanted} of ${address} is taken`, "name another port, or none to have one chosen");
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(RANGE.from, RANGE.to);
    if (await canBind(address, port)) return port;
  }
  throw new NodeError(
    `no free port at ${address} between ${RANGE.from} and ${RANGE.to}`,
    "is the address one of this machine's?",
  );
}

function canBind(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
