import { execFile, spawn, type ChildProcess } from "node:child_process";
import { access, mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestCertificate } from "../certificates.ts";

const run = promisify(execFile);
const NGINX = "/usr/sbin/nginx";
const HAPROXY = "/usr/sbin/haproxy";

/** Whether real proxies and a network of their own can be had here; says why not where they cannot. */
export async function proxiesCanRun(): Promise<boolean> {
  for (const [path, tool] of [
    [NGINX, "nginx-light"],
    [HAPROXY, "haproxy"],
  ] as const) {
    if (
      await access(path).then(
        () => false,
        () => true,
      )
    ) {
      process.stderr.write(`skipped: ${path} is not there (Debian package ${tool})\n`);
      return false;
    }
  }
  const name = `gh-probe-${process.pid}`;
  try {
    await run("ip", ["netns", "add", name]);
    await run("ip", ["netns", "del", name]);
    return true;
  } catch {
    process.stderr.write("skipped: no network namespace can be made here (ip netns, as root)\n");
    return false;
  }
}

/** One `server` of nginx. */
export interface Site {
  readonly port: number;
  /** HTTPS with this certificate. */
  readonly certificate?: TestCertificate;
  /** Lines of its `location /`. */
  readonly lines: readonly string[];
}

/** Another machine, as far as the network goes: a namespace with a pair of interfaces to this one. */
export class Neighbour {
  readonly here: string;
  readonly there: string;
  readonly #name: string;
  readonly #directory: string;
  readonly #children: ChildProcess[] = [];

  private constructor(directory: string, network: number, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.here = `10.213.${network}.1`;
    this.there = `10.213.${network}.2`;
  }

  static async start(directory: string): Promise<Neighbour> {
    const network = 1 + (process.pid % 250);
    const it = new Neighbour(directory, network, `gh-routes-${process.pid}`);
    const [link, peer] = [`ghr${process.pid % 100_000}a`, `ghr${process.pid % 100_000}b`];
    await run("ip", ["netns", "add", it.#name]);
    try {
      await run("ip", ["link", "add", link, "type", "veth", "peer", "name", peer, "netns", it.#name]);
      await run("ip", ["address", "add", `${it.here}/30`, "dev", link]);
      await run("ip", ["link", "set", link, "up"]);
      await run("ip", ["-n", it.#name, "address", "add", `${it.there}/30`, "dev", peer]);
      await run("ip", ["-n", it.#name, "link", "set", peer, "up"]);
      await run("ip", ["-n", it.#name, "link", "set", "lo", "up"]);
    } catch (error) {
      await run("ip", ["netns", "del", it.#name]);
      throw error;
    }
    return it;
  }

  /** A real nginx, on this machine or on the other one, listening at its address. */
  async nginx(where: "here" | "there", sites: readonly Site[]): Promise<void> {
    const directory = join(this.#directory, `nginx-${where}`);
    await mkdir(directory, { recursive: true });
    const servers: string[] = [];
    for (const { port, certificate, lines } of sites) {
      const tls: string[] = [];
      if (certificate !== undefined) {
        await writeFile(join(directory, `${port}.pem`), certificate.certificate);
        await writeFile(join(directory, `${port}.key`), certificate.key, { mode: 0o600 });
        tls.push(`ssl_certificate ${directory}/${port}.pem;`, `ssl_certificate_key ${directory}/${port}.key;`);
      }
      const listen = `listen ${this[where]}:${port}${certificate === undefined ? "" : " ssl"};`;
      servers.push(`server { ${[listen, ...tls].join(" ")} location / { ${lines.join(" ")} } }`);
    }
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${directory}/${name};`,
    );
    const config = join(directory, "nginx.conf");
    await writeFile(
      config,
      `user root; worker_processes 1; daemon off; pid ${directory}/pid; error_log ${directory}/error.log;
events {} http { access_log off; ${temporary.join(" ")}\n${servers.join("\n")}\n}\n`,
    );
    this.#spawn(where, [NGINX, "-p", directory, "-e", `${directory}/error.log`, "-c", config]);
    await Promise.all(sites.map(({ port }) => listening(this[where], port)));
  }

  /** A real haproxy that forwards TCP, as its defaults do. */
  async haproxy(port: number, to: number): Promise<void> {
    const config = join(this.#directory, "haproxy.cfg");
    await writeFile(
      config,
      `defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen gateway
  bind ${this.here}:${port}
  server one 127.0.0.1:${to}
`,
    );
    this.#spawn("here", [HAPROXY, "-f", config, "-db"]);
    await listening(this.here, port);
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode !== null || !child.kill("SIGTERM")) continue;
      await ended;
    }
    // takes both interfaces with it
    await run("ip", ["netns", "del", this.#name]);
  }

  #spawn(where: "here" | "there", command: readonly string[]): void {
    const [program = "", ...args] = where === "here" ? command : ["ip", "netns", "exec", this.#name, ...command];
    this.#children.push(spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] }));
  }
}

/** Resolves when somebody listens there; fails after half a minute. */
async function listening(host: string, port: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => {
        resolve(false);
      });
    });
    if (open) return;
    if (Date.now() > deadline) throw new Error(`nobody listens at ${host}:${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
