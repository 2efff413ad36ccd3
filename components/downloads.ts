import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Downloads } from "../node/protocol.ts";
import type { DownloadsSpec } from "../spec/index.ts";
import { ComponentError } from "./errors.ts";

let operatorRegistry: string | undefined;

/** The registry that the operator's npm is configured for; asked once. */
function npmRegistry(): string {
  operatorRegistry ??= execFileSync("npm", ["config", "get", "registry"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
  return operatorRegistry;
}

/** A node would have to keep the password; neither state nor node is the place for it. */
function refusePassword(field: string, address: string): string[] {
  const { username, password } = new URL(address);
  return username === "" && password === "" ? [] : [`${field}: the address carries a user name or password`];
}

function certificates(path: string): string {
  const pem = readFileSync(path, "utf8");
  // Throws for what is no certificate.
  new X509Certificate(pem);
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}

/**
 * How a node reaches registries, with the operator's own settings where the spec is silent.
 * @throws {ComponentError} for a certificate file that can't be read and for addresses with a password.
 */
export function resolveDownloads(spec: DownloadsSpec): Downloads {
  const registry = spec.registry ?? npmRegistry();
  const problems = refusePassword("downloads.registry", registry);
  if (spec.proxy !== undefined) problems.push(...refusePassword("downloads.proxy", spec.proxy));
  const pems: string[] = [];
  for (const path of spec.extraCaCertificates ?? []) {
    try {
      pems.push(certificates(path));
    } catch {
      problems.push(`downloads.extraCaCertificates: no readable PEM certificate at ${path}`);
    }
  }
  if (problems.length > 0) {
    throw new ComponentError(problems, "use an address without a password, and PEM files that this user can read");
  }
  return {
    registry,
    ...(spec.proxy !== undefined && { proxy: spec.proxy }),
    ...(spec.noProxy !== undefined && { noProxy: spec.noProxy }),
    ...(pems.length > 0 && { extraCaPem: pems.join("") }),
  };
}
