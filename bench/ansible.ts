import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestNode } from "../sandbox/node/index.ts";
import { AGENTS, artefacts, homeOf, plainFiles, type Job } from "./job.ts";

const DIRECTORY = join(import.meta.dirname, "ansible");

function variables(job: Job): object {
  const { nodeUrl, nodeSha512, npmUrl, npmSha512, lock, registry } = artefacts();
  const home = homeOf(job);
  const files = plainFiles(job, "/opt/bench/node/bin/node", "/opt/bench/runtime");
  const secretsPlan = `${home.home}/secrets-plan.json`;
  return {
    node_url: nodeUrl,
    node_sha512: nodeSha512,
    npm_url: npmUrl,
    npm_sha512: npmSha512,
    package_files: [
      { name: "package.json", content: lock.packageJson },
      { name: "package-lock.json", content: lock.packageLock },
    ],
    npm_env: {
      NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt",
      PATH: "/opt/bench/node/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      npm_config_registry: registry,
      npm_config_update_notifier: "false",
    },
    gateway_user: job.user,
    gateway_home: home.home,
    gateway_port: job.port,
    gateway_directories: [
      home.stateDir,
      home.tempDir,
      `${home.stateDir}/logs`,
      home.cacheDir,
      `${home.home}/.config`,
      `${home.home}/.config/systemd`,
      `${home.home}/.config/systemd/user`,
      home.workspacesDir,
      home.gatehouseDir,
    ],
    gateway_files: [
      { path: home.configPath, content: files.config },
      { path: home.envFile, content: files.environment },
      { path: home.unitPath, content: files.unit },
      { path: secretsPlan, content: files.secretsPlan },
    ],
    gateway_env: files.variables,
    secrets_plan: secretsPlan,
    agents: AGENTS,
  };
}

/** Whether this machine can run the playbook. */
export function canRunAnsible(command: string): boolean {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}

export class Playbook {
  readonly #command: string;
  readonly #work: string;

  constructor(command: string, work: string, node: TestNode, job: Job) {
    this.#command = command;
    this.#work = work;
    mkdirSync(work, { recursive: true, mode: 0o700 });
    const { host, port, user, identityFile, hostKey } = node.ssh;
    writeFileSync(join(work, "known_hosts"), `[${host}]:${port} ${hostKey}\n`);
    const ssh = `-o UserKnownHostsFile=${join(work, "known_hosts")}`;
    writeFileSync(
      join(work, "hosts.ini"),
      `[nodes]\nbench ansible_host=${host} ansible_port=${port} ansible_user=${user} ansible_become=true ` +
        `ansible_ssh_private_key_file=${identityFile} ansible_ssh_common_args='${ssh}'\n`,
    );
    this.describe(job);
  }

  /** What the next run has to bring about. */
  describe(job: Job): void {
    writeFileSync(join(this.#work, "variables.json"), JSON.stringify(variables(job)), { mode: 0o600 });
  }

  /** Seconds of one run, and what Ansible says it changed. */
  run(): { readonly seconds: number; readonly changed: number } {
    const started = performance.now();
    const args = ["-i", join(this.#work, "hosts.ini"), "-e", `@${join(this.#work, "variables.json")}`];
    const done = spawnSync(this.#command, [...args, join(DIRECTORY, "playbook.yml")], {
      encoding: "utf8",
      env: { ...process.env, ANSIBLE_CONFIG: join(DIRECTORY, "ansible.cfg"), ANSIBLE_NOCOLOR: "1", LC_ALL: "C.UTF-8" },
    });
    const seconds = (performance.now() - started) / 1000;
    if (done.status !== 0)
      throw new Error(`the playbook failed: ${done.stdout.slice(-2000)}${done.stderr.slice(-500)}`);
    return { seconds, changed: Number(/changed=(\d+)/.exec(done.stdout)?.[1]) };
  }
}

export async function preparePython(node: TestNode): Promise<void> {
  const done = await node.exec(
    "command -v python3 || { apt-get update -qq && apt-get install -qqy python3-minimal; }",
    {
      timeoutMs: 300_000,
    },
  );
  if (done.code !== 0) throw new Error(`Ansible needs Python on the node: ${done.stderr.slice(-300)}`);
}
