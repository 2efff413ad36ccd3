import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EXIT } from "../protocol.ts";
import type { RuntimePayload } from "../protocol.ts";
import { describeEnd, MINIMAL_PATH } from "../lib/exec.ts";
import type { ExecResult } from "../lib/exec.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { ExitStatus } from "../lib/failure.ts";

/**
 * npm's settings as environment of that one process: no user or global npmrc is read, so the node's own habits can't
 * change the result, and a proxy URL never becomes an argument. Makes `cache`, which the caller deletes.
 */
export async function npmEnvironment(payload: RuntimePayload, cache: string): Promise<Record<string, string>> {
  const { downloads, runtime } = payload;
  await mkdir(cache, { mode: 0o700 });
  const environment: Record<string, string> = {
    PATH: `${dirname(runtime.nodePath)}:${MINIMAL_PATH}`,
    HOME: cache,
    NODE_USE_SYSTEM_CA: "1",
    npm_config_registry: downloads.registry,
    npm_config_cache: cache,
    // Neither exists; npm refuses one path for both.
    npm_config_userconfig: join(cache, "no-user-npmrc"),
    npm_config_globalconfig: join(cache, "no-global-npmrc"),
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    npm_config_loglevel: "error",
    npm_config_logs_max: "0",
    npm_config_progress: "false",
    npm_config_omit: "dev",
    npm_config_maxsockets: "40",
    npm_config_fetch_retries: "3",
    // 2, 4 and 8 s: with npm's own pauses an unreachable registry is only reported after two minutes
    npm_config_fetch_retry_mintimeout: "2000",
    npm_config_fetch_retry_factor: "2",
    npm_config_fetch_timeout: "60000",
  };
  if (downloads.proxy !== undefined) {
    environment["HTTPS_PROXY"] = downloads.proxy;
    environment["HTTP_PROXY"] = downloads.proxy;
  }
  if (downloads.noProxy !== undefined) environment["NO_PROXY"] = downloads.noProxy.join(",");
  if (downloads.extraCaPem !== undefined) {
    const file = join(cache, "extra-ca.pem");
    await writeFile(file, downloads.extraCaPem, { mode: 0o600 });
    environment["NODE_EXTRA_CA_CERTS"] = file;
  }
  return environment;
}

interface Cause {
  readonly pattern: RegExp;
  readonly code: string;
  readonly exit: ExitStatus;
  readonly message: string;
  readonly fix: string;
}

const CAUSES: readonly Cause[] = [
  {
    pattern: /\bEINTEGRITY\b/,
    code: "integrity",
    exit: EXIT.refused,
    message: "the registry served a package that does not match the lockfile's integrity",
    fix: "do not use that registry until you know why; compare with another mirror",
  },
  {
    pattern: /\b(ENOSPC|EDQUOT)\b/,
    code: "disk-full",
    exit: EXIT.os,
    message: "the disk filled up while OpenClaw was being installed; the half-finished copy was removed",
    fix: "free space below /opt/gatehouse, then run the same command again",
  },
  {
    pattern: /\b(E401|E403|ENEEDAUTH)\b/,
    code: "registry-auth",
    exit: EXIT.unavailable,
    message: "the registry asks for a login",
    fix: "use a registry or mirror that serves packages without a token (registries with tokens are not supported)",
  },
  {
    pattern: /\b(E404|ETARGET)\b/,
    code: "registry-missing",
    exit: EXIT.unavailable,
    message: "the registry does not have one of the pinned packages",
    fix: "let the mirror fetch it, or set `downloads.registry` of the node to one that has it",
  },
  {
    pattern: /CERT|self[- ]signed|unable to (get|verify)/i,
    code: "certificate",
    exit: EXIT.unavailable,
    message: "the registry's certificate is not trusted by the node",
    fix: "add its authority to `downloads.extraCaCertificates` of the node",
  },
  {
    pattern:
      /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT)\b/,
    code: "registry-unreachable",
    exit: EXIT.unavailable,
    message: "the node cannot reach the package registry",
    fix: "check `downloads.registry` and `downloads.proxy` of the node and its network, then run the same command again",
  },
];

/** Says what went wrong; known causes get a sentence and a fix of their own. */
export function npmFailure(result: ExecResult): PhaseFailure {
  const output = `${result.stderr}\n${result.stdout}`;
  const cause = CAUSES.find(({ pattern }) => pattern.test(output));
  if (cause !== undefined) {
    const { code, message, fix, exit } = cause;
    const layer = code === "disk-full" ? "config or disk" : "runtime";
    return new PhaseFailure({ layer, code, message, fix, exit });
  }
  return new PhaseFailure({
    layer: "runtime",
    code: "npm",
    message: `npm ci failed (${describeEnd(result)}): ${ownWords(output)}`,
    fix: "check the registry and the memory of the node, then run the same command again",
    exit: EXIT.unavailable,
  });
}

/** npm's last words, without addresses, which may carry a password. */
function ownWords(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "" && !line.includes("complete log of this run"));
  const words = lines
    .slice(-3)
    .map((line) => line.replace(/^npm error\s*/, "").replaceAll(/[a-z+]+:\/\/\S+/gi, "(address)"));
  return words.join("; ").slice(0, 300) || "no message";
}
