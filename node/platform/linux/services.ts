import { EXIT } from "../../protocol.ts";
import { describeEnd, exec } from "../../lib/exec.ts";
import type { ExecResult } from "../../lib/exec.ts";
import { PhaseFailure } from "../../lib/failure.ts";
import { ownUser } from "../../lib/gateway-user.ts";
import { userEnvironment } from "./environment.ts";
import { readJournal } from "./journal.ts";
import { removeTimer, timerDifferences, timerFiles, writeTimer } from "./timer.ts";
import { linuxUnitFiles } from "./unit-files.ts";
import { managerEnvironment, unitFacts, unitLog, unsetEnvironment } from "./unit-facts.ts";
import type { RepeatedJob, Services, UnitState } from "../services.ts";

/** A stopping gateway may take TimeoutStopSec (330 s) to finish its turns. */
const STOP_SECONDS = 345;

async function run(argv: readonly [string, ...string[]], timeoutSeconds = 30): Promise<ExecResult> {
  return await exec(argv, { env: userEnvironment(ownUser()), timeoutSeconds });
}

async function must(argv: readonly [string, ...string[]], timeoutSeconds?: number): Promise<ExecResult> {
  const result = await run(argv, timeoutSeconds);
  if (result.status === 0) return result;
  const detail = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new PhaseFailure({
    layer: "host",
    code: "user-manager",
    message: `\`${argv.slice(0, 4).join(" ")}\` failed (${describeEnd(result)})${detail === "" ? "" : `: ${detail}`}`,
    fix: "check the user manager on the node: `systemctl --user --machine=USER@ status`",
    exit: EXIT.unavailable,
  });
}

async function state(unit: string): Promise<UnitState> {
  const properties = "ActiveState,SubState,UnitFileState,MainPID,NRestarts";
  const { stdout } = await must(["systemctl", "--user", "show", unit, `--property=${properties}`]);
  const values = new Map(
    stdout.split("\n").map((line) => {
      const [name = "", ...rest] = line.split("=");
      return [name, rest.join("=")] as const;
    }),
  );
  const text = (name: string): string => values.get(name) ?? "";
  return {
    active: text("ActiveState"),
    sub: text("SubState"),
    enabled: text("UnitFileState") === "enabled",
    mainPid: Number(text("MainPID")),
    restarts: Number(text("NRestarts")),
  };
}

async function recentLog(unit: string, since: Date): Promise<readonly string[]> {
  const from = `--since=@${(since.getTime() / 1000).toFixed(3)}`;
  const { stdout } = await run([
    "journalctl",
    "--user",
    "--unit",
    unit,
    from,
    "--lines=60",
    "--no-pager",
    "--output=cat",
  ]);
  return stdout.split("\n").filter((line) => line !== "");
}

async function cancel(name: string): Promise<void> {
  // Not there, or just fired: both are what we want.
  await run(["systemctl", "--user", "stop", `${name}.timer`]);
}

async function repeatDifferences(job: RepeatedJob): Promise<readonly string[]> {
  const timer = await state(`${job.name}.timer`);
  return [
    ...(await timerDifferences(job)),
    ...(timer.enabled ? [] : ["its timer is not enabled"]),
    ...(timer.active === "active" ? [] : [`its timer is ${timer.active}`]),
  ];
}

export const linuxServices: Services = {
  ...linuxUnitFiles,
  state,
  inspect: unitFacts,
  environment: managerEnvironment,
  unsetEnvironment,
  log: unitLog,
  recentLog,
  cancel,
  repeatDifferences,
  readLog: readJournal,
  async repeat(job) {
    if ((await repeatDifferences(job)).length === 0) return;
    await writeTimer(job);
    await must(["systemctl", "--user", "daemon-reload"]);
    await must(["systemctl", "--user", "--quiet", "enable", `${job.name}.timer`]);
    await must(["systemctl", "--user", "restart", `${job.name}.timer`]);
  },
  async stopRepeating(name) {
    if ((await timerFiles(name)).length === 0) return;
    await run(["systemctl", "--user", "--quiet", "disable", "--now", `${name}.timer`]);
    await run(["systemctl", "--user", "stop", `${name}.service`]);
    await removeTimer(name);
    await must(["systemctl", "--user", "daemon-reload"]);
    await run(["systemctl", "--user", "reset-failed", `${name}.service`]);
  },
  async reload() {
    await must(["systemctl", "--user", "daemon-reload"]);
  },
  async enable(unit) {
    await must(["systemctl", "--user", "--quiet", "enable", unit]);
  },
  async restart(unit) {
    // Without it a unit that hit its start limit refuses to start.
    await run(["systemctl", "--user", "reset-failed", unit]);
    await must(["systemctl", "--user", "restart", unit], STOP_SECONDS);
  },
  async disable(unit) {
    await run(["systemctl", "--user", "stop", unit], STOP_SECONDS);
    await run(["systemctl", "--user", "--quiet", "disable", unit]);
    await run(["systemctl", "--user", "reset-failed", unit]);
  },
  async profile() {
    const sandbox = ["PrivateUsers=yes", "ProtectSystem=strict", "ProtectHome=read-only"];
    const properties = sandbox.map((property) => `--property=${property}`);
    const probe = await run(["systemd-run", "--user", "--quiet", "--wait", "--collect", ...properties, "true"]);
    // without a user namespace mount sandboxing is ignored
    return probe.status === 0 ? "namespaced" : "seccomp-only";
  },
  async schedule(name, seconds, argv) {
    await cancel(name);
    await run(["systemctl", "--user", "reset-failed", `${name}.timer`, `${name}.service`]);
    await must([
      "systemd-run",
      "--user",
      "--quiet",
      "--collect",
      `--unit=${name}`,
      `--on-active=${seconds}s`,
      "--timer-property=AccuracySec=1s",
      "--",
      ...argv,
    ]);
  },
};
