import { X509Certificate } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";

const HOST_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
/** Public authorities as Debian's package brings them; some are newer or older than those in Node. */
const PACKAGED = "/usr/share/ca-certificates/mozilla";
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Certificate authorities that this host trusts (system bundle, `NODE_EXTRA_CA_CERTS`) beyond the public ones of Node
 * and Debian: a company's proxy, say. PEM, one certificate each, in a stable order.
 */
export async function extraAuthorities(env: NodeJS.ProcessEnv): Promise<string[]> {
  const known = new Set([...rootCertificates, ...(await packagedCertificates())].map(fingerprint));
  const found = new Map<string, string>();
  for (const path of new Set([HOST_BUNDLE, env["NODE_EXTRA_CA_CERTS"]])) {
    if (path === undefined || path === "") continue;
    const bundle = await readFile(path, "utf8").catch(() => "");
    for (const [pem] of bundle.matchAll(PEM)) {
      const print = fingerprint(pem);
      if (print !== undefined && !known.has(print)) found.set(print, pem);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pem]) => pem);
}

async function packagedCertificates(): Promise<string[]> {
  const names = await readdir(PACKAGED).catch(() => []);
  return Promise.all(
    names.filter((name) => name.endsWith(".crt")).map((name) => readFile(join(PACKAGED, name), "utf8")),
  );
}

function fingerprint(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    // a bundle may hold entries that this OpenSSL can't read; nothing here could use them either
    return undefined;
  }
}
