import { spawnSync } from "node:child_process";
import { PATHS } from "../paths.ts";
import type { Output } from "./output.ts";

/** Runs a program of the Debian tree underneath with the caller's stdin. */
export function runLinux(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Output {
  const { status, stdout, stderr, error } = spawnSync(`${PATHS.linux}/bin/${program}`, args, {
    env,
    stdio: ["inherit", "pipe", "pipe"],
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  return { code: status ?? 1, stdout, stderr: stderr.toString() };
}
