import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import { Command } from "commander";
import { extraAuthorities, startNode, type TestNode } from "../sandbox/node/index.ts";
import { freePort } from "../sandbox/node/port.ts";
import { canRunAnsible, Playbook, preparePython } from "./ansible.ts";
import { removeFloor, runFloor, type FloorRun } from "./floor.ts";
import { gatehouseUp, noOpProcess, putSecrets, removeGatehouse, restartAlone, rotateProcess } from "./gatehouse.ts";
import type { RotateRun, UpRun } from "./gatehouse.ts";
import { jobFor, type Job } from "./job.ts";

interface Flags {
  readonly ansible: string;
  readonly json?: true;
}

interface Measured {
  readonly machine: string;
  readonly floor: readonly FloorRun[];
  readonly cold: readonly UpRun[];
  readonly noOp: { readonly process: number; readonly engine: number; readonly handshakes: number };
  readonly rotated: RotateRun;
  /** Seconds of the unit's own restart. */
  readonly restart: number;
  readonly ansible: AnsibleRuns | string;
}

interface AnsibleRuns {
  readonly cold: number;
  readonly second: number;
  readonly changed: number;
  /** Seconds of the run that brings one changed key. */
  readonly rotated: number;
}

const NO_OP_RUNS = 5;
const ROTATED_KEY = "sk-ant-api03-bench-rotated-0123456789abcdef";

function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Floor, ours, ours, floor, floor, ours: whoever comes later finds warmer caches and a fuller disk. */
async function measure(node: TestNode, work: string, authorities: string[], flags: Flags): Promise<Measured> {
  const job = async (user: string): Promise<Job> => jobFor(user, await freePort("127.0.0.1"), node.ssh, authorities);
  const [floorJob, ourJob] = [await job("oc-floor"), await job("oc-ours")];
  const floorOnce = async (): Promise<FloorRun> => {
    note("floor, cold");
    const run = await runFloor(node, floorJob);
    await removeFloor(node, floorJob);
    return run;
  };
  const oursOnce = async (state: string): Promise<UpRun> => {
    note("gatehouse, cold");
    const run = await gatehouseUp(node, ourJob, state);
    await removeGatehouse(node, ourJob, state);
    return run;
  };
  const floor = [await floorOnce()];
  const cold = [await oursOnce(join(work, "first")), await oursOnce(join(work, "second"))];
  floor.push(await floorOnce(), await floorOnce());
  note("gatehouse, cold");
  const state = join(work, "third");
  cold.push(await gatehouseUp(node, ourJob, state));
  note("gatehouse, nothing to do");
  const unchanged = await gatehouseUp(node, ourJob, state);
  const processes = Array.from({ length: NO_OP_RUNS }, () => noOpProcess(state));
  note("gatehouse, one key rotated");
  await putSecrets(state, { ...ourJob.secrets, "oc-ours-research": ROTATED_KEY });
  const rotated = await rotateProcess(node, ourJob, "research", state);
  const restart = await restartAlone(node, ourJob);
  await removeGatehouse(node, ourJob, state);
  return {
    machine: `${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`,
    floor,
    cold,
    noOp: { process: median(processes), engine: unchanged.previewAndUp, handshakes: unchanged.handshakes },
    rotated,
    restart,
    ansible: await measureAnsible(node, work, await job("oc-ansible"), flags),
  };
}

async function measureAnsible(node: TestNode, work: string, job: Job, flags: Flags): Promise<Measured["ansible"]> {
  if (!canRunAnsible(flags.ansible)) {
    return `skipped: ${flags.ansible} is not on this machine (pip install ansible-core==2.19.*, or --ansible PATH)`;
  }
  note("Ansible, first run");
  await preparePython(node);
  const playbook = new Playbook(flags.ansible, join(work, "ansible"), node, job);
  const cold = playbook.run().seconds;
  note("Ansible, second run");
  const second = playbook.run();
  note("Ansible, one key changed");
  playbook.describe({ ...job, secrets: { ...job.secrets, [`${job.user}-research`]: ROTATED_KEY } });
  return { cold, second: second.seconds, changed: second.changed, rotated: playbook.run().seconds };
}

