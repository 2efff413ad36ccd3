import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { run } from "../node/run.ts";
import { PATHS } from "./paths.ts";

/** Name in npm's layout of the archive that stands for the one of nodejs.org. */
const PACKAGE = "gatehouse-stand-in-node";
const PACK_TIMEOUT_MS = 120_000;

export interface StandInArchive {
  readonly path: string;
  /** Without the `v`. */
  readonly version: string;
  /** For `runtime.node.archives` of a spec, under the target that the stand-in's uname gives: `darwin-x64`. */
  readonly source: string;
  readonly integrity: string;
}

/** The real binary is kept beside; bash, because ps has to show the name that launchd was given. */
const LAUNCHER = `#!/bin/bash
# Stand-in: Node for Linux in the place of Node for macOS
self=$(readlink -f "$0")
exec -a "$self" "\${self%/bin/node}/libexec/node" --require ${PATHS.darwin} "$@"
`;

/**
 * Packs the Node that runs this, which is one for Linux, as the archive of Node for macOS that Gatehouse installs. What is
 * fetched, checked against its integrity and unpacked is therefore no binary of macOS: nothing is shown about those, their
 * signature, or how they behave.
 */
export async function packNodeArchive(directory: string): Promise<StandInArchive> {
  const version = process.versions.node;
  const staging = await mkdtemp(join(directory, "node-"));
  const tree = join(staging, `node-v${version}-darwin-x64`);
  const path = join(directory, `node-v${version}-stand-in.tar.gz`);
  try {
    await mkdir(join(tree, "bin"), { recursive: true });
    await mkdir(join(tree, "libexec"));
    await writeFile(join(tree, "bin/node"), LAUNCHER);
    await cp(process.execPath, join(tree, "libexec/node"));
    for (const name of ["bin/node", "libexec/node"]) await chmod(join(tree, name), 0o755);
    const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--use-compress-program=gzip -1 -n"];
    await run("tar", ["-c", ...same, "-f", path, "-C", staging, `node-v${version}-darwin-x64`], { timeoutMs: PACK_TIMEOUT_MS }); // prettier-ignore
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  const digest = createHash("sha512").update(await readFile(path)).digest("base64"); // prettier-ignore
  return { path, version, source: `npm:${PACKAGE}@${version}`, integrity: `sha512-${digest}` };
}

export interface RegistryMirror {
  /** For `downloads.registry` of a spec; the stand-in shares the network of its host. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the archive on the loopback device, on a free port by default, and sends every other question on to `registry`. */
export async function serveArchive(archive: StandInArchive, registry: string, port = 0): Promise<RegistryMirror> {
  const own = `/${PACKAGE}/-/${PACKAGE}-${archive.version}.tgz`;
  const { size } = await stat(archive.path);
  const server = createServer((request, response) => {
    if (request.url === own) {
      response.writeHead(200, { "content-type": "application/octet-stream", "content-length": size });
      createReadStream(archive.path).pipe(response);
    } else {
      response.writeHead(307, { location: `${registry.replace(/\/+$/, "")}${request.url ?? "/"}` }).end();
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** What the spec of a stand-in says besides its address, until `close`. */
export interface StandInRuntime {
  readonly downloads: { readonly registry: string };
  readonly runtime: {
    readonly node: {
      readonly version: string;
      readonly archives: { readonly "darwin-x64": Pick<StandInArchive, "source" | "integrity"> };
    };
  };
  close(): Promise<void>;
}

/** Packs the archive in `directory` and serves it beside the operator's own npm registry. */
export async function serveRuntime(directory: string, port = 0): Promise<StandInRuntime> {
  const [archive, registry] = await Promise.all([
    packNodeArchive(directory),
    run("npm", ["config", "get", "registry"], { env: { PATH: process.env["PATH"] } }),
  ]);
  const mirror = await serveArchive(archive, registry.trim(), port);
  const { version, source, integrity } = archive;
  return {
    downloads: { registry: mirror.url },
    runtime: { node: { version, archives: { "darwin-x64": { source, integrity } } } },
    close: () => mirror.close(),
  };
}
