import { execFile } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ensurePulumi } from "../../sandbox/engine/cli.ts";
import { ensurePlugins } from "../../sandbox/engine/plugins.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
export const POLICIES = join(ROOT, "policies");

function note(text: string): void {
  console.error(text);
}

/** The ordinary `pulumi` command on a project directory of its own, whose program is the checkout's. */
export class OrdinaryPulumi {
  readonly project: string;
  readonly #command: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(project: string, command: string, environment: NodeJS.ProcessEnv) {
    this.project = project;
    this.#command = command;
    this.#environment = environment;
  }

  /** Everything that it keeps is below `directory`: project, `state` (the backend) and `home`. */
  static async prepare(directory: string, variables: NodeJS.ProcessEnv): Promise<OrdinaryPulumi> {
    const cli = await ensurePulumi({}, note);
    const environment = {
      ...process.env,
      ...(await ensurePlugins({ choice: "auto" }, cli, note)).env,
      PULUMI_BACKEND_URL: `file://${join(directory, "state")}`,
      PULUMI_HOME: join(directory, "home"),
      // offers --event-log
      PULUMI_DEBUG_COMMANDS: "true",
      ...variables,
    };
    const project = join(directory, "project");
    mkdirSync(project);
    mkdirSync(join(directory, "state"));
    // so that the checkout gets no stack file
    for (const name of ["Pulumi.yaml", "package.json"]) cpSync(join(ROOT, name), join(project, name));
    for (const name of ["index.ts", "node_modules", "remote"]) symlinkSync(join(ROOT, name), join(project, name));
    return new OrdinaryPulumi(project, cli.command, environment);
  }

  /** What a command needs that works on the same state. */
  get variables(): NodeJS.ProcessEnv {
    return this.#environment;
  }

  run(args: readonly string[], stdin = ""): Promise<{ readonly status: number; readonly output: string }> {
    return new Promise((resolve) => {
      const options = { cwd: this.project, env: this.#environment, maxBuffer: 512 * 1024 * 1024 };
      const child = execFile(this.#command, [...args, "--non-interactive"], options, (error, stdout, stderr) => {
        resolve({ status: error ? 1 : 0, output: stdout + stderr });
      });
      child.stdin?.end(stdin);
    });
  }
}