const seconds = (value: number): string => `${value.toFixed(1)} s`;
const ratio = (value: number, base: number): string => (value / base).toFixed(2);

function report(measured: Measured): string {
  const { floor, cold, noOp, rotated, restart, ansible } = measured;
  const base = median(floor.map((run) => run.seconds));
  const up = median(cold.map((run) => run.up));
  const whole = median(cold.map((run) => run.previewAndUp));
  const table = new Table({ head: ["what", "seconds", "ratio", "budget"], style: { head: [], border: [] } });
  table.push(
    ["floor: plain script, one SSH connection, cold", seconds(base), "1", ""],
    ["gatehouse: up, cold", seconds(up), ratio(up, base), "1.25 x floor"],
    ["gatehouse: preview for the policies and up, cold", seconds(whole), ratio(whole, base), ""],
  );
  if (typeof ansible === "string") table.push(["Ansible", ansible, "", ""]);
  else {
    table.push(
      ["Ansible: cold", seconds(ansible.cold), ratio(ansible.cold, base), ""],
      [`Ansible: second run (${ansible.changed} changed)`, seconds(ansible.second), "1", ""],
      [
        "gatehouse: nothing to do, whole process",
        seconds(noOp.process),
        ratio(noOp.process, ansible.second),
        "0.25 x Ansible",
      ],
      ["Ansible: one key changed", seconds(ansible.rotated), "1", ""],
      [
        "gatehouse: one key rotated, whole process",
        seconds(rotated.seconds),
        ratio(rotated.seconds, ansible.rotated),
        "0.5 x Ansible",
      ],
    );
  }
  table.push(
    ["gatehouse: nothing to do, engine alone", seconds(noOp.engine), "", ""],
    ["gatehouse: interruption by that rotation", seconds(rotated.interruption), "", "restart + 1 s"],
    ["the unit's own restart", seconds(restart), "", ""],
  );
  const phasesOf = (run: UpRun): number => Object.keys(run.phases).filter((phase) => !/seed|key$/.test(phase)).length;
  const made = (parts: Readonly<Record<string, number>>): string =>
    Object.entries(parts)
      .map(([name, value]) => `${name} ${seconds(value)}`)
      .join(", ");
  return [
    measured.machine,
    table.toString(),
    ...cold.map((run) => `cold up: ${run.handshakes} SSH handshakes for ${phasesOf(run)} phases`),
    `one key rotated: ${rotated.handshakes} SSH handshakes`,
    `nothing to do: ${noOp.handshakes} SSH handshakes`,
    ...floor.map(({ parts }) => `floor: ${made(parts)}`),
    ...cold.map(({ phases }) => `cold up: ${made(phases)}`),
  ].join("\n");
}

async function main(flags: Flags): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  const node = await startNode({ name: "bench-node", stateDir: join(work, "node"), progress: note });
  try {
    mkdirSync(join(work, "authorities"));
    const authorities = (await extraAuthorities(process.env)).map((pem, index) => {
      const path = join(work, "authorities", `${index}.pem`);
      writeFileSync(path, pem);
      return path;
    });
    const measured = await measure(node, work, authorities, flags);
    process.stdout.write(`${flags.json === true ? JSON.stringify(measured, null, 2) : report(measured)}\n`);
  } finally {
    await node.destroy();
    rmSync(work, { recursive: true, force: true });
  }
}

await new Command("bench")
  .description("Times Gatehouse beside a plain script and an Ansible playbook: same job, same node, one run.")
  .option("--ansible <command>", "ansible-playbook to compare with", "ansible-playbook")
  .option("--json", "one JSON document on stdout")
  .addHelpText("after", "\nTakes about nine minutes; nothing else should run. Exit status: 0 measured, 1 failed.")
  .action((flags: Flags) => main(flags))
  .parseAsync();
